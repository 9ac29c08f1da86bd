//! How far a service has read: printed for a backup, set back for a restored one.

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use events::log::{KafkaLog, Position, Rewind};
use store::{Db, sql};

use super::{Common, Options, runtime, settings};
use crate::{Error, Module, Settings, lifecycle, settings::EventsKind};

#[derive(Debug, Args)]
pub struct Offsets {
    /// Which service; needed when there are several.
    #[arg(long)]
    service: Option<String>,
}

#[derive(Debug, Args)]
pub struct RewindTo {
    /// Which service; needed when there are several.
    #[arg(long)]
    service: Option<String>,
    /// What `offsets` printed before the backup was taken.
    #[arg(long, value_name = "FILE", required_unless_present = "since")]
    offsets: Option<PathBuf>,
    /// For backups without that: an instant (RFC 3339) before the backup, by which everything had
    /// been read. The inbox must remember it.
    #[arg(long, value_name = "TIME", conflicts_with = "offsets")]
    since: Option<DateTime<Utc>>,
    /// Go on although the log no longer has all messages that are wanted.
    #[arg(long)]
    accept_gap: bool,
}

/// What is needed to speak of how far one service has read.
struct Read<'a> {
    settings: Settings,
    module: &'a Module,
    log: KafkaLog,
    group: String,
}

impl<'a> Read<'a> {
    fn of(
        service: Option<&str>,
        modules: &'a [Module],
        common: &Common,
        options: &Options,
    ) -> Result<Self, Error> {
        let settings = settings(modules, common, options)?;
        let module = super::one_of(modules, service)?;
        let log = kafka(&settings)?;
        Ok(Self { settings, module, log, group: events::group_of(module.name) })
    }
}

pub(super) fn print(
    command: &Offsets,
    modules: &[Module],
    common: &Common,
    options: &Options,
) -> Result<(), Error> {
    let Read { settings, log, group, .. } =
        Read::of(command.service.as_deref(), modules, common, options)?;
    let read = runtime(&settings)?.block_on(log.offsets(&group)).map_err(log_fault)?;
    for Position { topic, partition, offset } in read {
        println!("{topic} {partition} {offset}");
    }
    Ok(())
}

pub(super) fn rewind(
    command: &RewindTo,
    modules: &[Module],
    common: &Common,
    options: &Options,
) -> Result<(), Error> {
    let Read { settings, module, log, group } =
        Read::of(command.service.as_deref(), modules, common, options)?;
    let to = match (&command.offsets, command.since) {
        (Some(file), _) => {
            let doing = || format!("reading {}", file.display());
            let text = fs::read_to_string(file).map_err(|e| Error::other(doing(), e))?;
            Rewind::To(parse(&text).map_err(|e| Error::other(doing(), e))?)
        }
        (None, Some(at)) => Rewind::Since(at),
        (None, None) => return Err(Error::setting("--offsets", "or --since must be given")),
    };
    runtime(&settings)?.block_on(async {
        if let Rewind::Since(at) = &to {
            let db = lifecycle::connect(module, &settings).await?;
            remembers(&db, &group, *at).await?;
        }
        let (set, again) = log.rewind(&group, to, command.accept_gap).await.map_err(log_fault)?;
        println!("{group} reads {again} messages of {} partitions again", set.len());
        Ok(())
    })
}

/// Events that the inbox has forgotten would have their effect a second time.
async fn remembers(db: &Db, group: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let doing = "asking the inbox what it remembers";
    let query = "SELECT min(received_at) AS since FROM inbox WHERE consumer = $1";
    let row = sql::one(db, query, vec![group.into()]).await.map_err(|e| Error::other(doing, e))?;
    let since: Option<DateTime<Utc>> = row
        .map(|row| row.try_get("", "since"))
        .transpose()
        .map_err(|e| Error::other(doing, e))?
        .flatten();
    match since {
        Some(since) if at < since => Err(Error::setting(
            "--since",
            format!(
                "must not be before {}: what is older the inbox has forgotten, and it would happen twice",
                since.to_rfc3339()
            ),
        )),
        _ => Ok(()),
    }
}

fn parse(text: &str) -> Result<Vec<Position>, String> {
    let position = |line: &str| {
        let mut words = line.split_whitespace();
        let position = Position {
            topic: words.next()?.to_owned(),
            partition: words.next()?.parse().ok()?,
            offset: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(position)
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| position(line).ok_or_else(|| format!("no offset: {line:?}"))).collect()
}

fn kafka(settings: &Settings) -> Result<KafkaLog, Error> {
    if settings.events.kind != EventsKind::Kafka {
        let mend = "must be kafka: the embedded log keeps its offsets in events.db and is backed up with it";
        return Err(Error::setting("events.kind", mend));
    }
    lifecycle::kafka(&settings.events)
}

fn log_fault(error: events::log::LogError) -> Error {
    Error::other("asking Kafka for offsets", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_they_are_printed() {
        let read = parse("kefu.ticketing.events 3 42\n\nkefu.survey.events 0 7\n").unwrap();
        let position =
            |topic: &str, partition, offset| Position { topic: topic.into(), partition, offset };
        assert_eq!(
            read,
            [position("kefu.ticketing.events", 3, 42), position("kefu.survey.events", 0, 7)]
        );
        for bad in ["kefu.survey.events 0", "kefu.survey.events 0 x", "a 0 1 2"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
