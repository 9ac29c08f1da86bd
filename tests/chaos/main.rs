//! `cargo run -p kefu-tests --bin chaos`: the fault harness by hand. `make chaos` runs it with the
//! seeds of record.

use std::{process::ExitCode, time::Duration};

use kefu_tests::chaos::{
    faults::Kind,
    plan::{Plan, Wish},
    run::{self, Setup},
    seeds::SEEDS,
};

const USAGE: &str = "\
chaos [--seeds A,B] [--minutes N] [--long] [--only FAULT,FAULT] [--plan]
  --seeds    which schedules (default: those of record)
  --minutes  begin no fault of a seed later than this (default 8; --long: 600)
  --long     every fault at least five times, at least 300 kills
  --only     only these faults; several times each with --long
  --plan     print the schedule and do nothing
Faults: ";

#[derive(Debug)]
struct Asked {
    seeds: Vec<u64>,
    minutes: Option<u64>,
    long: bool,
    only: Vec<Kind>,
    plan: bool,
}

fn main() -> ExitCode {
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(error) => {
            let names: Vec<&str> = Kind::ALL.iter().map(|k| k.name()).collect();
            eprintln!("{error}\n{USAGE}{}", names.join(" "));
            return ExitCode::FAILURE;
        }
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let Ok(runtime) = runtime else {
        eprintln!("no threads");
        return ExitCode::FAILURE;
    };
    let mut green = true;
    for seed in &asked.seeds {
        green &= runtime.block_on(async {
            let interrupted = kefu_tests::interrupted();
            tokio::select! {
                green = one(*seed, &asked) => green,
                why = interrupted => {
                    eprintln!("{why}");
                    false
                }
            }
        });
    }
    if green { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn one(seed: u64, asked: &Asked) -> bool {
    let wish = if asked.long { Wish::long(seed) } else { Wish::short(seed) };
    let wish = Wish { only: asked.only.clone(), ..wish };
    if asked.plan {
        println!("{:#?}", Plan::of(&wish));
        return true;
    }
    let minutes = asked.minutes.unwrap_or(if asked.long { 600 } else { 8 });
    let setup = Setup {
        wish,
        limit: Some(Duration::from_secs(60 * minutes)),
        at_least: Duration::from_secs(30),
        keep_outbox: seed % 2 == 1,
        ..Setup::default()
    };
    let report = run::run(setup).await;
    println!("\n{}", report.markdown());
    match report.write() {
        Ok(path) => println!("written to {}", path.display()),
        Err(error) => eprintln!("the report was not written: {error}"),
    }
    report.is_green()
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { seeds: vec![], minutes: None, long: false, only: vec![], plan: false };
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--long" => asked.long = true,
            "--plan" => asked.plan = true,
            "--minutes" => asked.minutes = Some(number(&value()?)?),
            "--seeds" => asked.seeds = value()?.split(',').map(number).collect::<Result<_, _>>()?,
            "--only" => {
                let kind = |name: &str| Kind::parse(name).ok_or_else(|| format!("no fault {name}"));
                asked.only = value()?.split(',').map(kind).collect::<Result<_, _>>()?;
            }
            other => return Err(format!("unknown: {other}")),
        }
    }
    if asked.seeds.is_empty() {
        asked.seeds = SEEDS.iter().map(|(seed, _)| *seed).collect();
    }
    Ok(asked)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
