//! `pharos queue verify`: reads everything and compares all checksums.

use std::fmt::Write as _;

use wal::{Damage, Inspection, LostReason};

use super::places::Place;
use super::{look, print, text};
use crate::commands::Failure;

/// Fails if anything is damaged, having said what.
pub(super) fn run(places: &[&Place]) -> Result<(), Failure> {
    let mut damaged = 0;
    for place in places {
        let (report, sound) = one(place, &look(place)?)?;
        damaged += u64::from(!sound);
        print(&report)?;
    }
    match damaged {
        0 => Ok(()),
        damaged => Err(Failure::new(format!(
            "{} of {} damaged; what is whole is delivered, and what is lost is counted when it is read",
            damaged,
            text::counted(places.len() as u64, "queue is", "queues are")
        ))),
    }
}

fn one(place: &Place, inspection: &Inspection) -> Result<(String, bool), Failure> {
    let verified = inspection.verify().map_err(|error| place.failure(error))?;
    let unreadable = inspection.unreadable();
    let sound = verified.damage.is_empty() && unreadable.is_empty() && !inspection.cursors_lost();
    let mut out = String::new();
    // writing to a String cannot fail
    let _ = writeln!(
        out,
        "{}: {}, {}, {}: {}",
        place.name,
        text::counted(verified.entries, "whole entry", "whole entries"),
        text::counted(verified.items, "item", "items"),
        text::bytes(verified.bytes),
        if sound { "no damage" } else { "DAMAGED" }
    );
    for file in unreadable {
        let _ = writeln!(out, "  {}: {}", file.file, file.reason);
    }
    if inspection.cursors_lost() {
        out.push_str(
            "  cursors: positions of exporters are unreadable; they begin at the oldest entry and may deliver \
             again what they had delivered\n",
        );
    }
    for damage in &verified.damage {
        let _ = writeln!(out, "  {}", sentence(damage));
    }
    for file in inspection.quarantined() {
        let _ = writeln!(out, "  {file}: set aside earlier because of damage");
    }
    Ok((out, sound))
}

fn sentence(damage: &Damage) -> String {
    let entries = text::range(damage.from, damage.to);
    let place = match &damage.file {
        Some(file) => format!("{file}: {entries}"),
        None => entries,
    };
    let items = match damage.items {
        Some(items) => format!(" ({})", text::counted(u64::from(items), "item", "items")),
        None => String::new(),
    };
    let what = match damage.reason {
        LostReason::Payload => "the payload is not what was written",
        LostReason::Header => "the headers are unreadable",
        LostReason::Missing => "missing; their file is gone, unreadable or cut off",
        _ => "lost",
    };
    format!("{place}{items}: {what}")
}
