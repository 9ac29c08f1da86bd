//! PostgreSQL stopped, killed, cut off, slow.

use std::time::Duration;

use super::Fault;
use crate::chaos::field::Field;

#[derive(Debug)]
pub struct Stopped {
    pub time: Duration,
}

impl Fault for Stopped {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_stop();
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_start()
    }
}

#[derive(Debug)]
pub struct Killed {
    pub time: Duration,
}

impl Fault for Killed {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_kill();
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_start()
    }
}

/// Every connection breaks; the server lives.
#[derive(Debug)]
pub struct Cut;

impl Fault for Cut {
    fn lasts(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_cut();
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_cut();
        Ok(())
    }
}

/// Every commit waits for the disk.
#[derive(Debug)]
pub struct Slow {
    pub time: Duration,
}

impl Fault for Slow {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_slow(true);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.postgres_slow(false);
        Ok(())
    }
}
