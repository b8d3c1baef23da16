//! From the bytes of a request to the texts in it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use net::cors::Origin;
use net::{BodyError, Charge, Encoding, Incoming, InflateError, InflateLimits};

use super::route::credentials;
use super::{Endpoint, Visit, WHEN_FULL, json, one};
use crate::answer::Answer;
use crate::config::BodyEncoding;
use crate::headers::{self, Headers};
use crate::intake::{Framing, OFFLOAD_ABOVE, Source, Sources};
use crate::metrics::Reason;
use crate::wire::{self, Enclosed, Form, Unsupported};

/// Texts, and what Firehose wants to hear.
type Texts = (Sources, Option<String>);

impl Endpoint {
    /// Reads the body and takes it apart.
    pub(super) async fn sources(
        &self,
        head: &Parts,
        headers: &Headers<'_>,
        body: Incoming,
        visit: &mut Visit,
        reports: bool,
    ) -> Result<Texts, Answer> {
        let form = wire::form_of(headers.content_type).map_err(|error| self.unsupported(error))?;
        let form = if reports { Form::Reports } else { form };
        let wire = net::read(body, self.limits, &*self.budget).await;
        let (wire, charge) = wire.map_err(|error| self.unread(&error))?;
        // What another thread reads is paid for even when the client goes away.
        let wire = if wire.len() > OFFLOAD_ABOVE {
            charge.attach(wire)
        } else {
            visit.paid = charge;
            wire
        };
        let body = match self.encoding(headers.content_encoding, &wire)? {
            Some(encoding) => {
                let body = Box::pin(self.inflated(encoding, wire, self.max_inflated)).await?;
                visit.paid = Charge::none();
                body
            }
            None => wire,
        };
        if let Some(enclosed) = self.enclosed(&form, &body) {
            return Box::pin(self.open(&head.headers, enclosed, visit)).await;
        }
        self.check_origin(&visit.request)?;
        self.learn(headers, visit.address, &mut visit.request);
        self.locate(&mut visit.request.facts, visit.address, || {
            self.trusts(visit.peer).then_some(&head.headers)
        });
        let sources = self.texts(form, body, visit.query.as_deref())?;
        Ok((sources, None))
    }

    fn enclosed(&self, form: &Form, body: &Bytes) -> Option<Enclosed> {
        let can =
            matches!(form, Form::Json | Form::Sniff) && self.body_encoding != BodyEncoding::Plain;
        if !can || body.first() != Some(&b'{') {
            return None;
        }
        wire::enclosed(body)
    }

    /// The texts of a body of this form.
    fn texts(&self, form: Form, body: Bytes, query: Option<&str>) -> Result<Sources, Answer> {
        let bad = || self.parse_problem();
        let only = |body: Bytes, framing| Ok(one(Source { body, framing }));
        match form {
            Form::Reports => only(body, Framing::Reports),
            Form::Lines => only(body, Framing::Lines),
            Form::Urlencoded => {
                // `curl -d` calls everything a form.
                let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
                if matches!(first, Some(b'{' | b'[')) {
                    return only(body, Framing::Json);
                }
                let text = wire::urlencoded(&wire::text(&body)).ok_or_else(bad)?;
                Ok(one(json(text)))
            }
            Form::Multipart(boundary) => match wire::multipart(&body, &boundary) {
                Some(part) => self.maybe_base64(part.into()),
                None => Err(self.unsupported(Unsupported(
                    "multipart/form-data with anything but one part of text".into(),
                ))),
            },
            // `sendBeacon(url)`: the data are in the query, as in a pixel's.
            Form::Cmcd | Form::Json | Form::Sniff if body.is_empty() => {
                let text = query.and_then(|query| self.query(query)).ok_or_else(bad)?;
                Ok(one(json(text)))
            }
            Form::Cmcd => only(body, Framing::Cmcd),
            Form::Json => self.maybe_base64(body),
            Form::Sniff => self.sniffed(body),
        }
    }

