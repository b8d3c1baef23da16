//! One event to one log record.

use otlp::Value;
use otlp::write::LogWriter;

use crate::client::{ClientFacts, shown};
use crate::config::{Signal, Timestamps};
use crate::event::Fields;
use crate::geo::is_place;
use crate::json::{Kind, Piece, Text, Writing};
use crate::times::{self, ClientClock};
use crate::url;

/// What the records of one request have in common.
pub(crate) struct Context<'r> {
    pub(crate) clock: ClientClock,
    pub(crate) facts: &'r ClientFacts,
    pub(crate) timestamps: Timestamps,
    /// Whether the type of bot is written down.
    pub(crate) tag: bool,
    /// Fields that the sender may set in place of the server.
    pub(crate) trusted: &'r [String],
    /// Whether the server says where the client is.
    pub(crate) geo: bool,
    /// Fields for events that lack them, and the text they stand in.
    pub(crate) defaults: &'r [(Text<'r>, Piece)],
    pub(crate) text: &'r str,
    /// For reports, which have no level of their own.
    pub(crate) severity: Option<(i32, &'static str)>,
}

/// Which facts an event brought itself.
#[derive(Default)]
struct Brought {
    time: bool,
    url: bool,
    address: bool,
    place: bool,
    user_agent: bool,
    synthetic: bool,
}

/// Writes the record of an event that stands in `text`. True when something
/// was cut or left out.
pub(crate) fn write(
    log: &mut LogWriter<'_>,
    fields: &Fields,
    text: &str,
    context: &Context<'_>,
    writing: &mut Writing<'_>,
) -> bool {
    let cut = writing.cut;
    let mut brought = Brought::default();
    log.observed_time_unix_nano(context.clock.received);
    for (path, piece) in fields.leaves.iter() {
        context.field(log, path, *piece, text, writing, &mut brought);
    }
    if !context.defaults.is_empty() {
        context.fill(log, fields, writing, &mut brought);
    }
    context.add(log, &brought);
    let truncated = writing.cut > cut || fields.left_out > 0;
    if truncated {
        log.attribute("beacon.truncated", Value::Bool(true));
        log.dropped_attributes_count(fields.left_out);
    }
    truncated
}

impl Context<'_> {
    #[inline(always)]
    fn field(
        &self,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
        brought: &mut Brought,
    ) {
        match path.as_bytes().first() {
            Some(b'@') if path == "@timestamp" && self.timestamps == Timestamps::Correct => {
                brought.time = true;
                return self.time(log, piece, text, writing);
            }
            Some(b'c') if matches!(path, "client.ip" | "client.address") => {
                if !self.trusts(path) {
                    return;
                }
                brought.address = true;
            }
            Some(b'c' | b'g' | b's') if self.geo && is_place(path) => {
                if !self.trusts(path) {
                    return;
                }
                brought.place = true;
            }
            Some(b's' | b'u' | b'e') => {
                if self.facts.wish == Signal::Anonymize && is_personal(path) {
                    return;
                }
                if path == "user_agent.original" {
                    if !self.trusts(path) {
                        return;
                    }
                    brought.user_agent = true;
                }
                brought.synthetic |= path == "user_agent.synthetic.type";
                brought.url |= path == "url.full";
            }
            _ => {}
        }
        if writing.limits.sanitize
            && matches!(piece.kind, Kind::Plain | Kind::Escaped)
            && url::is_url_field(path)
            && self.redacted(log, path, piece, text, writing)
        {
            return;
        }
        writing.attribute(log, path, piece, text);
    }

    /// Writes a URL without its secrets; false when it has none.
    #[inline(never)]
    fn redacted(
        &self,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &Writing<'_>,
    ) -> bool {
        let Some(Text::Owned(clean)) = piece.string(text).as_deref().map(url::redacted) else {
            return false;
        };
        let limit = clean.floor_char_boundary(writing.limits.text);
        log.attribute(path, Value::String(clean.get(..limit).unwrap_or_default()));
        true
    }

    /// What stands around the events of a batch, for one that lacks it.
    #[cold]
    fn fill(
        &self,
        log: &mut LogWriter<'_>,
        fields: &Fields,
        writing: &mut Writing<'_>,
        brought: &mut Brought,
    ) {
        for (path, piece) in self.defaults {
            if !fields.leaves.iter().any(|(known, _)| known == path) {
                self.field(log, path, *piece, self.text, writing, brought);
            }
        }
    }

    fn trusts(&self, path: &str) -> bool {
        let covers = |name: &String| {
            name == path
                || name
                    .strip_suffix('*')
                    .is_some_and(|start| path.starts_with(start))
        };
        self.trusted.iter().any(covers)
    }

    #[inline(never)]
    fn time(&self, log: &mut LogWriter<'_>, piece: Piece, text: &str, writing: &mut Writing<'_>) {
        let time = self.clock.event_time(times::of(piece, text));
        log.time_unix_nano(time.nanos);
        if time.keep_original {
            writing.attribute(log, "beacon.client_timestamp", piece, text);
        }
    }

    /// What the server knows.
    fn add(&self, log: &mut LogWriter<'_>, brought: &Brought) {
        let facts = self.facts;
        if let (false, Some(place)) = (brought.place, &facts.place) {
            place.write(log);
        }
        let mut string = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                log.attribute(key, Value::String(value));
            }
        };
        if !brought.address {
            string("client.ip", facts.address.as_deref());
        }
        if !brought.user_agent {
            string(
                "user_agent.original",
                facts.user_agent.as_ref().map(shown).as_deref(),
            );
        }
        if let (false, Some(referer)) = (brought.url, &facts.referer) {
            string("url.full", Some(&url::redacted(&shown(referer))));
            string("beacon.url.source", Some("referer"));
        }
        if self.tag && !brought.synthetic {
            string(
                "user_agent.synthetic.type",
                facts.synthetic.map(|kind| kind.name()),
            );
        }
        string("browser.platform", facts.platform.as_deref());
        if let Some(mobile) = facts.mobile {
            log.attribute("browser.mobile", Value::Bool(mobile));
        }
        if !facts.brands.is_empty() {
            log.attribute_with("browser.brands", |value| {
                value.array(|list| {
                    facts
                        .brands
                        .iter()
                        .for_each(|brand| list.push(Value::String(brand)));
                });
            });
        }
        if let Some(skew) = self.clock.corrected() {
            log.attribute("beacon.clock_skew", Value::Int(skew / 1_000_000));
        }
        if !brought.time && self.timestamps == Timestamps::Correct {
            log.time_unix_nano(self.clock.received);
        }
        if let Some((number, text)) = self.severity {
            log.severity_number(number);
            log.severity_text(text);
        }
    }
}

/// What tells one visitor from another.
fn is_personal(path: &str) -> bool {
    path == "session.id"
        || path == "session.previous_id"
        || path.starts_with("user.")
        || path.starts_with("enduser.")
}
