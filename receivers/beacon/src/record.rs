//! One event to one log record.

mod facts;
mod owners;

use std::borrow::Cow;

use otlp::Value;
use otlp::write::LogWriter;
use semconv::flatten::Leaves;

use crate::admission::{OTHER, Rules, covers, is_event_name};
use crate::client::ClientFacts;
use crate::config::{Signal, Timestamps};
use crate::event::Fields;
use crate::json::{Attributed, Kind, Piece, Text, Writing, cut};
use crate::session::{self, OfRequest, Session};
use crate::times::{self, ClientClock};
use crate::url::Urls;

/// What the records of one request have in common.
#[derive(Clone, Copy)]
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
    pub(crate) defaults: Option<&'r Leaves<Piece>>,
    pub(crate) text: &'r str,
    /// How many fields an event may have with those that it lacked.
    pub(crate) max_fields: usize,
    /// For reports, which have no level of their own.
    pub(crate) severity: Option<(i32, &'static str)>,
    /// What the site may send, if that is limited.
    pub(crate) rules: Option<&'r Rules>,
    /// Which part of the site's sessions is kept, if not all.
    pub(crate) sample_rate: Option<f64>,
    /// The session that the server keeps for the client, if it does.
    pub(crate) session: Option<&'r OfRequest<'r>>,
    /// What becomes of URLs.
    pub(crate) urls: &'r Urls,
}

/// Which facts an event brought itself.
#[derive(Default)]
struct Brought<'v> {
    time: bool,
    /// What was written of `url.full`.
    url: Option<Text<'v>>,
    /// Which parts of it: one bit each.
    url_parts: u8,
    address: bool,
    place: bool,
    user_agent: bool,
    synthetic: bool,
    session: bool,
    /// Which part of the sessions the client itself keeps.
    sample_rate: Option<f64>,
    /// The name was one too many.
    is_renamed: bool,
    /// How many attributes may not be sent.
    denied: u32,
    /// How many attributes are the server's to set.
    replaced: u32,
    /// How many defaults were too many.
    left_out: u32,
}

/// How an event was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Something was cut or left out for its size.
    pub(crate) truncated: bool,
    /// How many attributes the sender may not set and were left out.
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
    let mut brought = Brought::default();
    log.observed_time_unix_nano(context.clock.received);
    for (path, piece) in fields.leaves.iter() {
        context.field(log, path, *piece, text, writing, &mut brought);
    }
    if let Some(defaults) = context.defaults {
        context.fill(log, fields, defaults, writing, &mut brought);
    }
    context.add(log, &brought, writing);
    let left_out = fields.left_out + brought.left_out;
    let truncated = writing.cut > cut || left_out > 0;
    if truncated {
        log.attribute("beacon.truncated", Value::Bool(true));
    }
    if left_out + brought.denied > 0 {
        log.dropped_attributes_count(left_out + brought.denied);
    }
    Written {
        truncated,
        denied: brought.denied + brought.replaced,
        renamed: brought.is_renamed,
        clashes: fields.leaves.any_below_values(),
    }
}

/// Writes the record that says that a session begins, with an event that stands in `text`.
pub(crate) fn write_start(
    log: &mut LogWriter<'_>,
    session: &Session,
    fields: &Fields,
    text: &str,
    context: &Context<'_>,
    writing: &mut Writing<'_>,
) {
    log.observed_time_unix_nano(context.clock.received);
    log.attribute("event.action", Value::String("session.start"));
    log.attribute("session.id", Value::String(&session.id));
    if let Some(previous) = &session.previous {
        log.attribute("session.previous_id", Value::String(previous));
    }
    let mut brought = Brought {
        session: true,
        ..Brought::default()
    };
    let time = context.find(fields, text, "@timestamp");
    if let Some((piece, text)) = time.filter(|_| context.timestamps == Timestamps::Correct) {
        let time = context.clock.event_time(times::of(piece, text));
        log.time_unix_nano(time.nanos);
        brought.time = true;
    }
    let rate = context.find(fields, text, "beacon.sample_rate");
    if let Some((piece, text)) = rate {
        context.sample_rate(log, piece, text, &mut brought);
    }
    context.add(log, &brought, writing);
}

