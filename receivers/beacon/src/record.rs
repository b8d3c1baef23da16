//! One event to one log record.

use otlp::Value;
use otlp::write::LogWriter;

use crate::admission::{OTHER, Rules, covers, is_event_name};
use crate::client::{ClientFacts, shown};
use crate::config::{Signal, Timestamps};
use crate::event::Fields;
use crate::geo::is_place;
use crate::json::{Kind, Piece, Text, Writing};
use crate::session::{self, OfRequest, Session};
use crate::times::{self, ClientClock};
use crate::url::{self, Strip};

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
    /// What the site may send, if that is limited.
    pub(crate) rules: Option<&'r Rules>,
    /// Which part of the site's sessions is kept, if not all.
    pub(crate) sample_rate: Option<f64>,
    /// The session that the server keeps for the client, if it does.
    pub(crate) session: Option<&'r OfRequest<'r>>,
    /// What is taken off URLs, if anything is.
    pub(crate) strip: Option<&'r Strip>,
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
    session: bool,
    /// Which part of the sessions the client itself keeps.
    sample_rate: Option<f64>,
    /// The name is one too many.
    is_renamed: bool,
    /// How many attributes may not be sent.
    denied: u32,
}

/// How an event was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Something was cut or left out for its size.
    pub(crate) truncated: bool,
    /// How many attributes may not be sent and were left out.
    pub(crate) denied: u32,
    /// It got another name.
    pub(crate) renamed: bool,
    /// It has values below other values, as `a.b` below `a`.
    pub(crate) clashes: bool,
}

/// Writes the record of an event that stands in `text`.
pub(crate) fn write(
    log: &mut LogWriter<'_>,
    fields: &Fields,
    text: &str,
    context: &Context<'_>,
    writing: &mut Writing<'_>,
) -> Written {
    let cut = writing.cut;
    let mut brought = Brought {
        is_renamed: context.is_renamed(fields, text),
        ..Brought::default()
    };
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
    }
    let dropped = fields.left_out + brought.denied;
    if dropped > 0 {
        log.dropped_attributes_count(dropped);
    }
    Written {
        truncated,
        denied: brought.denied,
        renamed: brought.is_renamed,
        clashes: fields.leaves.below_values() > 0,
    }
}

/// Writes the record that says that a session begins.
pub(crate) fn write_start(log: &mut LogWriter<'_>, session: &Session, context: &Context<'_>) {
    log.observed_time_unix_nano(context.clock.received);
    log.attribute("event.action", Value::String("session.start"));
    log.attribute("session.id", Value::String(&session.id));
    if let Some(previous) = &session.previous {
        log.attribute("session.previous_id", Value::String(previous));
    }
    let brought = Brought {
        session: true,
        ..Brought::default()
    };
    context.add(log, &brought);
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
        if let Some(rules) = self.rules
            && !self.passes(rules, log, path, piece, text, writing, brought)
        {
            return;
        }
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
            Some(b'b') if self.sample_rate.is_some() && path == "beacon.sample_rate" => {
                brought.sample_rate = piece.raw(text).parse().ok();
                return;
            }
            Some(b's' | b'u' | b'e') => {
                if self.facts.wish == Signal::Anonymize && is_personal(path) {
                    return;
                }
                if self.session.is_some() && path == "session.id" {
                    brought.session = is_session(piece, text);
                    if !brought.session {
                        return;
                    }
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
        if (writing.limits.sanitize || self.strip.is_some())
            && matches!(piece.kind, Kind::Plain | Kind::Escaped)
            && url::is_url_field(path)
            && self.cleaned(log, path, piece, text, writing)
        {
            return;
        }
        writing.attribute(log, path, piece, text);
    }

    /// Whether a field goes on as it is. If not, it was left out, or another
    /// name of the event written.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "what a field is written with")]
    fn passes(
        &self,
        rules: &Rules,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
        brought: &mut Brought,
    ) -> bool {
        if brought.is_renamed && is_event_name(path) {
            log.attribute(path, Value::String(OTHER));
            writing.attribute(log, &format!("beacon.{path}"), piece, text);
            return false;
        }
        let passes = rules.permit(path) || self.trusts(path);
        brought.denied += u32::from(!passes);
        passes
    }

    /// Whether the name of the event is one too many.
    fn is_renamed(&self, fields: &Fields, text: &str) -> bool {
        let Some(names) = self.rules.and_then(Rules::names) else {
            return false;
        };
        let found = |wanted: &str| {
            let own = self.find(fields, text, wanted);
            own.map(|(piece, text)| {
                piece
                    .string(text)
                    .unwrap_or(Text::Borrowed(piece.raw(text)))
            })
        };
        found("event.name")
            .or_else(|| found("event.action"))
            .is_some_and(|name| !names.admit(&name, self.clock.received))
    }

    /// A value of an event, or what stands for it around the events of a batch;
    /// with the text that it stands in.
    fn find<'v>(&'v self, fields: &Fields, text: &'v str, path: &str) -> Option<(Piece, &'v str)> {
        let mut own = fields.leaves.iter();
        if let Some((_, piece)) = own.find(|(known, _)| *known == path) {
            return Some((*piece, text));
        }
        let mut defaults = self.defaults.iter();
        let (_, piece) = defaults.find(|(known, _)| known == path)?;
        Some((*piece, self.text))
    }

    /// The session that an event names, if it may.
    pub(crate) fn own_session<'v>(&'v self, fields: &Fields, text: &'v str) -> Option<Text<'v>> {
        let (piece, text) = self.find(fields, text, "session.id")?;
        piece.string(text).filter(|id| session::is_valid(id))
    }

    /// Writes what is to be kept of a URL; false when that is all of it.
    #[inline(never)]
    fn cleaned(
        &self,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &Writing<'_>,
    ) -> bool {
        let Some(whole) = piece.string(text) else {
            return false;
        };
        let stripped = match self.strip {
            Some(strip) => strip.field(path, &whole),
            None => Some(Text::Borrowed(&*whole)),
        };
        let Some(stripped) = stripped else {
            return true;
        };
        let clean = if writing.limits.sanitize {
            url::redacted(&stripped)
        } else {
            Text::Borrowed(&*stripped)
        };
        if clean.len() == whole.len() && matches!(clean, Text::Borrowed(_)) {
            return false;
        }
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
        covers(self.trusted, path)
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
            let referer = shown(referer);
            let url = match self.strip {
                Some(strip) => strip.url(&referer),
                None => Text::Borrowed(&*referer),
            };
            string("url.full", Some(&url::redacted(&url)));
            string("beacon.url.source", Some("referer"));
        }
        if self.tag && !brought.synthetic {
            string(
                "user_agent.synthetic.type",
                facts.synthetic.map(|kind| kind.name()),
            );
        }
        string("browser.platform", facts.platform.as_deref());
        if let (false, Some(session)) = (brought.session, self.session) {
            string("session.id", session.get().map(|session| &*session.id));
        }
        if facts.lacks_origin {
            log.attribute("beacon.origin.missing", Value::Bool(true));
        }
        if let Some(rate) = self.sample_rate {
            let rate = rate * brought.sample_rate.unwrap_or(1.0);
            log.attribute("beacon.sample_rate", Value::Double(rate));
        }
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

/// Whether a value is the id of a session.
#[cold]
fn is_session(piece: Piece, text: &str) -> bool {
    piece.string(text).is_some_and(|id| session::is_valid(&id))
}

/// What tells one visitor from another.
fn is_personal(path: &str) -> bool {
    path == "session.id"
        || path == "session.previous_id"
        || path.starts_with("user.")
        || path.starts_with("enduser.")
}