    /// The text of JSON that a query stands for.
    pub(super) fn query(&self, query: &str) -> Option<String> {
        wire::query(query, self.intake.players(""))
    }

    /// A body without a media type: JSON, base64 of it, or a form.
    fn sniffed(&self, body: Bytes) -> Result<Sources, Answer> {
        let text = wire::text(&body);
        let first = text.trim_start().as_bytes().first().copied();
        if !matches!(first, Some(b'{' | b'[')) && text.contains('=') {
            let decoded = wire::plain_or_base64(&text, false);
            let is_json =
                decoded.is_some_and(|decoded| decoded.trim_start().starts_with(['{', '[']));
            if !is_json {
                let text = wire::urlencoded(&text).ok_or_else(|| self.parse_problem())?;
                return Ok(one(json(text)));
            }
        }
        drop(text);
        self.maybe_base64(body)
    }

    fn maybe_base64(&self, body: Bytes) -> Result<Sources, Answer> {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_plain = match self.body_encoding {
            BodyEncoding::Plain => true,
            // 0xef begins a byte order mark
            BodyEncoding::Auto => matches!(first, Some(b'{' | b'[' | b'"' | 0xef) | None),
            BodyEncoding::Base64 => false,
        };
        if is_plain {
            return Ok(one(source(body)));
        }
        let must = self.body_encoding == BodyEncoding::Base64;
        let text = wire::plain_or_base64(&wire::text(&body), must).map(|text| text.into_owned());
        text.map(|text| one(json(text)))
            .ok_or_else(|| self.parse_problem())
    }

