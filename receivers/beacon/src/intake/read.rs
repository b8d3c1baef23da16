//! The synchronous part: no waiting, one pass over every text.

use std::cell::{OnceCell, RefCell};

use http::StatusCode;
use otlp::Value;
use otlp::write::{LogsWriter, ResourceWriter};

use super::gather::Place;
use super::{Framing, Intake, OFFLOAD_ABOVE, Read, Request, Source, Taken};
use crate::admission::{Shown, Site};
use crate::answer::Answer;
use crate::config::{Bots, Signal};
use crate::event::{Drop, Fields};
use crate::frames::{Envelope, Frames, Unreadable, frames};
use crate::json::{MAX_TEXT, Writing};
use crate::metrics::Reason;
use crate::record::{self, Context, Written};
use crate::session::{OfRequest, Session};
use crate::times::ClientClock;
use crate::wire;

/// What is used again for every request of a thread.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) writer: LogsWriter,
    pub(super) fields: Fields,
    pub(super) text: String,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What is added up over the texts of a request.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) dropped: Vec<(Reason, usize)>,
    pub(super) truncated: usize,
    pub(super) batch: Option<String>,
    pub(super) events: usize,
    /// The request has one small text and no other loss: if it is an event alone, it
    /// goes on with those of other requests.
    pub(super) is_alone: bool,
    pub(super) gathered: Option<Place>,
    /// The session that begins with this request, which an event says.
    pub(super) begun: Option<Session>,
}

impl Sum {
    pub(super) fn drop(&mut self, reason: Reason, events: usize) {
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += events,
            None => self.dropped.push((reason, events)),
        }
    }
}

impl Intake {
    /// Reads all texts of a request into one payload, an event alone into one that
    /// it shares with those of other requests.
    pub(super) fn read(&self, sources: &[Source], request: &Request) -> Result<Taken, Answer> {
        SCRATCH.with_borrow_mut(|scratch| {
            let is_small = matches!(sources, [one] if one.body.len() <= OFFLOAD_ABOVE);
            let mut sum = Sum {
                is_alone: is_small
                    && request.broken == 0
                    && self.outlet.is_some()
                    && !self.tells_sessions(),
                ..Sum::default()
            };
            if request.broken > 0 {
                sum.drop(Reason::Parse, request.broken);
            }
            for source in sources {
                let text = wire::text(&source.body);
                let read = self.source(&text, source.framing, request, scratch, &mut sum);
                if let Err(answer) = read {
                    // What was written of this request must not be in the next one.
                    drop(scratch.writer.finish());
                    self.untold(sum.begun.as_ref());
                    return Err(answer);
                }
            }
            if let Some(place) = sum.gathered {
                return Ok(Taken::Gathered(place));
            }
            for (reason, events) in &sum.dropped {
                self.metrics.dropped(*reason, *events);
            }
            Ok(Taken::Whole(Read {
                payload: scratch.writer.finish(),
                dropped: sum.dropped,
                truncated: sum.truncated,
                batch: sum.batch,
                begun: sum.begun,
            }))
        })
    }

    fn source(
        &self,
        text: &str,
        framing: Framing,
        request: &Request,
        scratch: &mut Scratch,
        sum: &mut Sum,
    ) -> Result<(), Answer> {
        if text.len() >= MAX_TEXT {
            return Err(self.too_many());
        }
        if scratch.writer.size() > self.max_payload {
            return Err(self.too_large());
        }
        match framing {
            Framing::Reports => return self.reports(text, request, scratch, sum),
            Framing::Cmcd => return self.cmcd(text, request, scratch, sum),
            Framing::Json | Framing::Lines => {}
        }
        let lines = framing == Framing::Lines;
        // most are one event, and to find that out is to read it
        let is_read = !lines && scratch.fields.read_alone(text, self.shape);
        let frames = if is_read {
            Frames::one(text)
        } else {
            frames(text, lines, self.shape).map_err(|error| self.unreadable(error))?
        };
        let batch = frames.batch.unwrap_or_default();
        let key = request.key.as_deref().or(batch.key.as_deref());
        let site = self.open(key, batch.token.as_deref(), request)?;
        self.counted(frames.events.len(), sum)?;
        if let Some(name) = request.batch.as_deref().or(batch.id.as_deref()) {
            sum.batch = Some(batch_name(key, name));
        }
        if batch.lost > 0 {
            self.metrics.client_lost(batch.lost);
        }
        if let Some(reason) = self.unwanted(request) {
            sum.drop(reason, frames.events.len());
            return Ok(());
        }
        let clock = ClientClock::new(request.received, batch.sent_at.as_deref());
        if let Some(skew) = clock.skew {
            self.metrics.skew(skew as f64 / 1e9);
        }
        let session = self.session(site, request);
        let context = Context {
            defaults: batch.defaults.as_ref(),
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            session: session.as_ref(),
            ..self.context(clock, request, site)
        };
        if is_read && is_left_out(site, &scratch.fields, text, &context) {
            sum.drop(Reason::Sampled, 1);
            return Ok(());
        }
        if is_read && sum.is_alone && sum.batch.is_none() {
            let (fields, escaped) = (&scratch.fields, &mut scratch.text);
            let write = |writer: &mut _| self.write(text, &context, fields, escaped, writer);
            sum.gathered = Some(self.gathering.add(site, write));
            return Ok(());
        }
        self.resource(site, &batch, &context, scratch);
        if is_read {
            self.write_into(scratch, text, &context, sum);
            return Ok(());
        }
        for event in &frames.events {
            self.event(event, site, &context, scratch, sum)?;
        }
        Ok(())
    }

