//! Time as the database has it. Processes that share a database must agree on what is due, and the
//! clock of one machine may be off, or be set, at any time; so the hand of a [`DatabaseClock`] is
//! put by the database and moved on by the monotonic watch alone.

use std::{
    sync::{Arc, LazyLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, SystemClock};
use meter::Gauge;
use sea_orm::DbErr;
use store::{Db, sql};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

static OFFSET: LazyLock<Gauge<[(&'static str, &'static str); 0]>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_clock_offset_seconds",
        "How far this machine's clock is ahead of the database's; what is due goes by the database's",
    )
});

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(10);
/// Clocks closer than this count as the same: moving the hand costs more than it mends.
const BEARABLE: TimeDelta = TimeDelta::milliseconds(500);
/// An answer that took longer says too little about the time.
const QUICK: Duration = Duration::from_millis(800);

/// Where the hand stood when.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: DateTime<Utc>,
    at: Instant,
}

impl Mark {
    fn time_at(self, at: Instant) -> DateTime<Utc> {
        let passed = at.saturating_duration_since(self.at).as_micros();
        self.time + TimeDelta::microseconds(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// Stands in for the machine's clock where the database is PostgreSQL.
#[derive(Debug)]
pub(super) struct DatabaseClock {
    mark: RwLock<Mark>,
}

/// One question to the database.
#[derive(Debug, Clone, Copy)]
struct Answer {
    time: DateTime<Utc>,
    asked: Instant,
    answered: Instant,
}

impl Answer {
    fn took(&self) -> Duration {
        self.answered - self.asked
    }

    /// The database looked at its clock in the middle, give or take half of the round trip.
    fn mark(&self) -> Mark {
        Mark { time: self.time, at: self.asked + self.took() / 2 }
    }
}

impl DatabaseClock {
    /// Goes by the machine's clock until the database has been asked.
    pub(super) fn new() -> Self {
        Self { mark: RwLock::new(Mark { time: SystemClock.now(), at: Instant::now() }) }
    }

    fn mark(&self) -> Mark {
        *self.mark.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the database and puts the hand; the quickest of three answers counts.
    pub(super) async fn set(&self, db: &Db) -> Result<(), DbErr> {
        let mut best = ask(db).await?;
        for _ in 0..2 {
            let answer = ask(db).await?;
            if answer.took() < best.took() {
                best = answer;
            }
        }
        self.follow(best);
        Ok(())
    }

    /// Goes on asking until `stop`.
    pub(super) fn keep(self: Arc<Self>, db: Db, stop: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
                match ask(&db).await {
                    Ok(answer) if answer.took() <= QUICK => self.follow(answer),
                    Ok(answer) => {
                        tracing::debug!(took = ?answer.took(), "the database is too slow to tell the time");
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the database does not tell the time; the hand goes on by itself");
                    }
                }
            }
        })
    }

    /// Moves the hand if it is off by more than is bearable.
    fn follow(&self, answer: Answer) {
        let true_mark = answer.mark();
        let now = Instant::now();
        let (machine, database) = (SystemClock.now(), true_mark.time_at(now));
        OFFSET.get_or_create(&[]).set((machine - database).as_seconds_f64());
        let off = self.mark().time_at(now) - database;
        let unsure = TimeDelta::from_std(answer.took() / 2).unwrap_or(BEARABLE);
        if off.abs() <= BEARABLE + unsure {
            return;
        }
        tracing::warn!(
            machine = %machine,
            database = %database,
            seconds = off.as_seconds_f64(),
            "the clock was off; the database's time counts from here on"
        );
        *self.mark.write().unwrap_or_else(PoisonError::into_inner) = true_mark;
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        self.mark().time_at(Instant::now())
    }
}

async fn ask(db: &Db) -> Result<Answer, DbErr> {
    let asked = Instant::now();
    let micros = "SELECT cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) AS micros";
    let row = sql::one(db, micros, vec![]).await?;
    let answered = Instant::now();
    let micros: i64 = row.ok_or_else(nothing)?.try_get("", "micros")?;
    let time = DateTime::from_timestamp_micros(micros).ok_or_else(nothing)?;
    Ok(Answer { time, asked, answered })
}

fn nothing() -> DbErr {
    DbErr::RecordNotFound("the database's time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(time: DateTime<Utc>, took: Duration) -> Answer {
        let answered = Instant::now();
        Answer { time, asked: answered - took, answered }
    }

    fn off(clock: &DatabaseClock) -> TimeDelta {
        clock.now() - SystemClock.now()
    }

    fn near(a: TimeDelta, b: TimeDelta) -> bool {
        (a - b).abs() < TimeDelta::milliseconds(100)
    }

    #[test]
    fn an_hour_off_follows_the_database_both_ways() {
        for hours in [1, -1] {
            let clock = DatabaseClock::new();
            let there = SystemClock.now() + TimeDelta::hours(hours);
            clock.follow(answer(there, Duration::ZERO));
            assert!(near(off(&clock), TimeDelta::hours(hours)));
            // And back when the other end is set right.
            clock.follow(answer(SystemClock.now(), Duration::ZERO));
            assert!(near(off(&clock), TimeDelta::zero()));
        }
    }

    #[test]
    fn a_little_off_stays_as_it_is() {
        let clock = DatabaseClock::new();
        clock.follow(answer(SystemClock.now() + TimeDelta::milliseconds(300), Duration::ZERO));
        assert!(near(off(&clock), TimeDelta::zero()));
    }

    #[test]
    fn a_slow_answer_is_believed_only_beyond_its_own_doubt() {
        let clock = DatabaseClock::new();
        // Half of the round trip later it is 600 ms off, which may be 300 ms as well.
        let there = SystemClock.now() + TimeDelta::milliseconds(300);
        clock.follow(answer(there, Duration::from_millis(600)));
        assert!(near(off(&clock), TimeDelta::zero()));
        clock.follow(answer(there, Duration::from_millis(1)));
        assert!(near(off(&clock), TimeDelta::zero()));
    }
}
