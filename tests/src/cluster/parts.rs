//! What services stand on, struck: brokers and the database server.

use std::process::Command;

use super::{Cluster, psql, run};
use crate::root;

impl Cluster {
    /// Addresses of all brokers.
    #[must_use]
    pub fn brokers(&self) -> String {
        self.brokers.clone()
    }

    /// Ends a broker in order; what hangs is killed. Brokers are counted from 0.
    pub fn kafka_stop(&self, node: usize) {
        self.must(self.kafka(node, "stop"));
    }

    /// `kill -9`.
    pub fn kafka_kill(&self, node: usize) {
        self.must(self.kafka(node, "kill"));
    }

    /// Returns when the broker takes requests. One of three comes up only beside another: start
    /// them from several threads.
    pub fn kafka_start(&self, node: usize) -> Result<(), String> {
        self.kafka(node, "start")
    }

    pub fn kafka_freeze(&self, node: usize) {
        self.must(self.kafka(node, "freeze"));
    }

    pub fn kafka_thaw(&self, node: usize) {
        self.must(self.kafka(node, "thaw"));
    }

    /// Breaks all connections and ends the server in order.
    pub fn postgres_stop(&self) {
        self.must(self.server("stop"));
    }

    /// `kill -9` of the server and all its processes.
    pub fn postgres_kill(&self) {
        self.must(self.server("kill"));
    }

    /// Returns when the server takes requests.
    pub fn postgres_start(&self) -> Result<(), String> {
        self.server("start")
    }

    /// Breaks every connection of the services.
    pub fn postgres_cut(&self) {
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                   where datname like 'kefu\\_%' and pid <> pg_backend_pid()";
        self.must(psql(&self.postgres, &[cut]).map(drop));
    }

    /// A slow disk: while on, every flush of the log takes 100 ms more, and so does every commit.
    /// (PostgreSQL waits so only where it waits for the disk, so fsync is on meanwhile.)
    pub fn postgres_slow(&self, on: bool) {
        let settings = [("fsync", "on"), ("commit_delay", "100000"), ("commit_siblings", "0")];
        let mut statements: Vec<String> = settings
            .iter()
            .map(|(name, value)| {
                if on {
                    format!("alter system set {name} = {value}")
                } else {
                    format!("alter system reset {name}")
                }
            })
            .collect();
        statements.push("select pg_reload_conf()".to_owned());
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        self.must(psql(&self.postgres, &statements).map(drop));
    }

    fn kafka(&self, node: usize, what: &str) -> Result<(), String> {
        let mut script = Command::new(root().join("deploy/local/kafka.sh"));
        script.args(["node", &(node + 1).to_string(), what, "--dir"]);
        run(script.arg(self.path().join("kafka"))).map(drop)
    }

    fn server(&self, what: &str) -> Result<(), String> {
        let mut script = Command::new(root().join("deploy/local/postgres.sh"));
        run(script.args([what, "--dir"]).arg(self.path().join("postgres"))).map(drop)
    }

    /// A fault that cannot be injected is a fault of the harness.
    fn must(&self, done: Result<(), String>) {
        if let Err(e) = done {
            if std::thread::panicking() {
                eprintln!("{e}");
            } else {
                panic!("{e}");
            }
        }
    }
}
