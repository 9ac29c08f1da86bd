//! Configuration of enterprises: versioned documents in one table, cached per process and revision.
//!
//! A save adds a version and moves `config_head.rev`; whoever works on a ticket reads that number
//! in its own transaction and loads the documents again only when it has moved.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use calendar::Calendar;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{OrgPath, Problem};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{Tx, sql};
use utoipa::ToSchema;
use uuid::Uuid;

use super::entities::{config, customer};
use crate::domain::{
    builtin,
    config::{BusinessCalendar, Department, Queue, queue_for},
    kind::Kind,
    sla::{self, Facts, Policy},
    timer::Terms,
};

/// What kinds of documents there are; the text is the first key of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Kinds,
    Queues,
    Departments,
    Calendars,
    Policies,
}

impl Section {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kinds => "kinds",
            Self::Queues => "queues",
            Self::Departments => "departments",
            Self::Calendars => "calendars",
            Self::Policies => "policies",
        }
    }
}

/// Current version of one document.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Document {
    pub key: String,
    pub version: i64,
    pub data: Value,
    pub saved_at: DateTime<Utc>,
    pub saved_by: String,
}

/// A policy as it stands.
#[derive(Debug, Clone)]
struct Current {
    key: String,
    version: i64,
    policy: Policy,
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyVersion {
    pub key: String,
    pub version: i64,
}

/// What a timer counts by, and pins: the configuration may change while it runs.
#[derive(Debug, Clone)]
pub struct Promise {
    pub terms: Terms,
    pub calendar: String,
    pub calendar_version: i64,
    /// All policies that have a part in it, first the one that gave target and calendar.
    pub policies: Vec<PolicyVersion>,
}

/// Everything configured in one enterprise.
#[derive(Debug)]
pub struct Config {
    rev: i64,
    pub kinds: BTreeMap<String, Kind>,
    pub queues: BTreeMap<String, Queue>,
    pub departments: BTreeMap<String, Department>,
    /// In the order in which they are tried.
    policies: Vec<Current>,
    /// Every version: timers stay with theirs.
    calendars: HashMap<(String, i64), Arc<Calendar>>,
    calendar_heads: HashMap<String, i64>,
}

impl Config {
    /// A calendar in the version a timer has pinned.
    pub fn calendar(&self, key: &str, version: i64) -> Result<&Calendar, Problem> {
        self.calendars.get(&(key.to_owned(), version)).map(Arc::as_ref).ok_or_else(|| {
            Problem::internal(format!("there is no version {version} of calendar {key}"))
        })
    }

    /// Current version of a calendar; of `always` where the key has gone.
    #[must_use]
    pub fn calendar_head<'a>(&self, key: &'a str) -> (&'a str, i64) {
        match self.calendar_heads.get(key) {
            Some(version) => (key, *version),
            None => ("always", self.calendar_heads.get("always").copied().unwrap_or(1)),
        }
    }

    /// Keys of all calendars, in their order.
    #[must_use]
    pub fn calendar_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.calendar_heads.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    #[must_use]
    pub fn has_calendar(&self, key: &str) -> bool {
        self.calendar_heads.contains_key(key)
    }

    /// What is promised to a ticket from `start` on; `named` is the policy of its customer's tier.
    /// None where no policy has such a target.
    pub fn promise(
        &self,
        named: Option<&str>,
        facts: &Facts<'_>,
        metric: &str,
        start: DateTime<Utc>,
    ) -> Result<Option<Promise>, Problem> {
        let fitting = sla::fitting(&self.policies, |p| (&p.key, &p.policy), named, facts);
        let due = |policy: &Policy, target_us| -> Result<DateTime<Utc>, Problem> {
            let (key, version) = self.calendar_head(&policy.calendar);
            Ok(self.calendar(key, version)?.add(start, TimeDelta::microseconds(target_us))?)
        };
        let Some(together) = sla::strictest(&fitting, |p| &p.policy, metric, due)? else {
            return Ok(None);
        };
        let calendar = together.policies.first().map_or("always", |p| &p.policy.calendar);
        let version = |p: &&Current| PolicyVersion { key: p.key.clone(), version: p.version };
        let policies = together.policies.iter().map(version).collect();
        Ok(Some(Promise { policies, ..self.by_calendar(calendar, together.terms) }))
    }

