//! Service processes: started, asked to end, killed, frozen, measured.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{Cluster, http, run};
use crate::{root, stack::SERVICES};

/// What a process may take until it answers, migrations on a busy machine included.
const LIVE: Duration = Duration::from_secs(60);
/// Delay and grace of a shutdown, and some more.
const END: Duration = Duration::from_secs(90);
const PROBE: Duration = Duration::from_secs(5);

impl Cluster {
    /// Starts a process and returns when it answers `/health/live`. `extra_env` comes on top of the
    /// plan's, for this life only; `KEFU_FAKETIME=+1h` gives it another time of day, `KEFU_BIN_DIR`
    /// takes its program from elsewhere.
    pub fn start_service(&self, name: &str, extra_env: &[(&str, &str)]) -> Result<(), String> {
        self.spawn(name, extra_env)?;
        let begun = Instant::now();
        let live = self.url(name) + "/health/live";
        loop {
            match http::get(&live, PROBE) {
                Ok((200, _)) => return Ok(()),
                _ if begun.elapsed() < LIVE && self.is_running(name) => {
                    sleep(Duration::from_millis(10));
                }
                answer => {
                    return Err(format!("{name} does not live: {answer:?}\n{}", self.tail(name)));
                }
            }
        }
    }

    /// Waits until `/health/ready` answers 200.
    pub fn wait_ready(&self, name: &str, within: Duration) -> Result<(), String> {
        let begun = Instant::now();
        let ready = self.url(name) + "/health/ready";
        loop {
            match http::get(&ready, PROBE) {
                Ok((200, _)) => return Ok(()),
                _ if begun.elapsed() < within && self.is_running(name) => {
                    sleep(Duration::from_millis(20));
                }
                answer => {
                    let after = begun.elapsed();
                    return Err(format!(
                        "{name} is not ready after {after:.1?}: {answer:?}\n{}",
                        self.tail(name)
                    ));
                }
            }
        }
    }

    /// `kill -9`; returns when the process has gone. Nothing happens to one that does not run.
    pub fn kill(&self, name: &str) {
        self.with(name, |child| child.kill().and_then(|()| child.wait()))
            .transpose()
            .unwrap_or_else(|e| panic!("{name} cannot be killed: {e}"));
    }

    /// SIGTERM; returns how long the end took. It is an error when it does not end in order, or does
    /// not end at all.
    pub fn terminate(&self, name: &str) -> Result<Duration, String> {
        let begun = Instant::now();
        if !self.is_running(name) {
            return Ok(Duration::ZERO);
        }
        self.signal(name, "TERM");
        while begun.elapsed() < END {
            match self.status(name) {
                Some(status) if status.success() => return Ok(begun.elapsed()),
                Some(status) => {
                    return Err(format!("{name} ended by {status}\n{}", self.tail(name)));
                }
                None => sleep(Duration::from_millis(5)),
            }
        }
        self.kill(name);
        Err(format!("{name} did not end within {END:?} of SIGTERM\n{}", self.tail(name)))
    }

    /// SIGSTOP: connections stay, nothing moves. Returns when every thread stands: `kill` comes back
    /// before the signal has reached them all, and until then one may still answer.
    pub fn freeze(&self, name: &str) {
        self.signal(name, "STOP");
        let begun = Instant::now();
        while self.pid(name).is_some_and(moves) {
            assert!(begun.elapsed() < PROBE, "{name} still moves {PROBE:?} after SIGSTOP");
            sleep(Duration::from_millis(1));
        }
    }

    /// SIGCONT.
    pub fn thaw(&self, name: &str) {
        self.signal(name, "CONT");
    }

    /// Whether it was started and has not ended; a frozen one runs.
    #[must_use]
    pub fn is_running(&self, name: &str) -> bool {
        self.pid(name).is_some()
    }

    /// Whether it was started and has ended since, by itself or not.
    #[must_use]
    pub fn exited(&self, name: &str) -> bool {
        self.status(name).is_some()
    }

    /// File of the settings that a process is started with, lines `NAME=VALUE`.
    #[must_use]
    pub fn settings_of(&self, name: &str) -> PathBuf {
        self.path().join(name).join("env")
    }