impl Context<'_> {
    #[inline(always)]
    fn field<'v>(
        &self,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &'v str,
        writing: &mut Writing<'_>,
        brought: &mut Brought<'v>,
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
            Some(b'b' | b'c' | b'e' | b'g' | b's' | b'u') => {
                let is_servers = self.is_servers(path);
                if is_servers && !self.trusts(path) {
                    brought.replaced += 1;
                    return;
                }
                if self.facts.wish == Signal::Anonymize && owners::is_personal(path) {
                    return;
                }
                if is_servers {
                    brought.note(path);
                }
                match path {
                    "beacon.sample_rate" => return self.sample_rate(log, piece, text, brought),
                    "session.id" if self.session.is_some() => {
                        brought.session = is_session(piece, text);
                        if !brought.session {
                            brought.replaced += 1;
                            return;
                        }
                    }
                    "user_agent.synthetic.type" => brought.synthetic = true,
                    "url.full" => return self.url(log, piece, text, writing, brought),
                    _ => brought.url_parts |= facts::url_part(path),
                }
            }
            _ => {}
        }
        self.put(log, path, piece, text, writing);
    }

    /// Writes an attribute, and of a URL what is to be kept.
    #[inline(always)]
    fn put(
        &self,
        to: &mut impl Attributed,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
    ) {
        if matches!(piece.kind, Kind::Plain | Kind::Escaped)
            && self.urls.concern(path)
            && self.cleaned(to, path, piece, text, writing)
        {
            return;
        }
        writing.attribute(to, path, piece, text);
    }

    /// Writes what is to be kept of a URL; false when that is all of it.
    #[inline(never)]
    fn cleaned(
        &self,
        to: &mut impl Attributed,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
    ) -> bool {
        let Some(whole) = piece.string(text) else {
            return false;
        };
        match self.urls.left(path, &whole) {
            Some(Cow::Borrowed(left)) if left.len() == whole.len() => false,
            Some(left) => {
                let left = cut(&left, writing.limits.text, &mut writing.cut);
                to.put(path, Value::String(left));
                true
            }
            None => true,
        }
    }

    /// Writes what is to be kept of `url.full`, and remembers it.
    #[inline(always)]
    fn url<'v>(
        &self,
        log: &mut LogWriter<'_>,
        piece: Piece,
        text: &'v str,
        writing: &mut Writing<'_>,
        brought: &mut Brought<'v>,
    ) {
        let Some(whole) = piece.string(text) else {
            // what is no text is no URL
            brought.denied += 1;
            return;
        };
        let other = match self.urls.left_of_url(&whole) {
            Cow::Borrowed(left) if left.len() == whole.len() => None,
            left => Some(left.into_owned()),
        };
        let url = other.map_or(whole, Text::Owned);
        let written = cut(&url, writing.limits.text, &mut writing.cut);
        log.attribute("url.full", Value::String(written));
        brought.url = Some(url);
    }

    /// A part of the sessions that the client itself keeps. What is none would
    /// make an event count for any number of others.
    #[cold]
    fn sample_rate(
        &self,
        log: &mut LogWriter<'_>,
        piece: Piece,
        text: &str,
        brought: &mut Brought<'_>,
    ) {
        let Some(rate) = rate_of(piece, text) else {
            brought.denied += 1;
            return;
        };
        if self.sample_rate.is_some() {
            brought.sample_rate = Some(rate);
        } else {
            log.attribute("beacon.sample_rate", Value::Double(rate));
        }
    }

    /// Whether a field goes on as it is. If not, it was left out, or another
    /// name of the event written.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "what a field is written with")]
    fn passes(
        &self,
        rules: &Rules,
        log: &mut LogWriter<'_>,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
        brought: &mut Brought<'_>,
    ) -> bool {
        if is_event_name(path)
            && let Some(names) = rules.names()
        {
            let name = piece.string(text);
            let name = name.as_deref().unwrap_or_else(|| piece.raw(text));
            if !names.admit(name, self.clock.received) {
                brought.is_renamed = true;
                log.attribute(path, Value::String(OTHER));
                writing.attribute(log, &format!("beacon.{path}"), piece, text);
                return false;
            }
        }
        let passes = rules.permit(path) || self.trusts(path);
        brought.denied += u32::from(!passes);
        passes
    }

    /// A value of an event, or what stands for it around the events of a batch;
    /// with the text that it stands in.
    fn find<'v>(&'v self, fields: &Fields, text: &'v str, path: &str) -> Option<(Piece, &'v str)> {
        if let Some(piece) = fields.leaves.get(path) {
            return Some((*piece, text));
        }
        Some((*self.defaults?.get(path)?, self.text))
    }

    /// The session that an event names, if it may.
    pub(crate) fn own_session<'v>(&'v self, fields: &Fields, text: &'v str) -> Option<Text<'v>> {
        let may = self.facts.wish == Signal::Ignore
            && self
                .rules
                .is_none_or(|rules| rules.permit("session.id") || self.trusts("session.id"));
        let (piece, text) = self.find(fields, text, "session.id").filter(|_| may)?;
        let id = piece.string(text)?;
        // any will do where the server keeps none
        (self.session.is_none() || session::is_valid(&id)).then_some(id)
    }

    /// What stands around the events of a batch, for one that lacks it.
    #[cold]
    fn fill<'v>(
        &'v self,
        log: &mut LogWriter<'_>,
        fields: &Fields,
        defaults: &'v Leaves<Piece>,
        writing: &mut Writing<'_>,
        brought: &mut Brought<'v>,
    ) {
        let mut left = self.max_fields.saturating_sub(fields.leaves.len());
        for (path, piece) in defaults.iter() {
            if fields.leaves.get(path).is_some() {
                continue;
            }
            if left == 0 {
                brought.left_out += 1;
                continue;
            }
            left -= 1;
            self.field(log, path, *piece, self.text, writing, brought);
        }
    }

    /// Writes an attribute of the resource that a batch names; false when it may not.
    pub(crate) fn resource_attribute(
        &self,
        to: &mut impl Attributed,
        path: &str,
        piece: Piece,
        text: &str,
        writing: &mut Writing<'_>,
    ) -> bool {
        let may = self.trusts(path)
            || !self.is_servers(path) && self.rules.is_none_or(|rules| rules.permit(path));
        if !may {
            return false;
        }
        if self.facts.wish != Signal::Anonymize || !owners::is_personal(path) {
            self.put(to, path, piece, text, writing);
        }
        true
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
}

/// A part of the sessions: above 0 and at most 1.
fn rate_of(piece: Piece, text: &str) -> Option<f64> {
    let rate: f64 = piece.raw(text).parse().ok()?;
    (rate > 0.0 && rate <= 1.0).then_some(rate)
}

/// Whether a value is the id of a session.
#[cold]
fn is_session(piece: Piece, text: &str) -> bool {
    piece.string(text).is_some_and(|id| session::is_valid(&id))
}