    /// A promise of no policy.
    #[must_use]
    pub fn by_calendar(&self, calendar: &str, terms: Terms) -> Promise {
        let (calendar, calendar_version) = self.calendar_head(calendar);
        Promise { terms, calendar: calendar.into(), calendar_version, policies: vec![] }
    }

    /// Queue for a new ticket.
    #[must_use]
    pub fn queue_for(&self, kind: &str, org: &str) -> Option<&str> {
        queue_for(self.queues.iter().map(|(key, queue)| (key.as_str(), queue)), kind, org)
    }
}

/// Configurations of this process.
#[derive(Debug, Clone, Default)]
pub struct Configs(Arc<Mutex<HashMap<String, Arc<Config>>>>);

impl Configs {
    /// The configuration of `org`'s enterprise as the transaction sees it; an enterprise's first
    /// use writes the built-in documents.
    pub async fn get(
        &self,
        tx: &Tx,
        org: &OrgPath,
        now: DateTime<Utc>,
    ) -> Result<Arc<Config>, Problem> {
        let root = org.root();
        let rev = revision(tx, &root).await?;
        self.at(tx, &root, rev, now).await
    }

    /// The same together with a customer, if there is one of this id, in one round trip.
    pub async fn get_with_customer(
        &self,
        tx: &Tx,
        org: &OrgPath,
        customer: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<(Arc<Config>, Option<customer::Model>), Problem> {
        let Some(id) = customer else { return Ok((self.get(tx, org, now).await?, None)) };
        let statement = "SELECT h.rev, c.id, c.org, c.orgs, c.number, c.locale, c.tier, c.sla_policy, c.account_manager, c.version, c.erased_at
             FROM (SELECT 1 AS one) o LEFT JOIN config_head h ON h.org = $1 LEFT JOIN customer c ON c.id = $2";
        let root = org.root();
        let row = sql::one(tx, statement, vec![root.as_str().into(), id.into()]).await?;
        let Some(row) = row else { return Ok((self.get(tx, org, now).await?, None)) };
        let known = row.try_get::<Option<Uuid>>("", "id")?.is_some();
        let customer = known.then(|| customer::Model::from_query_result(&row, "")).transpose()?;
        Ok((self.at(tx, &root, row.try_get("", "rev")?, now).await?, customer))
    }

    async fn at(
        &self,
        tx: &Tx,
        root: &OrgPath,
        rev: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Arc<Config>, Problem> {
        let rev = match rev {
            Some(rev) => rev,
            None => seed(tx, root, now).await?,
        };
        let cached =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(root.as_str()).cloned();
        if let Some(config) = cached.filter(|config| config.rev == rev) {
            return Ok(config);
        }
        let config = Arc::new(load(tx, root, rev).await?);
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(root.to_string(), config.clone());
        Ok(config)
    }
}

/// Whether the enterprise has a configuration yet.
pub async fn exists(conn: &impl ConnectionTrait, root: &OrgPath) -> Result<bool, DbErr> {
    Ok(revision(conn, root).await?.is_some())
}

async fn revision(conn: &impl ConnectionTrait, root: &OrgPath) -> Result<Option<i64>, DbErr> {
    let row =
        sql::one(conn, "SELECT rev FROM config_head WHERE org = $1", vec![root.as_str().into()])
            .await?;
    row.map(|row| row.try_get("", "rev")).transpose()
}

/// Writes the built-in documents unless somebody else just did; answers the revision.
async fn seed(tx: &Tx, root: &OrgPath, now: DateTime<Utc>) -> Result<i64, Problem> {
    let head = "INSERT INTO config_head (org, rev) VALUES ($1, 1) ON CONFLICT (org) DO NOTHING";
    if sql::execute(tx, head, vec![root.as_str().into()]).await?.rows_affected() > 0 {
        let mut rows = Vec::new();
        collect(&mut rows, root, Section::Kinds, builtin::kinds(), now)?;
        collect(&mut rows, root, Section::Calendars, builtin::calendars(), now)?;
        collect(&mut rows, root, Section::Queues, builtin::queues(), now)?;
        collect(&mut rows, root, Section::Policies, builtin::policies(), now)?;
        let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
        config::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(revision(tx, root).await?.unwrap_or(1))
}

fn collect<T: Serialize>(
    rows: &mut Vec<config::Model>,
    root: &OrgPath,
    section: Section,
    documents: Vec<(&'static str, T)>,
    now: DateTime<Utc>,
) -> Result<(), serde_json::Error> {
    for (key, document) in documents {
        rows.push(config::Model {
            org: root.to_string(),
            section: section.as_str().into(),
            key: key.into(),
            version: 1,
            data: serde_json::to_value(document)?,
            saved_at: now,
            saved_by: "system".into(),
        });
    }
    Ok(())
}

async fn load(tx: &Tx, root: &OrgPath, rev: i64) -> Result<Config, Problem> {
    let statement = "SELECT section, key, version, data FROM config c WHERE org = $1 AND (section = 'calendars'
         OR version = (SELECT max(version) FROM config d WHERE d.org = c.org AND d.section = c.section AND d.key = c.key))";
    let mut config = Config {
        rev,
        kinds: BTreeMap::new(),
        queues: BTreeMap::new(),
        departments: BTreeMap::new(),
        policies: vec![],
        calendars: HashMap::new(),
        calendar_heads: HashMap::new(),
    };
    for row in sql::all(tx, statement, vec![root.as_str().into()]).await? {
        let (section, key): (String, String) =
            (row.try_get("", "section")?, row.try_get("", "key")?);
        let (version, data): (i64, Value) = (row.try_get("", "version")?, row.try_get("", "data")?);
        match section.as_str() {
            "kinds" => drop(config.kinds.insert(key, read(data)?)),
            "queues" => drop(config.queues.insert(key, read(data)?)),
            "departments" => drop(config.departments.insert(key, read(data)?)),
            "policies" => config.policies.push(Current { key, version, policy: read(data)? }),
            _ => {
                let calendar = Calendar::new(read::<BusinessCalendar>(data)?.spec)?;
                let head = config.calendar_heads.entry(key.clone()).or_insert(version);
                *head = version.max(*head);
                config.calendars.insert((key, version), Arc::new(calendar));
            }
        }
    }
    config.policies.sort_by(|a, b| (a.policy.order, &a.key).cmp(&(b.policy.order, &b.key)));
    Ok(config)
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(data)
}

const CURRENT: &str = "SELECT key, version, data, saved_at, saved_by FROM config c WHERE org = $1 AND section = $2
     AND version = (SELECT max(version) FROM config d WHERE d.org = c.org AND d.section = c.section AND d.key = c.key)";

/// Current documents of a section, by key.
pub async fn list(
    conn: &impl ConnectionTrait,
    root: &OrgPath,
    section: Section,
) -> Result<Vec<Document>, DbErr> {
    let values = vec![root.as_str().into(), section.as_str().into()];
    sql::rows(conn, &format!("{CURRENT} ORDER BY key"), values).await
}

/// Current version of one document.
pub async fn find(
    conn: &impl ConnectionTrait,
    root: &OrgPath,
    section: Section,
    key: &str,
) -> Result<Option<Document>, DbErr> {
    let values = vec![root.as_str().into(), section.as_str().into(), key.into()];
    Ok(sql::rows(conn, &format!("{CURRENT} AND key = $3"), values).await?.pop())
}

/// Locks an enterprise's configuration until the transaction ends and moves its revision.
pub async fn advance(tx: &Tx, root: &OrgPath) -> Result<(), DbErr> {
    let statement = "UPDATE config_head SET rev = rev + 1 WHERE org = $1";
    sql::execute(tx, statement, vec![root.as_str().into()]).await.map(drop)
}

/// Adds a version.
pub async fn add(tx: &Tx, row: config::Model) -> Result<(), DbErr> {
    config::Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map(drop)
}