    /// Process id while it runs.
    #[must_use]
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.with(name, |child| child.try_wait().is_ok_and(|s| s.is_none()).then(|| child.id()))?
    }

    /// Resident memory; 0 for one that does not run.
    #[must_use]
    pub fn memory_kb(&self, name: &str) -> u64 {
        let field = |text: String| {
            let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        self.proc(name, "status").and_then(field).unwrap_or(0)
    }

    /// Processor time used, user and system, in ticks of 10 ms; 0 for one that does not run.
    #[must_use]
    pub fn cpu_ticks(&self, name: &str) -> u64 {
        let field = |text: String| {
            // After the name, which may contain anything: fields 14 and 15 of the line.
            let (_, rest) = text.rsplit_once(')')?;
            let fields: Vec<&str> = rest.split_whitespace().collect();
            Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
        };
        self.proc(name, "stat").and_then(field).unwrap_or(0)
    }

    /// Starts a process and does not wait for it.
    pub(super) fn spawn(&self, name: &str, extra_env: &[(&str, &str)]) -> Result<(), String> {
        if self.is_running(name) {
            return Err(format!("{name} runs already"));
        }
        let dir = self.path().join(name);
        let settings = fs::read_to_string(dir.join("env")).map_err(|e| format!("{name}: {e}"))?;
        let log = OpenOptions::new().create(true).append(true).open(self.log_of(name));
        let log = log.map_err(|e| format!("{name}: {e}"))?;
        let output = log.try_clone().map_err(|e| e.to_string())?;
        let own = extra_env.iter().find(|(name, _)| *name == "KEFU_BIN_DIR");
        let bin_dir = own.map_or(self.bin_dir.as_path(), |(_, dir)| Path::new(dir));
        let mut command =
            Command::new(bin_dir.join(format!("kefu-{}", service_of(name).ok_or(name)?)));
        command
            .arg("serve")
            .envs(settings.lines().filter_map(|line| line.split_once('=')))
            .envs(self.plan.env.iter().map(|(name, value)| (name, value)))
            .envs(extra_env.iter().copied())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log);
        if let Some((_, time)) = extra_env.iter().find(|(name, _)| *name == "KEFU_FAKETIME") {
            command
                .env("LD_PRELOAD", faketime()?)
                .env("FAKETIME", time)
                // Both spellings: the library renamed it.
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        }
        let child = command.spawn().map_err(|e| format!("{name}: {e}"))?;
        // For split.sh, which ends everything should this process be killed.
        fs::write(dir.join("pid"), child.id().to_string()).map_err(|e| format!("{name}: {e}"))?;
        self.children().insert(name.to_owned(), child);
        Ok(())
    }

    fn url(&self, name: &str) -> String {
        let replica = usize::from(name.ends_with("-2"));
        let service = service_of(name).unwrap_or_else(|| panic!("no service is called {name}"));
        self.urls(replica).service(service).to_owned()
    }

    fn signal(&self, name: &str, signal: &str) {
        // Under the lock, so that the id cannot have been given to somebody else.
        let sent = self.with(name, |child| match child.try_wait() {
            Ok(None) => run(Command::new("kill").args(["-s", signal, &child.id().to_string()])),
            _ => Ok(String::new()),
        });
        sent.transpose().unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    fn status(&self, name: &str) -> Option<ExitStatus> {
        self.with(name, |child| child.try_wait().ok().flatten())?
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Child) -> T) -> Option<T> {
        self.children().get_mut(name).map(work)
    }

    fn proc(&self, name: &str, file: &str) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid(name)?)).ok()
    }

    fn tail(&self, name: &str) -> String {
        let text = fs::read_to_string(self.log_of(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Whether a thread of the process is in any other state than stopped (`T` in proc(5)).
fn moves(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    // The name of the thread stands before it in parentheses and may hold anything.
    states
        .into_iter()
        .any(|stat| stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('T')))
}

fn service_of(name: &str) -> Option<&'static str> {
    SERVICES.into_iter().find(|s| *s == name.strip_suffix("-2").unwrap_or(name))
}

/// The library that gives a process another time of day; installed if need be.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn faketime() -> Result<String, String> {
    let script = r#". "$1" && need_faketime >&2 && printf %s "$faketime""#;
    let lib = root().join("deploy/local/lib.sh");
    run(Command::new("bash").args(["-euc", script, "cluster"]).arg(lib))
}
