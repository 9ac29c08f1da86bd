//! The command line that every service has; the suite adds its own commands beside these.

mod offsets;
mod remote;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{
    Error, Module, Overrides, Running, Settings,
    lifecycle::{self, LAST_STEPS, signals::Signals},
    memory, openapi,
    settings::Sources,
    telemetry,
};

pub use offsets::{Offsets, RewindTo};
pub use remote::{DeadLetters, Remote};

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Settings file (TOML); without it ./kefu.toml is read if it is there.
    #[arg(long, env = "KEFU_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The commands; flatten them into an own enum to add more.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs until it is told to stop.
    Serve,
    /// Brings the databases up to this program's version.
    Migrate,
    /// Creates the Kafka topics that the services publish to, or compares them with the settings
    /// (events.partitions, replication, keep_days); changes none that is there. Exit status 1 when
    /// one has less than is wanted.
    Topics,
    /// Prints the OpenAPI document.
    Openapi {
        /// Which service; needed when there are several.
        #[arg(long)]
        service: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: openapi::Format,
    },
    /// Asks a running process whether it is ready; exit status 0 or 1. For probes in images
    /// without a shell.
    Healthcheck {
        /// Where it listens; from the settings unless given.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Lists, shows and re-drives events that could not be handled.
    DeadLetters(DeadLetters),
    /// Prints how far the service has read in Kafka. Belongs to a backup and is taken first: what
    /// was read by then has its effect in a database that is backed up afterwards.
    Offsets(Offsets),
    /// Lets a service that was restored from a backup read again what came since. Stop it first.
    Rewind(RewindTo),
}

/// Called once, with what runs.
pub type OnReady = Box<dyn FnOnce(&Running) + Send>;

/// What a composition of services adds.
#[derive(Default)]
pub struct Options {
    /// TOML between the defaults and the settings file.
    pub preset: String,
    /// Last word on single settings, e.g. from own command-line options.
    pub settings: Vec<(String, String)>,
    pub overrides: Overrides,
    /// Called once everything runs.
    pub on_ready: Option<OnReady>,
}

#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// The whole program of a service: reads the command line and does what it says.
#[must_use]
pub fn main(modules: Vec<Module>) -> ExitCode {
    let cli = Cli::parse();
    run(cli.command, &cli.common, &modules, Options::default())
}

/// Does what a command says; errors go to standard error.
#[must_use]
pub fn run(command: Command, common: &Common, modules: &[Module], options: Options) -> ExitCode {
    let outcome = match command {
        Command::Serve => serve(modules, common, options),
        Command::Migrate => migrate(modules, common, &options),
        Command::Topics => topics(modules, common, &options),
        Command::Openapi { service, format } => print_openapi(modules, service.as_deref(), format),
        Command::Healthcheck { url } => remote::healthcheck(modules, common, &options, url),
        Command::DeadLetters(command) => remote::dead_letters(command, modules),
        Command::Offsets(command) => offsets::print(&command, modules, common, &options),
        Command::Rewind(command) => offsets::rewind(&command, modules, common, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Settings as `serve` reads them.
pub fn settings(modules: &[Module], common: &Common, options: &Options) -> Result<Settings, Error> {
    let sources = Sources {
        file: common.config.clone(),
        preset: options.preset.clone(),
        overrides: options.settings.clone(),
        ..Sources::default()
    };
    Settings::load(modules, &sources)
}

/// Runs the modules until a signal ends them.
pub fn serve(modules: &[Module], common: &Common, mut options: Options) -> Result<(), Error> {
    let pages = memory::ordinary_pages();
    let settings = settings(modules, common, &options)?;
    let on_ready = options.on_ready.take();
    let runtime = runtime(&settings)?;
    let served = runtime.block_on(async {
        let guard =
            telemetry::init(&settings.telemetry, &lifecycle::service_name(&settings, modules))?;
        if let Err(error) = pages {
            tracing::warn!(%error, "huge pages stay; memory may grow in steps");
        }
        for section in &settings.unknown {
            tracing::warn!(section, "nobody reads this section of the settings");
        }
        let mut signals = Signals::listen()?;
        let running = tokio::select! {
            running = lifecycle::start(modules.to_vec(), settings, options.overrides) => running?,
            () = signals.next() => return Ok(()),
        };
        if let Some(on_ready) = on_ready {
            on_ready(&running);
        }
        signals.next().await;
        signals.exit_on_next();
        running.shutdown().await;
        guard.flush(LAST_STEPS).await;
        Ok(())
    });
    // A call into the broker's library may hang; the process ends all the same.
    runtime.shutdown_timeout(LAST_STEPS);
    served
}

fn migrate(modules: &[Module], common: &Common, options: &Options) -> Result<(), Error> {
    let settings = settings(modules, common, options)?;
    runtime(&settings)?.block_on(async {
        let _guard =
            telemetry::init(&settings.telemetry, &lifecycle::service_name(&settings, modules))?;
        lifecycle::migrate(modules, &settings).await
    })
}

fn topics(modules: &[Module], common: &Common, options: &Options) -> Result<(), Error> {
    let settings = settings(modules, common, options)?;
    let runtime = runtime(&settings)?;
    let done = runtime.block_on(lifecycle::topics(modules, &settings));
    // A call into the broker's library may hang; the process ends all the same.
    runtime.shutdown_timeout(LAST_STEPS);
    done
}

/// The main runtime; HTTP workers have threads of their own.
pub fn runtime(settings: &Settings) -> Result<Runtime, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match settings.runtime.threads {
        0 => cores.min(4),
        n => n,
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(2))
        .enable_all()
        .build()
        .map_err(|e| Error::other("starting threads", e))
}

fn print_openapi(
    modules: &[Module],
    service: Option<&str>,
    format: openapi::Format,
) -> Result<(), Error> {
    print!("{}", openapi::text(one_of(modules, service)?, format)?);
    Ok(())
}

/// The module of this name, or the only one.
fn one_of<'a>(modules: &'a [Module], service: Option<&str>) -> Result<&'a Module, Error> {
    let module = match (service, modules) {
        (Some(name), _) => modules.iter().find(|m| m.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let names = || modules.iter().map(|m| m.name).collect::<Vec<_>>().join(", ");
    module.ok_or_else(|| Error::setting("--service", format!("must be one of {}", names())))
}
