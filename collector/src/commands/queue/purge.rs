//! `pharos queue purge`: lets go what waits, for good.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, mpsc};

use wal::{Cursor, Event, Log, OpenError, Options, OsDisk, Position, Start};

use super::places::{Kind, Place};
use super::{print, text};
use crate::command_line::{self, QueuePurge};
use crate::commands::Failure;

/// What is let go.
#[derive(Default)]
struct Amount {
    entries: u64,
    items: u64,
    bytes: u64,
}

impl Amount {
    fn add(&mut self, backlog: &wal::Backlog) {
        self.entries += backlog.entries;
        self.items += backlog.items;
        self.bytes += backlog.bytes;
    }
}

pub(super) fn run(place: &Place, arguments: &QueuePurge) -> Result<(), Failure> {
    let log = open(place)?;
    let names: Vec<String> = log.cursors().into_iter().map(|c| c.name).collect();
    let chosen: Vec<String> = match &arguments.exporter {
        None => names,
        Some(one) if names.contains(one) => vec![one.clone()],
        Some(one) => {
            return Err(place.failure(format_args!(
                "it has no exporter \"{one}\"; it has {}",
                names.join(", ")
            )));
        }
    };
    let mut cursors = Vec::new();
    for name in &chosen {
        let cursor = log.cursor(name, Start::Oldest);
        cursors.push(cursor.map_err(|error| place.failure(error))?);
    }
    let amount = amount(place, &cursors, &log)?;
    let whom = match &arguments.exporter {
        Some(exporter) => format!("exporter {exporter}"),
        None => "any exporter".to_owned(),
    };
    let what = format!(
        "{}, {}, {}",
        text::counted(amount.entries, "entry", "entries"),
        text::counted(amount.items, "item", "items"),
        text::bytes(amount.bytes)
    );
    let question = format!(
        "queue {} in {}: {what} that wait for {whom} will be lost.",
        place.name,
        place.directory.display()
    );
    confirm(arguments.yes, &question)?;
    let end = Position::through(log.status().next.saturating_sub(1));
    // what nobody reads goes with its files; its numbers mean nothing to anybody
    let everybody = cursors.len() == log.cursors().len();
    let whole = cursors.is_empty() || (place.kind == Kind::SetAside && everybody);
    for cursor in cursors {
        acknowledge(&cursor, end).map_err(|error| place.failure(error))?;
    }
    log.close();
    if whole {
        let removed = fs::remove_dir_all(&place.directory);
        removed.map_err(|error| place.failure(format_args!("cannot be removed: {error}")))?;
    }
    print(&format!("queue {}: {what} removed\n", place.name))
}

fn open(place: &Place) -> Result<Log, Failure> {
    let disk = OsDisk::new(&place.directory).map_err(|error| place.failure(error))?;
    let observer = |event: &Event| command_line::warn(event);
    Log::open(Arc::new(disk), Options::default(), Arc::new(observer)).map_err(|error| match error {
        OpenError::Locked => {
            place.failure("a collector has it open; stop that one first, nothing was removed")
        }
        other => place.failure(other),
    })
}

/// What waits for any of the cursors, each entry counted once; everything there
/// is if there are none.
fn amount(place: &Place, cursors: &[Cursor], log: &Log) -> Result<Amount, Failure> {
    let mut amount = Amount::default();
    let slowest = cursors
        .iter()
        .min_by_key(|cursor| cursor.position().map_or(u64::MAX, |p| p.sequence()));
    let failed = |error: &dyn std::fmt::Display| place.failure(error);
    let backlog = match slowest {
        Some(slowest) => slowest.backlog().map_err(|error| failed(&error))?,
        None => {
            let all = log.cursor("purge", Start::Oldest);
            let all = all.map_err(|error| failed(&error))?;
            let backlog = all.backlog().map_err(|error| failed(&error));
            log.remove_cursor("purge").map_err(|error| failed(&error))?;
            backlog?
        }
    };
    amount.add(&backlog);
    Ok(amount)
}

fn acknowledge(cursor: &Cursor, end: Position) -> Result<(), wal::CursorError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    cursor.acknowledge_durably(end, move |stored| {
        // nobody else holds the other end, and it waits below
        let _ = sender.send(stored);
    });
    receiver.recv().unwrap_or(Err(wal::CursorError::Closed))
}

/// Asks a person, unless `--yes` answered already.
fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::new(format!(
            "{question} Pass --yes to go on; nothing was removed"
        )));
    }
    print(&format!("{question} Type yes to go on: "))?;
    let _ = io::stdout().flush();
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(format!("cannot read the answer: {error}")))?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(Failure::new("nothing was removed")),
    }
}
