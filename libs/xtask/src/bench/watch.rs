//! CPU and memory of processes during a measurement, read from `/proc`.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

const EVERY: Duration = Duration::from_millis(250);
/// Clock ticks of `/proc/PID/stat`; 100 on every Linux that matters (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

#[derive(Debug, Clone)]
pub enum Who {
    /// One process; memory is what is resident.
    Process(u32),
    /// PostgreSQL by its first process: all of its processes together; memory is what each has of
    /// its own, the shared buffers not counted.
    Postgres(u32),
}

#[derive(Debug, Clone)]
pub struct Watched {
    pub name: String,
    pub who: Who,
}

/// What one of them used.
#[derive(Debug, Clone)]
pub struct Usage {
    pub name: String,
    pub cpu_seconds: f64,
    pub peak_megabytes: f64,
}

/// Runs until [`Watch::end`].
pub struct Watch {
    watched: Vec<Watched>,
    before: Vec<f64>,
    done: Arc<AtomicBool>,
    peaks: JoinHandle<Vec<f64>>,
}

pub fn process(name: &str, pid: u32) -> Watched {
    Watched { name: name.into(), who: Who::Process(pid) }
}

pub fn postgres(postmaster: u32) -> Watched {
    Watched { name: "postgres".into(), who: Who::Postgres(postmaster) }
}

/// The process that measures.
pub fn ourselves() -> Watched {
    process("load generator", std::process::id())
}

impl Watch {
    pub fn begin(watched: &[Watched]) -> Self {
        let watched = watched.to_vec();
        let before = watched.iter().map(cpu_seconds).collect();
        let done = Arc::new(AtomicBool::new(false));
        let (seen, stop) = (watched.clone(), done.clone());
        let peaks = thread::spawn(move || {
            let mut peaks = vec![0.0_f64; seen.len()];
            loop {
                for (peak, one) in peaks.iter_mut().zip(&seen) {
                    *peak = peak.max(megabytes(one));
                }
                if stop.load(Ordering::Relaxed) {
                    return peaks;
                }
                thread::sleep(EVERY);
            }
        });
        Self { watched, before, done, peaks }
    }

    pub fn end(self) -> Vec<Usage> {
        let after: Vec<f64> = self.watched.iter().map(cpu_seconds).collect();
        self.done.store(true, Ordering::Relaxed);
        let peaks = self.peaks.join().unwrap_or_default();
        let used = self.watched.iter().zip(self.before).zip(after).zip(peaks);
        used.map(|(((one, before), after), peak)| Usage {
            name: one.name.clone(),
            cpu_seconds: after - before,
            peak_megabytes: peak,
        })
        .collect()
    }
}

/// CPU used so far; 0 for one that has ended.
pub fn cpu_seconds(one: &Watched) -> f64 {
    match one.who {
        Who::Process(pid) => ticks(pid).map_or(0.0, |(own, _)| own / TICKS),
        // A backend that ends leaves its time with its parent.
        Who::Postgres(pid) => {
            let (own, ended) = ticks(pid).unwrap_or_default();
            let backends: f64 = children(pid).iter().filter_map(|c| ticks(*c)).map(|t| t.0).sum();
            (own + ended + backends) / TICKS
        }
    }
}

/// Memory now.
pub fn megabytes(one: &Watched) -> f64 {
    match one.who {
        Who::Process(pid) => status(pid, "VmRSS:"),
        Who::Postgres(pid) => {
            children(pid).into_iter().chain([pid]).map(|p| status(p, "RssAnon:")).sum()
        }
    }
}

/// Own and ended children's time.
fn ticks(pid: u32) -> Option<(f64, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name in brackets, which may hold blanks: state is the third field.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |n: usize| fields.get(n - 3).and_then(|f| f.parse::<f64>().ok());
    Some((field(14)? + field(15)?, field(16)? + field(17)?))
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    tasks.unwrap_or_default().split_whitespace().filter_map(|c| c.parse().ok()).collect()
}

/// A size of `/proc/PID/status`, in megabytes.
fn status(pid: u32, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes: Option<f64> = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or_default() / 1_024.0
}

/// The process whose id stands in a file.
pub fn of_pid_file(name: &str, file: &Path) -> Option<Watched> {
    let pid = fs::read_to_string(file).ok()?.split_whitespace().next()?.parse().ok()?;
    Some(process(name, pid))
}
