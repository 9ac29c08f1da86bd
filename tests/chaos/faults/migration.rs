//! A migration that is killed half-way and started again until it is done: the schema is the same
//! as that of one who was left in peace.

use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use rand::{Rng, rngs::StdRng};

use super::Fault;
use crate::{binary, chaos::field::Field};

#[derive(Debug)]
pub struct KillMigration {
    service: String,
    /// After how many statements it dies, again and again.
    statements: Vec<u32>,
    /// After how many milliseconds it is killed, once.
    after: Duration,
}

impl KillMigration {
    pub fn new(service: &str, random: &mut StdRng) -> Self {
        let statements = (0..3).map(|_| random.random_range(1..20)).collect();
        let after = Duration::from_millis(random.random_range(20..400));
        Self { service: service.to_owned(), statements, after }
    }

    fn database(field: &Field, service: &str, name: &str) -> String {
        let url = field.cluster.database(service);
        let server = url.rsplit_once('/').map_or(url.as_str(), |(server, _)| server);
        format!("{server}/{name}")
    }

    fn migrate(&self, url: &str) -> Command {
        let mut command = Command::new(binary(&format!("kefu-{}", self.service)));
        command
            .arg("migrate")
            .env("KEFU__DATABASE__URL", url)
            .env("KEFU__EVENTS__KIND", "kafka")
            .env("KEFU__EVENTS__BROKERS", "127.0.0.1:1")
            .env("KEFU__PII__ACTIVE", "k1")
            .env("KEFU__PII__KEYS__K1", "00".repeat(32))
            .env("KEFU__PII__INDEX_KEY", "00".repeat(32))
            .env("KEFU__AUTH__MODE", "oidc")
            .env("KEFU__AUTH__ISSUER", "http://127.0.0.1:1")
            .env("KEFU__AUTH__JWKS_URL", "http://127.0.0.1:1/jwks")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn to_the_end(&self, url: &str) -> Result<(), String> {
        let output = self.migrate(url).output().map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("the migration of {url} failed: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn interrupted(&self, field: &Field, url: &str) -> Result<(), String> {
        for statements in &self.statements {
            let at = format!("migration:{statements}");
            let output =
                self.migrate(url).env("KEFU_CRASH_AT", at).output().map_err(|e| e.to_string())?;
            if !output.status.success() {
                field.deeds.kills.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let mut child =
            self.migrate(url).stderr(Stdio::null()).spawn().map_err(|e| e.to_string())?;
        sleep(self.after);
        child.kill().map_err(|e| e.to_string())?;
        child.wait().map_err(|e| e.to_string())?;
        field.deeds.kills.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.to_the_end(url)
    }
}

/// Everything about tables, indexes and constraints that can be told in one text.
const SCHEMA: &str = "
select string_agg(line, E'\\n' order by line) from (
  select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable line
    from information_schema.columns where table_schema = 'public'
  union all select indexdef from pg_indexes where schemaname = 'public'
  union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
) lines";

impl Fault for KillMigration {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        let names = ["chaos_disturbed", "chaos_undisturbed"];
        for name in names {
            field
                .cluster
                .psql(&self.service, &format!("drop database if exists {name} with (force)"))?;
            field.cluster.psql(&self.service, &format!("create database {name}"))?;
        }
        let [disturbed, undisturbed] = names.map(|name| Self::database(field, &self.service, name));
        self.interrupted(field, &disturbed)?;
        self.to_the_end(&undisturbed)?;
        let [disturbed, undisturbed] = [schema(&disturbed)?, schema(&undisturbed)?];
        if disturbed != undisturbed || disturbed.lines().count() < 20 {
            return Err(format!("the schemas differ:\n{disturbed}\n---\n{undisturbed}"));
        }
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        for name in ["chaos_disturbed", "chaos_undisturbed"] {
            field
                .cluster
                .psql(&self.service, &format!("drop database if exists {name} with (force)"))?;
        }
        Ok(())
    }
}

fn schema(url: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .args(["-qAt", url, "-c", SCHEMA])
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
