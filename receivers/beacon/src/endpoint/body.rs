//! From the bytes of a request to the texts in it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use net::{BodyError, Incoming, InflateError, InflateLimits};

use super::{Endpoint, Visit, WHEN_FULL, json, origin_of};
use crate::answer::Answer;
use crate::config::BodyEncoding;
use crate::intake::{self, Framing, Source};
use crate::metrics::Reason;
use crate::wire::{self, Enclosed, Form, Unsupported};

/// Texts, what is known of the request, and what Firehose wants to hear.
type Texts = (Vec<Source>, intake::Request, Option<String>);

impl Endpoint {
    /// Reads the body and takes it apart.
    pub(super) async fn sources(
        &self,
        head: &Parts,
        body: Incoming,
        mut visit: Visit,
        reports: bool,
    ) -> Result<Texts, Answer> {
        let form = wire::form_of(&head.headers).map_err(|error| self.unsupported(error))?;
        let form = if reports { Form::Reports } else { form };
        let wire = net::collect(body, self.limits, &*self.budget).await;
        let wire = wire.map_err(|error| self.unread(&error))?;
        let body = self.inflated(&head.headers, wire).await?;
        let (headers, received) = (&head.headers, visit.request.received);
        if let Some(enclosed) = self.enclosed(&form, &body) {
            return self.open(headers, enclosed, visit).await;
        }
        visit.request.facts = self.facts(headers, visit.address, received);
        let query = head.uri.query();
        let sources = self.texts(form, body, query)?;
        Ok((sources, visit.request, None))
    }

    fn enclosed(&self, form: &Form, body: &Bytes) -> Option<Enclosed> {
        let can =
            matches!(form, Form::Json | Form::Sniff) && self.body_encoding != BodyEncoding::Plain;
        if !can || body.first() != Some(&b'{') {
            return None;
        }
        wire::enclosed(std::str::from_utf8(body).ok()?)
    }

    /// The texts of a body of this form.
    fn texts(&self, form: Form, body: Bytes, query: Option<&str>) -> Result<Vec<Source>, Answer> {
        let bad = || self.parse_problem();
        let one = |body: Bytes, framing| Ok(vec![Source { body, framing }]);
        match form {
            Form::Reports => one(body, Framing::Reports),
            Form::Lines => one(body, Framing::Lines),
            Form::Urlencoded => {
                // `curl -d` calls everything a form.
                let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
                if matches!(first, Some(b'{' | b'[')) {
                    return one(body, Framing::Json);
                }
                let text = wire::urlencoded(&wire::text(&body)).ok_or_else(bad)?;
                Ok(vec![json(text)])
            }
            Form::Multipart(boundary) => match wire::multipart(&body, &boundary) {
                Some(part) => self.maybe_base64(part.into()),
                None => Err(self.unsupported(Unsupported(
                    "multipart/form-data with anything but one part of text".into(),
                ))),
            },
            // `sendBeacon(url)`: the data are in the query, as in a pixel's.
            Form::Json | Form::Sniff if body.is_empty() => {
                let text = query.and_then(wire::urlencoded).ok_or_else(bad)?;
                Ok(vec![json(text)])
            }
            Form::Json => self.maybe_base64(body),
            Form::Sniff => self.sniffed(body),
        }
    }

    /// A body without a media type: JSON, base64 of it, or a form.
    fn sniffed(&self, body: Bytes) -> Result<Vec<Source>, Answer> {
        let text = wire::text(&body);
        let first = text.trim_start().as_bytes().first().copied();
        if !matches!(first, Some(b'{' | b'[')) && text.contains('=') {
            let decoded = wire::plain_or_base64(&text, false);
            let is_json =
                decoded.is_some_and(|decoded| decoded.trim_start().starts_with(['{', '[']));
            if !is_json {
                let text = wire::urlencoded(&text).ok_or_else(|| self.parse_problem())?;
                return Ok(vec![json(text)]);
            }
        }
        drop(text);
        self.maybe_base64(body)
    }

    fn maybe_base64(&self, body: Bytes) -> Result<Vec<Source>, Answer> {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_plain = match self.body_encoding {
            BodyEncoding::Plain => true,
            // 0xef begins a byte order mark
            BodyEncoding::Auto => matches!(first, Some(b'{' | b'[' | b'"' | 0xef) | None),
            BodyEncoding::Base64 => false,
        };
        if is_plain {
            return Ok(vec![source(body)]);
        }
        let must = self.body_encoding == BodyEncoding::Base64;
        let text = wire::plain_or_base64(&wire::text(&body), must).map(|text| text.into_owned());
        text.map(|text| vec![json(text)])
            .ok_or_else(|| self.parse_problem())
    }

    /// The request inside an event of an AWS service.
    async fn open(
        &self,
        outer: &HeaderMap,
        enclosed: Enclosed,
        mut visit: Visit,
    ) -> Result<Texts, Answer> {
        if enclosed.truncated {
            self.intake.metrics.dropped(Reason::Size, 1);
            return Err(Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE).because(Reason::Size, 1));
        }
        let request = &mut visit.request;
        request.broken = enclosed.broken;
        let peer = self.peer_inside(visit.peer, &enclosed);
        let headers = enclosed.headers.as_ref();
        let inner = headers.unwrap_or(outer);
        let address = self.addresses.of(peer, inner);
        request.facts = self.facts(inner, address, request.received);
        if request.origin.is_none() {
            request.origin = headers.and_then(origin_of);
        }
        let empty = HeaderMap::new();
        let headers = headers.unwrap_or(&empty);
        let form = wire::form_of(headers).map_err(|error| self.unsupported(error))?;
        let mut sources = Vec::new();
        for body in enclosed.bodies {
            let body = self.inflated(headers, body).await?;
            sources.append(&mut self.texts(form.clone(), body, None)?);
        }
        if sources.is_empty()
            && let Some(text) = enclosed.query.as_deref().and_then(wire::urlencoded)
        {
            sources.push(json(text));
        }
        if sources.is_empty() && enclosed.broken == 0 {
            return Err(self.parse_problem());
        }
        Ok((sources, visit.request, enclosed.request_id))
    }

    /// The address that the service saw, believed only when the one who
    /// forwards it is.
    fn peer_inside(&self, peer: Option<SocketAddr>, enclosed: &Enclosed) -> Option<SocketAddr> {
        let source = enclosed.source?;
        let trusted = |peer: &SocketAddr| {
            let ip = peer.ip().to_canonical();
            self.trusted.iter().any(|network| network.contains(&ip))
        };
        // without an address it is a socket of this machine
        if peer.as_ref().is_none_or(trusted) {
            return Some(SocketAddr::new(source, 0));
        }
        peer
    }

    async fn inflated(&self, headers: &HeaderMap, wire: Bytes) -> Result<Bytes, Answer> {
        let encoding =
            wire::encoding_of(headers, &wire).map_err(|error| self.unsupported(error))?;
        let Some(encoding) = encoding else {
            return Ok(wire);
        };
        let limits = InflateLimits::new(self.max_inflated);
        let inflated = if wire.len() > net::inflate::OFFLOAD_ABOVE {
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

fn source(body: Bytes) -> Source {
    Source {
        body,
        framing: Framing::Json,
    }
}
