//! The names of events: those of our script where it has the same event.

use super::{Plays, Report};

/// Longer names are cut, as those of all custom events.
const LONGEST: usize = 64;

/// The name of an event behind `media.`.
#[derive(Debug, PartialEq)]
pub(super) enum Name<'r> {
    Known(&'static str),
    /// A custom event.
    Custom(&'r str),
    /// A type of event that is younger than this list.
    Other(&'r str),
}

impl<'r> Name<'r> {
    pub(super) fn of(report: &'r Report<'_>, plays: &Plays, site: &str) -> Name<'r> {
        let known = match report.event.as_deref() {
            // data about a request
            None => "request",
            Some("ps") => state(report, plays, site),
            Some("e") => "error",
            Some("t") => "progress",
            Some("bc") => "quality_changed",
            Some("pr") => "rate_changed",
            Some("m" | "um") => "volume_changed",
            Some("pe" | "pc") => "display_changed",
            Some("c") => "content_changed",
            // the same event says both
            Some("b") if report.backgrounded => "backgrounded",
            Some("b") => "foregrounded",
            Some("as") => "ad_start",
            Some("ae") => "ad_end",
            Some("abs") => "ad_break_start",
            Some("abe") => "ad_break_end",
            Some("sk") => "ad_skipped",
            Some("h") => "host_changed",
            Some("rr") => "response",
            Some("ce") => return Name::Custom(report.custom.as_deref().unwrap_or_default()),
            Some(other) => return Name::Other(other),
        };
        Name::Known(known)
    }

    pub(super) fn write(&self, out: &mut String) {
        let start = out.len();
        out.push_str("\"media.");
        let (prefix, own) = match self {
            Name::Known(known) => (*known, ""),
            Name::Custom("") => ("custom", ""),
            Name::Custom(name) => ("custom.", *name),
            Name::Other("") => ("request", ""),
            Name::Other(name) => ("", *name),
        };
        out.push_str(prefix);
        let left = (LONGEST + 1 + start).saturating_sub(out.len());
        out.extend(own.chars().take(left).map(fitting));
        out.push('"');
    }
}

/// A report that it plays does not tell why. One with `msd`, which comes once, is a start;
/// starvation is told of when it is over; the first one of a session is a start too. Without a
/// session it is taken for no start, since a start that was none is counted.
fn state(report: &Report<'_>, plays: &Plays, site: &str) -> &'static str {
    match report.state.as_deref() {
        Some("s" | "d") => "load",
        Some("p") => played(report, plays, site),
        Some("a") => "paused",
        Some("k") => "seek",
        Some("r") => "stall_start",
        Some("w") => "waiting",
        Some("e") => "ended",
        Some("f") => "error",
        Some("q") => "quit",
        _ => "state_changed",
    }
}

fn played(report: &Report<'_>, plays: &Plays, site: &str) -> &'static str {
    let session = report.session.as_deref();
    let this = (report.time, report.sequence);
    // said in any case, so that the next one is none
    let is_first = session.is_some_and(|session| plays.begin(site, session, this));
    if report.startup.is_some() {
        "started"
    } else if report.starved || report.stalled.is_some() {
        "stall_end"
    } else if is_first {
        "started"
    } else {
        "resumed"
    }
}

fn fitting(character: char) -> char {
    match character.to_ascii_lowercase() {
        fits @ ('a'..='z' | '0'..='9' | '_' | '.') => fits,
        _ => '_',
    }
}