    pub(super) fn context<'r>(
        &'r self,
        clock: ClientClock,
        request: &'r Request,
        site: Option<&'r Site>,
    ) -> Context<'r> {
        Context {
            rules: site.and_then(|site| site.rules.as_ref()),
            sample_rate: site.and_then(|site| Some(site.sample?.rate)),
            session: None,
            urls: &self.urls,
            max_fields: self.shape.fields,
            clock,
            facts: &request.facts,
            timestamps: self.timestamps,
            tag: self.bots == Bots::Tag,
            trusted: site.map_or(&*self.trusted, |site| &*site.trusted),
            geo: self.geo,
            defaults: None,
            text: "",
            severity: None,
        }
    }

    /// The session of the client, where the server keeps them.
    pub(super) fn session<'r>(
        &'r self,
        site: Option<&'r Site>,
        request: &'r Request,
    ) -> Option<OfRequest<'r>> {
        Some(OfRequest {
            sessions: self.sessions.as_ref()?,
            site: site.map_or("", |site| &site.name),
            facts: &request.facts,
            now: request.received,
            found: OnceCell::new(),
        })
    }

    pub(super) fn open(
        &self,
        key: Option<&str>,
        token: Option<&str>,
        request: &Request,
    ) -> Result<Option<&Site>, Answer> {
        let opened = self.keys.open(Shown {
            key,
            token: request.token.as_deref().or(token),
            origin: request.origin.as_deref(),
            referer: request.facts.referer.as_ref(),
            now: request.received,
        });
        opened.map_err(|problem| self.key_problem(problem))
    }

    pub(super) fn counted(&self, events: usize, sum: &mut Sum) -> Result<(), Answer> {
        sum.events += events;
        if sum.events > self.max_events {
            return Err(self.too_many());
        }
        Ok(())
    }

    /// Why nothing of this client is wanted.
    pub(super) fn unwanted(&self, request: &Request) -> Option<Reason> {
        let facts = &request.facts;
        if facts.prerender {
            return Some(Reason::Prerender);
        }
        if facts.wish == Signal::Drop {
            return Some(Reason::Privacy);
        }
        (self.bots == Bots::Drop && facts.synthetic.is_some()).then_some(Reason::Bot)
    }

    pub(super) fn event(
        &self,
        text: &str,
        site: Option<&Site>,
        context: &Context<'_>,
        scratch: &mut Scratch,
        sum: &mut Sum,
    ) -> Result<(), Answer> {
        if scratch.writer.size() > self.max_payload {
            return Err(self.too_large());
        }
        match scratch.fields.read(text, self.shape) {
            Ok(()) if is_left_out(site, &scratch.fields, text, context) => {
                sum.drop(Reason::Sampled, 1);
            }
            Ok(()) => self.write_into(scratch, text, context, sum),
            Err(Drop::Parse) => sum.drop(Reason::Parse, 1),
            Err(Drop::Depth) => sum.drop(Reason::Depth, 1),
        }
        Ok(())
    }

    /// Writes the record of the event that was read last, from `text`.
    fn write_into(&self, scratch: &mut Scratch, text: &str, context: &Context<'_>, sum: &mut Sum) {
        let Scratch {
            writer,
            fields,
            text: escaped,
        } = scratch;
        if self.tells_sessions() && sum.begun.is_none() {
            let mut writing = Writing {
                limits: self.limits,
                scratch: escaped,
                cut: 0,
            };
            sum.begun = begun(fields, text, context, writer, &mut writing);
        }
        sum.truncated += usize::from(self.write(text, context, fields, escaped, writer));
    }

    /// Writes the record of the event whose `fields` were read from `text`; says
    /// whether it was cut.
    pub(super) fn write(
        &self,
        text: &str,
        context: &Context<'_>,
        fields: &Fields,
        escaped: &mut String,
        writer: &mut LogsWriter,
    ) -> bool {
        let mut writing = Writing {
            limits: self.limits,
            scratch: escaped,
            cut: 0,
        };
        let mut written = Written::default();
        writer.record(|log| written = record::write(log, fields, text, context, &mut writing));
        self.metrics.written(&written);
        written.truncated
    }

    /// Starts a resource where there is something to say about it, or where
    /// an earlier text of the same request had one.
    pub(super) fn resource(
        &self,
        site: Option<&Site>,
        batch: &Envelope<'_>,
        context: &Context<'_>,
        scratch: &mut Scratch,
    ) {
        let attributes = site
            .map(|site| site.attributes.as_slice())
            .unwrap_or_default();
        if attributes.is_empty() && batch.resource.is_none() && scratch.writer.items() == 0 {
            return;
        }
        let text = batch.resource.unwrap_or_default();
        // without one, the event that was read stays
        let read = batch.resource.is_some() && scratch.fields.read(text, self.shape).is_ok();
        let mut writing = Writing {
            limits: self.limits,
            scratch: &mut scratch.text,
            cut: 0,
        };
        let fields = &scratch.fields;
        let mut denied = 0;
        scratch.writer.resource(|resource| {
            own_attributes(resource, attributes);
            for (path, piece) in fields.leaves.iter().filter(|_| read) {
                if attributes.iter().any(|(name, _)| name == path) {
                    continue;
                }
                let may = context.resource_attribute(resource, path, *piece, text, &mut writing);
                denied += usize::from(!may);
            }
        });
        self.metrics.denied(denied);
    }

    pub(super) fn unreadable(&self, error: Unreadable) -> Answer {
        self.metrics.dropped(Reason::Parse, 1);
        self.receiver.failed(otlp::Signal::Logs, 1);
        let mut answer = Answer::refusal(StatusCode::BAD_REQUEST).because(Reason::Parse, 1);
        if self.explains() {
            let message = format!("at byte {}: expected {}", error.at, error.expected);
            answer.json = Some(serde_json::json!({ "error": message }).to_string());
        }
        answer
    }

    fn too_large(&self) -> Answer {
        self.metrics.dropped(Reason::Size, 1);
        let text = format!(
            "the events of one request would take more than {} bytes",
            self.max_payload
        );
        Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE)
            .because(Reason::Size, 1)
            .text(text)
    }

    pub(crate) fn too_many(&self) -> Answer {
        self.metrics.dropped(Reason::Size, 1);
        let text = format!("more than {} events in one request", self.max_events);
        Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE)
            .because(Reason::Size, 1)
            .text(text)
    }
}