    /// The request inside an event of an AWS service.
    async fn open(
        &self,
        outer: &HeaderMap,
        enclosed: Enclosed,
        visit: &mut Visit,
    ) -> Result<Texts, Answer> {
        if enclosed.truncated {
            self.intake.metrics.dropped(Reason::Size, 1);
            return Err(Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE).because(Reason::Size, 1));
        }
        if enclosed.bodies.len() > self.intake.max_events() {
            return Err(self.intake.too_many());
        }
        let request = &mut visit.request;
        request.broken = enclosed.broken;
        let inside = enclosed.headers.as_ref();
        let of_client = inside.unwrap_or(outer);
        // Who brings the envelope: a browser behind a trusted proxy may make one up.
        let bringer = visit.address.map(|address| SocketAddr::new(address, 0));
        let seen = enclosed.source.map(|source| SocketAddr::new(source, 0));
        let address = if self.trusts(bringer) {
            // a load balancer writes it into a header, which counts as any other
            self.addresses.of(seen.or(bringer), of_client)
        } else {
            visit.address
        };
        let headers = inside.map(Headers::of).unwrap_or_default();
        let inner = |value| headers::text(value);
        let within = enclosed
            .query
            .as_deref()
            .map(credentials)
            .unwrap_or_default();
        let key = inner(headers.api_key).or(within.key);
        request.key = request.key.take().or(key);
        let token = inner(headers.token).or(within.token);
        request.token = request.token.take().or(token);
        let query = Some(within.rest).filter(|rest| !rest.is_empty());
        request.batch = request
            .batch
            .take()
            .or_else(|| inner(headers.idempotency_key));
        request.origin = request.origin.take().or_else(|| inner(headers.origin));
        if inside.is_some_and(|inside| self.origins.judge_inside(inside) == Origin::Rejected) {
            return Err(self.wrong_origin());
        }
        self.check_origin(request)?;
        self.learn(&Headers::of(of_client), address, request);
        // The service lets headers of its peer through: that one is to be a proxy, too.
        self.locate(&mut request.facts, address, || {
            let hop = seen.or_else(|| last_hop(inside?));
            let trusted = self.trusts(bringer) && hop.is_some() && self.trusts(hop);
            trusted.then_some(of_client)
        });
        let form = wire::form_of(headers.content_type).map_err(|error| self.unsupported(error))?;
        let mut sources = Sources::new();
        // of all of them together
        let mut left = self.max_inflated;
        for body in enclosed.bodies {
            let body = match self.encoding(headers.content_encoding, &body)? {
                Some(encoding) => {
                    let body = Box::pin(self.inflated(encoding, body, left)).await?;
                    left -= body.len().min(left);
                    body
                }
                None => body,
            };
            sources.append(&mut self.texts(form.clone(), body, None)?);
        }
        if sources.is_empty()
            && let Some(query) = &query
            && let Some(text) = self.query(query)
        {
            sources.push(json(text));
        }
        if sources.is_empty() && enclosed.broken == 0 {
            return Err(self.parse_problem());
        }
        Ok((sources, enclosed.request_id))
    }

    fn encoding(
        &self,
        header: Option<&HeaderValue>,
        wire: &Bytes,
    ) -> Result<Option<Encoding>, Answer> {
        wire::encoding_of(header, wire).map_err(|error| self.unsupported(error))
    }

    /// The body, which may have `limit` bytes.
    async fn inflated(
        &self,
        encoding: Encoding,
        wire: Bytes,
        limit: usize,
    ) -> Result<Bytes, Answer> {
        let limits = InflateLimits::new(limit);
        let inflated = if wire.len() > OFFLOAD_ABOVE {
            let budget = Arc::clone(&self.budget);
            let work = move || net::inflate(encoding, &wire, limits, &*budget);
            match tokio::task::spawn_blocking(work).await {
                Ok(inflated) => inflated,
                Err(_) => {
                    let stopping = Answer::refusal(StatusCode::SERVICE_UNAVAILABLE);
                    return Err(stopping.after(Some(WHEN_FULL)));
                }
            }
        } else {
            net::inflate(encoding, &wire, limits, &*self.budget)
        };
        inflated.map_err(|error| match error {
            InflateError::TooLarge { .. } | InflateError::Bomb { .. } => self.too_large(&error),
            InflateError::Broken { .. } => self.parse_problem(),
            InflateError::Refused(refused) => self.full(refused.after),
        })
    }

    fn unread(&self, error: &BodyError) -> Answer {
        match error {
            BodyError::TooLarge { .. } => self.too_large(error),
            BodyError::TooSlow { .. } => Answer::refusal(StatusCode::REQUEST_TIMEOUT),
            BodyError::Aborted { .. } => self.parse_problem(),
            BodyError::Refused(refused) => self.full(refused.after),
        }
    }

    fn too_large(&self, error: &dyn std::fmt::Display) -> Answer {
        self.intake.metrics.dropped(Reason::Size, 1);
        let answer = Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE).because(Reason::Size, 1);
        answer.text(error.to_string())
    }

    pub(super) fn full(&self, after: Option<std::time::Duration>) -> Answer {
        self.intake.metrics.dropped(Reason::Refused, 1);
        Answer::refusal(StatusCode::SERVICE_UNAVAILABLE)
            .because(Reason::Refused, 1)
            .after(Some(after.unwrap_or(WHEN_FULL)))
    }

    fn unsupported(&self, error: Unsupported) -> Answer {
        self.intake.metrics.dropped(Reason::Parse, 1);
        Answer::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .because(Reason::Parse, 1)
            .text(format!("not read here: {}", error.0))
    }
}

/// Whom a load balancer has seen: it says so behind what was said before.
fn last_hop(headers: &HeaderMap) -> Option<SocketAddr> {
    let lines = headers.get_all("x-forwarded-for");
    let last = lines
        .iter()
        .next_back()?
        .to_str()
        .ok()?
        .rsplit(',')
        .next()?;
    let address = last.trim().parse().ok()?;
    Some(SocketAddr::new(address, 0))
}

fn source(body: Bytes) -> Source {
    Source {
        body,
        framing: Framing::Json,
    }
}
