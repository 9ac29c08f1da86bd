//! Processor time, memory and open files of this process, under the names that all of Prometheus'
//! client libraries give them. Linux only: elsewhere there is no /proc to read.

use prometheus_client::registry::Registry;

#[cfg(not(target_os = "linux"))]
pub(crate) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
pub(crate) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(linux::Process));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::{ProcResult, WithCurrentSystemInfo, process::LimitValue};
    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::{counter::ConstCounter, gauge::ConstGauge},
    };

    #[derive(Debug)]
    pub(super) struct Process;

    struct Figures {
        cpu_seconds: f64,
        resident: u64,
        virtual_memory: u64,
        threads: i64,
        started: f64,
        open_files: u64,
        most_files: u64,
    }

    fn read() -> ProcResult<Figures> {
        let me = procfs::process::Process::myself()?;
        let stat = me.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        let most_files = match me.limits()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => limit,
            LimitValue::Unlimited => u64::MAX,
        };
        Ok(Figures {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            resident: stat.rss_bytes().get(),
            virtual_memory: stat.vsize,
            threads: stat.num_threads,
            started: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
            open_files: me.fd_count()? as u64,
            most_files,
        })
    }

    impl Collector for Process {
        /// Where /proc cannot be read the figures are missing, and everything else is told.
        fn encode(&self, mut out: DescriptorEncoder) -> fmt::Result {
            let Ok(all) = read() else { return Ok(()) };
            let mut one = |name: &str, help: &str, metric: &dyn EncodeMetric| {
                metric.encode(out.encode_descriptor(name, help, None, metric.metric_type())?)
            };
            one(
                "process_cpu_seconds",
                "User and system time spent",
                &ConstCounter::new(all.cpu_seconds),
            )?;
            one(
                "process_resident_memory_bytes",
                "Memory in use",
                &ConstGauge::new(all.resident as f64),
            )?;
            one(
                "process_virtual_memory_bytes",
                "Address space in use",
                &ConstGauge::new(all.virtual_memory as f64),
            )?;
            one("process_threads", "Threads", &ConstGauge::new(all.threads))?;
            one(
                "process_start_time_seconds",
                "When the process began, since 1970",
                &ConstGauge::new(all.started),
            )?;
            one("process_open_fds", "Open files", &ConstGauge::new(all.open_files as f64))?;
            one(
                "process_max_fds",
                "Files that may be open",
                &ConstGauge::new(all.most_files as f64),
            )
        }
    }
}
