//! `kefu`: all services in one process, and the commands a newcomer needs: demo data, tokens,
//! imports. Composition only; every rule stands in a service.

mod accounts;
mod client;
mod demo;
mod import;
mod issuer;
mod smoke;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
};

use clap::{Parser, Subcommand};
use host::{
    Module, Running,
    cli::{Command, Common, Options},
    settings::AuthMode,
};
use serde::Deserialize;

use accounts::Accounts;
use client::{Client, Login, Target};

/// Kefu (客服), the customer-service suite, in one process.
#[derive(Parser)]
#[command(name = "kefu", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Own,
}

#[derive(Subcommand)]
enum Own {
    #[command(flatten)]
    Shared(Command),
    /// Runs like `serve`, loads example data in Chinese and English, and prints URL, login and token.
    Demo,
    /// Prints an access token of one of the accounts: those of the running suite's data folder, or of
    /// split mode's issuer.
    Token {
        /// Name of the account, e.g. admin.
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Prints JSON from standard input so that people can read it.
    Pretty,
    /// Imports a CSV file through the public API; may be interrupted and run again. Exit status 2
    /// when rows were rejected.
    Import(import::Import),
    /// Takes a complaint through running services, from intake to the survey's answer.
    Smoke(smoke::Smoke),
    /// Runs the token issuer alone, to try out split mode without an identity provider.
    Issuer {
        /// Folder of accounts and signing key.
        #[arg(long)]
        data: PathBuf,
        /// Address to listen on.
        #[arg(long)]
        listen: String,
    },
}

fn modules() -> Vec<Module> {
    vec![
        customer::module(),
        ticketing::module(),
        quality::module(),
        survey::module(),
        notification::module(),
    ]
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Own::Shared(Command::Serve) => serve(&cli.common, false),
        Own::Shared(command) => {
            return host::cli::run(command, &cli.common, &modules(), Options::default());
        }
        Own::Demo => serve(&cli.common, true),
        Own::Token { name, target } => block_on(async {
            println!("{}", Client::connect_as(&target, &name).await?.token());
            Ok(())
        }),
        Own::Pretty => pretty(),
        Own::Import(import) => match block_on(import.run()) {
            Ok(0) => Ok(()),
            Ok(_) => return ExitCode::from(import::ROWS_REJECTED),
            Err(message) => Err(message),
        },
        Own::Smoke(smoke) => block_on(smoke.run()),
        Own::Issuer { data, listen } => issuer::run(&data, &listen),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn pretty() -> Result<(), String> {
    let text = io::read_to_string(io::stdin()).map_err(|e| e.to_string())?;
    if text.trim().is_empty() {
        return Ok(());
    }
    // What is no JSON is shown as it came.
    let shown = serde_json::from_str::<serde_json::Value>(&text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or(text);
    writeln!(io::stdout(), "{shown}").map_err(|e| e.to_string())
}

/// What is told of the section `[notification]`.
#[derive(Deserialize)]
struct Notification {
    email: Email,
}

#[derive(Deserialize)]
struct Email {
    kind: String,
}

fn serve(common: &Common, demo: bool) -> Result<(), String> {
    let modules = modules();
    let settings =
        host::cli::settings(&modules, common, &Options::default()).map_err(|e| e.to_string())?;
    // Mails are kept beside the rest of the data, wherever that is.
    let folder = settings.data.dir.join("mail");
    let mails = folder.display().to_string();
    let mut options = Options {
        preset: format!("[notification.email]\nfolder = {}\n", serde_json::Value::from(mails)),
        ..Options::default()
    };
    if settings.auth.mode == AuthMode::Builtin {
        let data = settings.data.dir.clone();
        std::fs::create_dir_all(&data).map_err(|e| format!("{}: {e}", data.display()))?;
        options.preset += &Accounts::open(&data)?.settings();
        let section = settings.section("notification").get::<Notification>();
        let filed = section.is_ok_and(|s| s.email.kind == "file").then_some(folder);
        options.on_ready = Some(Box::new(move |running| welcome(running, data, demo, filed)));
    }
    host::cli::serve(&modules, common, options).map_err(|e| e.to_string())
}

/// Tells how to get in; loads example data beside the running server. `mails`: the folder of mails,
/// where they go into one.
fn welcome(running: &Running, data: PathBuf, demo: bool, mails: Option<PathBuf>) {
    let url = running.base_url().to_owned();
    println!(
        "Kefu runs at {url}  (API: {url}/docs, accounts: {})",
        data.join("accounts.json").display()
    );
    if demo {
        thread::spawn(move || {
            let login = Login::of_folder(data);
            let target = Target { url, token: None, login };
            if let Err(message) = block_on(demo::run(&target, mails.as_deref())) {
                eprintln!("error: the example data is not complete: {message}");
            }
        });
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(work)
}
