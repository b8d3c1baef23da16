//! `pharos queue list` and `pharos queue inspect`: how much waits, for whom, and
//! in which files.

use std::fmt::Write as _;
use std::fs;

use pipeline::Clock;
use serde::Serialize;
use wal::{Backlog, Inspection};

use super::places::{Kind, Place, Places};
use super::{look, print, text};
use crate::command_line::QueueFormat;
use crate::commands::Failure;

/// Everything there is to say about a queue.
#[derive(Debug, Serialize)]
struct Description {
    queue: String,
    kind: Kind,
    directory: String,
    id: String,
    /// Number that the next entry gets.
    next: u64,
    /// What the exporter that is furthest behind has still to send.
    #[serde(flatten)]
    waiting: Waiting,
    exporters: Vec<ExporterState>,
    segments: Vec<SegmentState>,
    /// Whether the positions of exporters are unreadable, some or all.
    positions_lost: bool,
    unreadable: Vec<UnreadableFile>,
    quarantined: Vec<QuarantinedFile>,
}

/// An amount of telemetry.
#[derive(Debug, Serialize)]
struct Waiting {
    entries: u64,
    items: u64,
    bytes: u64,
    /// Entries that are gone or whose headers are unreadable.
    lost: u64,
    /// When the oldest of it was accepted, in milliseconds since 1970.
    oldest_unix_ms: Option<u64>,
    oldest_age_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct ExporterState {
    exporter: String,
    /// Number of the first entry that it has not done with.
    position: u64,
    /// Whether the configuration has it in this pipeline; null without one.
    configured: Option<bool>,
    #[serde(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Serialize)]
struct SegmentState {
    file: String,
    first: u64,
    end: u64,
    entries: u64,
    items: u64,
    bytes: u64,
    damaged: bool,
}

#[derive(Debug, Serialize)]
struct UnreadableFile {
    file: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct QuarantinedFile {
    file: String,
    bytes: Option<u64>,
}

/// Prints a line for each queue.
pub(super) fn list(places: &Places, format: QueueFormat) -> Result<(), Failure> {
    let all: Vec<&Place> = places.all.iter().collect();
    let descriptions = describe(places, &all)?;
    match format {
        QueueFormat::Json => json(&descriptions),
        QueueFormat::Table if descriptions.is_empty() => {
            print(&format!("no queue in {}\n", places.searched()))
        }
        QueueFormat::Table => print(&table(&descriptions)),
    }
}

/// Prints everything about the chosen queues.
pub(super) fn inspect(
    places: &Places,
    chosen: &[&Place],
    format: QueueFormat,
) -> Result<(), Failure> {
    let descriptions = describe(places, chosen)?;
    match format {
        QueueFormat::Json => json(&descriptions),
        QueueFormat::Table if descriptions.is_empty() => {
            print(&format!("no queue in {}\n", places.searched()))
        }
        QueueFormat::Table => {
            let pages: Vec<String> = descriptions.iter().map(page).collect();
            print(&pages.join("\n"))
        }
    }
}

fn json(descriptions: &[Description]) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(descriptions).map_err(Failure::new)?;
    print(&format!("{text}\n"))
}

fn describe(places: &Places, chosen: &[&Place]) -> Result<Vec<Description>, Failure> {
    let now = Clock::system().unix_nano() / 1_000_000;
    let described = chosen.iter().map(|place| {
        let inspection = look(place)?;
        one(places, place, &inspection, now).map_err(|error| place.failure(error))
    });
    described.collect()
}

fn one(
    places: &Places,
    place: &Place,
    inspection: &Inspection,
    now: u64,
) -> Result<Description, wal::ReadError> {
    let cursors = inspection.cursors()?;
    let waiting = match cursors.iter().min_by_key(|cursor| cursor.next) {
        Some(slowest) => slowest.backlog,
        None => inspection.content()?,
    };
    let exporters = cursors.into_iter().map(|cursor| ExporterState {
        configured: places.has_exporter(place, &cursor.name),
        exporter: cursor.name,
        position: cursor.next,
        waiting: waiting_of(&cursor.backlog, now),
    });
    let segments = inspection.segments()?.into_iter().map(|s| SegmentState {
        file: s.file,
        first: s.first,
        end: s.end,
        entries: s.content.entries,
        items: s.content.items,
        bytes: s.content.bytes,
        damaged: s.damaged,
    });
    let quarantined = inspection.quarantined().into_iter();
    let quarantined = quarantined.map(|file| QuarantinedFile {
        bytes: fs::metadata(place.directory.join(&file))
            .ok()
            .map(|m| m.len()),
        file,
    });
    let unreadable = inspection.unreadable().into_iter();
    let unreadable = unreadable.map(|found| UnreadableFile {
        file: found.file,
        reason: found.reason,
    });
    Ok(Description {
        queue: place.name.clone(),
        kind: place.kind,
        directory: place.directory.display().to_string(),
        id: inspection.id().to_string(),
        next: inspection.next(),
        waiting: waiting_of(&waiting, now),
        exporters: exporters.collect(),
        segments: segments.collect(),
        positions_lost: inspection.cursors_lost(),
        unreadable: unreadable.collect(),
        quarantined: quarantined.collect(),
    })
}

fn waiting_of(backlog: &Backlog, now: u64) -> Waiting {
    Waiting {
        entries: backlog.entries,
        items: backlog.items,
        bytes: backlog.bytes,
        lost: backlog.lost,
        oldest_unix_ms: backlog.oldest,
        oldest_age_seconds: backlog
            .oldest
            .map(|oldest| now.saturating_sub(oldest) / 1000),
    }
}

impl Waiting {
    fn age(&self) -> String {
        self.oldest_age_seconds
            .map_or_else(|| "-".to_owned(), text::age)
    }

    fn cells(&self) -> [String; 4] {
        [
            self.entries.to_string(),
            self.items.to_string(),
            text::bytes(self.bytes),
            self.age(),
        ]
    }
}

fn table(descriptions: &[Description]) -> String {
    let rows: Vec<Vec<String>> = descriptions
        .iter()
        .map(|description| {
            let exporters: Vec<_> = description.exporters.iter().map(name_and_state).collect();
            let mut row = vec![description.queue.clone()];
            row.extend(description.waiting.cells());
            row.push(exporters.join(", "));
            row
        })
        .collect();
    let head = ["QUEUE", "ENTRIES", "ITEMS", "BYTES", "OLDEST", "EXPORTERS"];
    text::columns("", &head, &rows)
}

fn name_and_state(exporter: &ExporterState) -> String {
    match exporter.configured {
        Some(false) => format!("{} (not configured)", exporter.exporter),
        _ => exporter.exporter.clone(),
    }
}

fn page(description: &Description) -> String {
    let mut out = String::new();
    let kind = match description.kind {
        Kind::Queue => "sending queue",
        Kind::SetAside => "set aside: its exporter was removed from the pipeline",
    };
    // writing to a String cannot fail
    let _ = writeln!(out, "{} ({kind})", description.queue);
    let _ = writeln!(out, "  directory  {}", description.directory);
    let _ = writeln!(out, "  log id     {}", description.id);
    let [entries, items, bytes, age] = description.waiting.cells();
    let waiting = format!("{entries} entries, {items} items, {bytes}, oldest {age}");
    let _ = writeln!(out, "  waiting    {waiting}");
    if description.positions_lost {
        out.push_str("  positions of exporters are unreadable: they begin at the oldest entry\n");
    }
    if !description.exporters.is_empty() {
        let rows = description.exporters.iter().map(|exporter| {
            let mut row = vec![name_and_state(exporter), exporter.position.to_string()];
            row.extend(exporter.waiting.cells());
            row.push(exporter.waiting.lost.to_string());
            row
        });
        let head = [
            "EXPORTER", "POSITION", "ENTRIES", "ITEMS", "BYTES", "OLDEST", "LOST",
        ];
        out.push_str(&text::columns("  ", &head, &rows.collect::<Vec<_>>()));
    }
    if !description.segments.is_empty() {
        let rows = description.segments.iter().map(|segment| {
            let state = if segment.damaged { "damaged" } else { "" };
            vec![
                segment.file.clone(),
                segment.first.to_string(),
                segment.entries.to_string(),
                segment.items.to_string(),
                text::bytes(segment.bytes),
                state.to_owned(),
            ]
        });
        let head = ["SEGMENT", "FIRST", "ENTRIES", "ITEMS", "BYTES", ""];
        out.push_str(&text::columns("  ", &head, &rows.collect::<Vec<_>>()));
    }
    for found in &description.unreadable {
        let _ = writeln!(out, "  unreadable {}: {}", found.file, found.reason);
    }
    for found in &description.quarantined {
        let bytes = found.bytes.map_or_else(|| "?".to_owned(), text::bytes);
        let _ = writeln!(
            out,
            "  set aside because of damage: {} ({bytes})",
            found.file
        );
    }
    out
}
