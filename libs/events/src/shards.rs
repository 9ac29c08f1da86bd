//! Shards of the outbox and the leases on them: who may publish which part.
//!
//! Processes that share a database share its shards evenly: each announces itself by a lease of its
//! own, and takes no more shards than its part of those who are alive.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::DbErr;
use store::{Db, Lease, Leases};

use crate::{metrics, wire::SHARDS};

/// Leases by which relays announce themselves.
const MEMBER: &str = "relay-member-";

/// The shards that this process holds. Cheap to clone; clones share the leases.
#[derive(Clone)]
pub(crate) struct Shards {
    service: String,
    leases: Leases,
    ttl: Duration,
    /// Lease name → its shards.
    groups: Arc<BTreeMap<String, Vec<i32>>>,
    member: String,
    announced: Arc<Mutex<Option<Lease>>>,
    /// Leases held, and until when by this process's own watch.
    held: Arc<Mutex<BTreeMap<String, (Lease, Instant)>>>,
}

impl Shards {
    /// SQLite serves one process: one lease does for all shards, and saves writes.
    pub(crate) fn new(service: &str, db: Db, holder: &str, ttl: Duration) -> Self {
        let shards = 0..i32::try_from(SHARDS).unwrap_or(i32::MAX);
        let groups = if db.is_postgres() {
            shards.map(|shard| (format!("relay-{shard}"), vec![shard])).collect()
        } else {
            BTreeMap::from([("relay".to_owned(), shards.collect())])
        };
        Self {
            service: service.to_owned(),
            leases: Leases::new(db, holder),
            ttl,
            groups: Arc::new(groups),
            member: format!("{MEMBER}{holder}"),
            announced: Arc::default(),
            held: Arc::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, (Lease, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prolongs what is held, takes what is free up to the fair part, gives back what is above it;
    /// answers how many leases are held.
    pub(crate) async fn hold(&self) -> Result<usize, DbErr> {
        let fair = self.fair_part().await?;
        let mine: BTreeSet<String> = self.held().keys().cloned().collect();
        for (nth, name) in mine.iter().enumerate() {
            if nth < fair {
                self.take(name).await?;
            } else if let Some((lease, _)) = self.forget(name) {
                self.leases.release(&lease).await?;
            }
        }
        for name in self.groups.keys().filter(|name| !mine.contains(*name)) {
            if self.held().len() >= fair {
                break;
            }
            self.take(name).await?;
        }
        let held = self.held().len();
        let labels = metrics::Service { service: self.service.clone() };
        metrics::RELAY_SHARDS.get_or_create(&labels).set(held as f64);
        Ok(held)
    }

    /// How many leases this process should hold, so that all that are alive share them.
    async fn fair_part(&self) -> Result<usize, DbErr> {
        if self.groups.len() == 1 {
            return Ok(1);
        }
        let me = self.leases.acquire(&self.member, self.ttl).await?;
        *self.announced.lock().unwrap_or_else(PoisonError::into_inner) = me;
        self.leases.purge(MEMBER).await?;
        let alive = self.leases.alive(MEMBER).await?.max(1);
        Ok(self.groups.len().div_ceil(alive))
    }

    async fn take(&self, name: &str) -> Result<(), DbErr> {
        let asked = Instant::now();
        match self.leases.acquire(name, self.ttl).await? {
            Some(lease) => {
                self.held().insert(name.to_owned(), (lease, asked + self.ttl));
            }
            None => drop(self.forget(name)),
        }
        Ok(())
    }

    fn forget(&self, name: &str) -> Option<(Lease, Instant)> {
        self.held().remove(name)
    }

    /// Gives every lease back, for a quick hand-over.
    pub(crate) async fn release(&self) -> Result<(), DbErr> {
        let held = std::mem::take(&mut *self.held());
        let me = self.announced.lock().unwrap_or_else(PoisonError::into_inner).take();
        for lease in held.into_values().map(|(lease, _)| lease).chain(me) {
            self.leases.release(&lease).await?;
        }
        Ok(())
    }

    /// Shards held by this process's own watch, each with the condition under which the database
    /// agrees.
    pub(crate) fn guarded(&self) -> Vec<(i32, String)> {
        let now = Instant::now();
        let held = self.held();
        let in_time = held.iter().filter(|(_, (_, until))| *until > now);
        in_time
            .flat_map(|(name, (lease, _))| {
                let guard = self.leases.condition(lease);
                self.groups[name].iter().map(move |shard| (*shard, guard.clone()))
            })
            .collect()
    }

    /// Shards held by this process's own watch.
    pub(crate) fn in_time(&self) -> BTreeSet<i32> {
        self.guarded().into_iter().map(|(shard, _)| shard).collect()
    }
}
