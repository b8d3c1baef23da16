//! OTLP over HTTP.

mod body;
mod response;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use net::config::RequestEncodings;
use net::cors::Cors;
use net::{Authenticator, Body, Handler, Identity, Incoming, Limits, Peer};
use otlp::Signal;

use crate::answer;
use crate::intake::{Form, Intake};
use response::Failure;

/// Serves the paths of the signals.
pub(crate) struct ExportEndpoint {
    pub(crate) intake: Intake,
    pub(crate) paths: [(String, Signal); 3],
    pub(crate) cors: Option<Cors>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    /// Query parameters that the authenticator sees as headers.
    pub(crate) auth_parameters: Vec<HeaderName>,
    pub(crate) limits: Limits,
    pub(crate) encodings: RequestEncodings,
    /// Headers of every answer.
    pub(crate) headers: HeaderMap,
}

impl Handler for ExportEndpoint {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> Response<Body> {
        let mut response = self.answer(request, &peer).await;
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

impl ExportEndpoint {
    /// CORS is outermost: a preflight carries no credentials, and a browser
    /// hides every answer without these headers from the page, errors too.
    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let Some(cors) = &self.cors else {
            return self.exported(request, peer).await;
        };
        if let Some(preflight) = cors.preflight(request.method(), request.headers()) {
            return preflight;
        }
        if !request.headers().contains_key(ORIGIN) {
            return self.exported(request, peer).await;
        }
        let origin = cors.judge(request.headers());
        let mut response = self.exported(request, peer).await;
        cors.decorate(&origin, response.headers_mut());
        response
    }

    async fn exported(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let done = self.export(request, peer).await;
        done.unwrap_or_else(Failure::into_response)
    }

    async fn export(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Result<Response<Body>, Failure> {
        let (head, body) = request.into_parts();
        let form = form_of(&head.headers);
        let identity = self.identify(&head.headers, head.uri.query(), form)?;
        let signal = self.signal_at(head.uri.path())?;
        if head.method != Method::POST {
            let text = "405 method not allowed, supported: [POST]";
            return Err(Failure::plain(StatusCode::METHOD_NOT_ALLOWED, text));
        }
        let form = form.ok_or_else(|| {
            let text =
                "415 unsupported media type, supported: [application/json, application/x-protobuf]";
            Failure::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
        })?;
        let door = self.intake.door(signal);
        let encoding = self.encodings.of(&head.headers);
        let bytes = body::read(body, encoding, self.limits, door)
            .await
            .map_err(|failure| failure.answered_in(form))?;
        let authority = head.uri.authority().map(|authority| authority.as_str());
        let client = self.intake.client(peer, &head.headers, authority, identity);
        let accepted = door
            .take(form, bytes, client)
            .await
            .map_err(|status| Failure::Status(status.code.to_http(), form, status))?;
        let message = answer::success(form, signal, &accepted);
        Ok(response::typed(StatusCode::OK, form, message))
    }

    fn signal_at(&self, path: &str) -> Result<Signal, Failure> {
        self.paths
            .iter()
            .find(|(known, signal)| known == path && self.intake.takes(*signal))
            .map(|(_, signal)| *signal)
            .ok_or_else(|| {
                let text = format!("404 page not found: {path}");
                Failure::plain(StatusCode::NOT_FOUND, text)
            })
    }

    fn identify(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        form: Option<Form>,
    ) -> Result<Option<Identity>, Failure> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(None);
        };
        let outcome = match query.filter(|_| !self.auth_parameters.is_empty()) {
            Some(query) => authenticator.authenticate(&self.with_parameters(headers, query)),
            None => authenticator.authenticate(headers),
        };
        outcome
            .map(Some)
            .map_err(|error| Failure::Unauthenticated(form, error))
    }

    fn with_parameters(&self, headers: &HeaderMap, query: &str) -> HeaderMap {
        let mut headers = headers.clone();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let known = self
                .auth_parameters
                .iter()
                .find(|parameter| parameter.as_str().eq_ignore_ascii_case(&name));
            if let (Some(name), Ok(value)) = (known, HeaderValue::from_str(&value)) {
                headers.append(name.clone(), value);
            }
        }
        headers
    }
}

fn form_of(headers: &HeaderMap) -> Option<Form> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Form::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Form::Json)
    } else {
        None
    }
}
