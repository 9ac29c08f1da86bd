//! `cargo xtask …`: generated documents, architecture rules, benchmarks.

mod arch;
mod bench;
#[cfg(feature = "docs")]
mod docs;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project tasks")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[cfg(feature = "docs")]
    /// Write openapi/*.yaml, openapi/asyncapi.yaml and the event schemas.
    Docs {
        /// Change nothing; fail when a committed document differs from the code.
        #[arg(long)]
        check: bool,
    },
    /// Check the rules of ARCHITECTURE.md that a compiler cannot.
    Arch,
    /// Measure against baselines in the same run; real PostgreSQL and Kafka must be at hand.
    Bench {
        #[arg(value_enum)]
        what: bench::What,
        /// How long `soak` and `outage` take.
        #[arg(long)]
        minutes: Option<u64>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        #[cfg(feature = "docs")]
        Task::Docs { check } => docs::run(&root(), check),
        Task::Arch => arch::run(&root()),
        Task::Bench { what, minutes } => bench::run(what, minutes),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or_else(|| here.clone(), PathBuf::from)
}
