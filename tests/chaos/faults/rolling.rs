//! SIGTERM to every process in turn, under load: a client behind a balancer notices at most a 503
//! with `Retry-After`.

use std::{thread::sleep, time::Duration};

use super::Fault;
use crate::chaos::field::Field;

#[derive(Debug)]
pub struct Rolling;

impl Fault for Rolling {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        // What earlier faults left behind must be over before failures count.
        field.all_ready()?;
        sleep(Duration::from_secs(2));
        field.balancer.be_strict(true);
        let restarted = field.processes().iter().try_for_each(|process| {
            let took = field.cluster.terminate(process)?;
            if took > Duration::from_secs(30) {
                return Err(format!("{process} took {took:?} to end"));
            }
            field.start(process)?;
            // The balancer has to see that it is back before the next one goes.
            sleep(Duration::from_millis(1_500));
            Ok(())
        });
        field.balancer.be_strict(false);
        restarted
    }

    fn heal(&mut self, _field: &Field) -> Result<(), String> {
        Ok(())
    }
}