/// Names a batch among those of all sites.
pub(super) fn batch_name(key: Option<&str>, name: &str) -> String {
    format!("{}\0{name}", key.unwrap_or_default())
}

/// Whether an event belongs to the part of the sessions that the site does not keep.
pub(super) fn is_left_out(
    site: Option<&Site>,
    fields: &Fields,
    text: &str,
    context: &Context<'_>,
) -> bool {
    let Some(sample) = site.and_then(|site| site.sample.as_ref()) else {
        return false;
    };
    let own = context.own_session(fields, text);
    let kept = || Some(&*context.session?.get()?.id);
    !sample.keeps(own.as_deref().or_else(kept), context.facts)
}

/// Writes that a session begins, if it does with this event.
fn begun(
    fields: &Fields,
    text: &str,
    context: &Context<'_>,
    writer: &mut LogsWriter,
    writing: &mut Writing<'_>,
) -> Option<Session> {
    if context.own_session(fields, text).is_some() {
        return None;
    }
    let session = context.session?.get().filter(|session| session.begins)?;
    writer.record(|log| record::write_start(log, session, fields, text, context, writing));
    Some(session.clone())
}

pub(super) fn own_attributes(resource: &mut ResourceWriter<'_>, attributes: &[(String, String)]) {
    for (name, value) in attributes {
        resource.attribute(name, Value::String(value));
    }
}
