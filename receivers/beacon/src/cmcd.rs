//! What media players report of themselves: Common Media Client Data (CTA-5004), version 2
//! in event mode, a report a line, and either version in the query of a GET.
//!
//! A report is a dictionary of structured fields. The crate `sfv` cannot read it: as RFC 9651
//! says, it refuses keys with capitals, which CMCD's own examples of custom keys have.
//!
//! Reports become events like those of our script, as text of JSON that goes the way of all
//! events: no limit and no rule about clients has a second place here.

mod dictionary;
mod fields;
mod names;
mod plays;
mod values;

use std::borrow::Cow;
use std::fmt::Write;

use crate::frames::Unreadable;
use crate::url::Urls;
use crate::wire::percent_decoded;

use dictionary::{Dictionary, Item, Member};
use fields::{field, text, value};
use names::Name;
pub(crate) use plays::Plays;

/// Bytes of a report. Browsers send no more in one request when a page is left, and the names
/// of many short fields may take several times their bytes.
const LONGEST: usize = 64 << 10;

/// The reports of a body: its lines, but for blank ones.
pub(crate) fn lines(body: &str) -> impl Iterator<Item = &str> + Clone {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let lines = body.split('\n').map(str::trim_ascii);
    lines.filter(|line| !line.is_empty())
}

/// Writes reports as events. Reused: it keeps its memory.
pub(crate) struct Reader<'r> {
    urls: &'r Urls,
    plays: &'r Plays,
    site: &'r str,
    event: String,
    /// The fields behind those that have a name of their own.
    rest: String,
}

/// What a report says in keys that have another name, or none, with us.
#[derive(Default)]
struct Report<'t> {
    event: Option<Cow<'t, str>>,
    custom: Option<Cow<'t, str>>,
    state: Option<Cow<'t, str>>,
    time: Option<i64>,
    session: Option<Cow<'t, str>>,
    content: Option<Cow<'t, str>>,
    /// In ms.
    position: Option<f64>,
    rate: Option<f64>,
    stream: Option<Cow<'t, str>>,
    object: Option<Cow<'t, str>>,
    /// In ms.
    startup: Option<i64>,
    /// In kbit/s.
    bitrate: Option<f64>,
    /// Only where what `object` says has a picture.
    bare_bitrate: Option<f64>,
    sequence: Option<i64>,
    url: Option<Cow<'t, str>>,
    error: Option<Cow<'t, str>>,
    starved: bool,
    /// In ms.
    stalled: Option<f64>,
    backgrounded: bool,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(urls: &'r Urls, plays: &'r Plays, site: &'r str) -> Reader<'r> {
        Reader {
            urls,
            plays,
            site,
            event: String::new(),
            rest: String::new(),
        }
    }

    /// The event of a report, which is an object of JSON.
    pub(crate) fn event(&mut self, line: &str) -> Result<&str, Unreadable> {
        if line.len() > LONGEST {
            return Err(Unreadable {
                at: LONGEST,
                expected: "the end of the report, which may have 64 KiB",
            });
        }
        self.rest.clear();
        let mut report = Report::default();
        let mut dictionary = Dictionary::new(line);
        while let Some(mut member) = dictionary.next()? {
            if matches!(member.key, "url" | "nor") {
                self.clean(&mut member);
            }
            if !report.take(&member) {
                fields::raw(&mut self.rest, &member);
            }
        }
        self.event.clear();
        self.event.push('{');
        report.write(self.plays, self.site, &mut self.event);
        self.event.push_str(&self.rest);
        // every field ends so, and there is one at least
        self.event.pop();
        self.event.push('}');
        Ok(&self.event)
    }

    /// Cleans URLs as those of all fields are, also in lists. Version 1 has them
    /// percent-encoded as a whole.
    fn clean(&self, member: &mut Member<'_>) {
        for element in &mut member.elements {
            let Item::Text(url) = &mut element.item else {
                continue;
            };
            let decoded;
            let whole = if url.contains('%') && !url.contains(['?', '/']) {
                decoded = percent_decoded(url);
                &*decoded
            } else {
                &**url
            };
            let clean = self.urls.left_of_url(whole);
            if clean != whole {
                *url = Cow::Owned(clean.into_owned());
            }
        }
    }
}

