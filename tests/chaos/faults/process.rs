//! Processes that die, sleep, or live in another hour.

use std::{
    sync::atomic::Ordering,
    thread::sleep,
    time::{Duration, Instant},
};

use super::Fault;
use crate::chaos::field::Field;

/// `kill -9` at no particular moment.
#[derive(Debug)]
pub struct Kill {
    pub process: String,
    pub down: Duration,
}

impl Fault for Kill {
    fn lasts(&self) -> Duration {
        self.down
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.kill(&self.process);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.start(&self.process)
    }
}

/// Death at an exact place. Every replica of the service is armed, for only one of them may come by
/// there (a job has one holder).
#[derive(Debug)]
pub struct Crash {
    pub point: &'static str,
    pub service: String,
    pub passes: u32,
    pub died: bool,
}

impl Crash {
    fn armed(&self, field: &Field) -> Vec<String> {
        let ours = |p: &String| *p == self.service || *p == format!("{}-2", self.service);
        field.processes().into_iter().filter(ours).collect()
    }
}

impl Fault for Crash {
    /// At most: it is over with the death. Where little happens (customers are rarely made) or the
    /// machine is busy, the place is passed as often as it takes only after a while.
    fn lasts(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn is_over(&self, field: &Field) -> bool {
        self.armed(field).iter().any(|p| !field.cluster.is_running(p))
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        let at = format!("{}:{}", self.point, self.passes);
        for process in self.armed(field) {
            field.cluster.terminate(&process)?;
            field.cluster.start_service(&process, &[("KEFU_CRASH_AT", &at)])?;
        }
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        for process in self.armed(field) {
            if field.cluster.is_running(&process) {
                field.kill(&process);
            } else {
                self.died = true;
                field.deeds.kills.fetch_add(1, Ordering::SeqCst);
            }
            field.start(&process)?;
        }
        if self.died { Ok(()) } else { Err(format!("{} was never passed", self.point)) }
    }
}

/// The second replica goes and comes, and the first dies while their group sorts itself out.
#[derive(Debug)]
pub struct KillRebalance {
    pub service: String,
    pub after: Duration,
}

impl Fault for KillRebalance {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        let second = format!("{}-2", self.service);
        field.cluster.terminate(&second)?;
        sleep(self.after);
        field.kill(&self.service);
        field.start(&second)?;
        field.start(&self.service)?;
        // Once more, the other way round: somebody joins, and the one who has everything dies.
        field.cluster.terminate(&self.service)?;
        field.start(&self.service)?;
        sleep(self.after);
        field.kill(&second);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.start(&format!("{}-2", self.service))
    }
}

/// Stopped past its leases (10 s for relay shards, about 16 s for jobs) and woken.
#[derive(Debug)]
pub struct Frozen {
    pub process: String,
    pub time: Duration,
}

impl Fault for Frozen {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.freeze(&self.process);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.thaw(&self.process);
        Ok(())
    }
}

/// One process believes that it is an hour earlier or later.
#[derive(Debug)]
pub struct ClockOff {
    pub process: String,
    pub by: &'static str,
    pub time: Duration,
}

impl Fault for ClockOff {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.deeds.skewed.store(true, Ordering::SeqCst);
        field.cluster.terminate(&self.process)?;
        let begun = Instant::now();
        // Timed waits of the broker's library do not end under the preloaded one: the shutdown takes
        // all of its grace time.
        field.cluster.start_service(
            &self.process,
            &[("KEFU_FAKETIME", self.by), ("KEFU__SHUTDOWN__GRACE_SECS", "3")],
        )?;
        field.cluster.wait_ready(&self.process, super::super::field::READY)?;
        self.time += begun.elapsed().min(Duration::from_secs(5));
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.terminate(&self.process)?;
        field.start(&self.process)
    }
}
