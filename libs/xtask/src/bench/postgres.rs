//! PostgreSQL's own programs.

use std::{fs, path::Path, process::Command};

use super::error;

/// URL of database `name` on the server that `server` (a URL of any of its databases) names.
pub fn database_url(server: &str, name: &str) -> String {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    format!("{base}/{name}")
}

pub fn psql(database: &str, sql: &str) -> Result<String, String> {
    run(Command::new("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", database, "-c", sql]))
}

pub fn psql_file(database: &str, file: &Path) -> Result<String, String> {
    run(Command::new("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", database, "-f"]).arg(file))
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(error)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Id of the server's first process.
pub fn postmaster(database: &str) -> Result<u32, String> {
    let data = psql(database, "show data_directory")?;
    let file = fs::read_to_string(format!("{data}/postmaster.pid"))
        .map_err(|e| format!("{data}/postmaster.pid: {e}"))?;
    file.lines().next().unwrap_or_default().parse().map_err(error)
}

/// Where the server's first process writes its standard error.
pub fn server_log(database: &str) -> Result<String, String> {
    let pid = postmaster(database)?;
    fs::read_link(format!("/proc/{pid}/fd/2")).map(|p| p.display().to_string()).map_err(error)
}

/// Transactions per second of a pgbench script.
pub fn pgbench(database: &str, script: &str, clients: usize, seconds: u64) -> Result<f64, String> {
    let file = tempfile::NamedTempFile::new().map_err(error)?;
    fs::write(file.path(), script).map_err(error)?;
    let bin = Command::new("pg_config").arg("--bindir").output().ok();
    let bin = bin.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default();
    let candidates = [format!("{bin}/pgbench"), "/usr/lib/postgresql/15/bin/pgbench".into()];
    let program = candidates.into_iter().find(|p| Path::new(p).exists());
    let output = Command::new(program.unwrap_or_else(|| "pgbench".into()))
        .args(["-n", "-M", "prepared", "-j", "2"])
        .args(["-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"])
        .arg(file.path())
        .arg(database)
        .output()
        .map_err(error)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failure = || format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(failure());
    }
    let tps = text.lines().find_map(|l| l.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.ok_or_else(failure)
}