impl<'t> Report<'t> {
    /// Keeps what is needed of a member. True when nothing else of it is to be written.
    fn take(&mut self, member: &Member<'t>) -> bool {
        match member.key {
            "sid" => keep(&mut self.session, member.text()),
            "cid" => keep(&mut self.content, member.text()),
            "url" => keep(&mut self.url, member.text()),
            "ts" => keep(&mut self.time, member.integer()),
            "sn" => keep(&mut self.sequence, member.integer()),
            "msd" => keep(&mut self.startup, member.integer()),
            "pt" => keep(&mut self.position, member.number()),
            "pr" => keep(&mut self.rate, member.number()),
            key => {
                match key {
                    "e" => self.event = member.text(),
                    "cen" => self.custom = member.text(),
                    "sta" => self.state = member.text(),
                    "st" => self.stream = member.text(),
                    "ot" => self.object = member.text(),
                    "ec" => self.error = member.code(),
                    "bs" => self.starved = member.is_true(),
                    "bg" => self.backgrounded = member.is_true(),
                    "bsd" => self.stalled = member.longest(),
                    "br" => {
                        self.bitrate = member.labelled("v").or(member.labelled("av"));
                        self.bare_bitrate = member.bare();
                    }
                    _ => {}
                }
                false
            }
        }
    }

    fn write(&self, plays: &Plays, site: &str, out: &mut String) {
        let name = Name::of(self, plays, site);
        field(out, "event.action", |out| {
            name.write(out);
        });
        if let Some(time) = self.time {
            field(out, "@timestamp", |out| value(out, &Item::Integer(time)));
        }
        for (key, words) in [
            ("media.session.id", self.session.as_deref()),
            ("media.id", self.content.as_deref()),
            ("media.stream_type", self.stream_type()),
            ("media.request.url", self.url.as_deref()),
        ] {
            if let Some(words) = words {
                field(out, key, |out| text(out, words));
            }
        }
        let bitrate = self
            .bitrate
            .or(self.bare_bitrate.filter(|_| self.is_picture()));
        for (key, number) in [
            ("media.position", self.position.map(|ms| ms / 1e3)),
            ("media.playback_rate", self.rate),
        ] {
            if let Some(number) = number {
                field(out, key, |out| value(out, &Item::Decimal(number)));
            }
        }
        for (key, number) in [
            ("media.startup_time", self.startup),
            (
                "media.variant.bitrate",
                bitrate.map(|kbps| (kbps * 1e3).round() as i64),
            ),
            ("event.sequence", self.sequence),
        ] {
            if let Some(number) = number {
                field(out, key, |out| value(out, &Item::Integer(number)));
            }
        }
        self.write_of(&name, out);
    }

    /// What only events of that name have.
    fn write_of(&self, name: &Name<'_>, out: &mut String) {
        match (name, self.event.as_deref()) {
            (Name::Known("stall_end"), _) => {
                if let Some(ms) = self.stalled.filter(|ms| *ms >= 0.0) {
                    field(out, "event.duration", |out| {
                        let _ = write!(out, "{}", (ms * 1e6) as i64);
                    });
                }
            }
            (Name::Known("volume_changed"), event) => {
                let is_muted = Item::Boolean(event == Some("m"));
                field(out, "media.muted", |out| value(out, &is_muted));
            }
            (Name::Known("error"), _) => {
                field(out, "log.level", |out| text(out, "error"));
                if let Some(code) = &self.error {
                    field(out, "error.code", |out| text(out, code));
                }
            }
            _ => {}
        }
    }

    fn stream_type(&self) -> Option<&'static str> {
        match self.stream.as_deref()? {
            "v" => Some("vod"),
            "l" | "ll" => Some("live"),
            _ => None,
        }
    }

    /// Whether the object that is spoken about has a picture, as far as is known.
    fn is_picture(&self) -> bool {
        matches!(self.object.as_deref(), None | Some("v" | "av"))
    }
}

/// The last value of a key counts, as in every dictionary.
fn keep<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

#[cfg(test)]
mod tests;
