//! OTLP over HTTP.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use net::cors::{Cors, Origin};
use net::{
    Authenticator, Body, BodyError, Budget, Code, Encoding, Handler, Identity, Incoming,
    InflateError, InflateLimits, Limits, Peer, Status,
};
use otlp::Signal;

use crate::answer;
use crate::intake::{Form, Intake};

/// Inflating above this size happens off the threads that serve sockets.
const OFFLOAD_ABOVE: usize = net::inflate::OFFLOAD_ABOVE;

/// Serves the paths of the signals.
pub(crate) struct ExportEndpoint {
    pub(crate) intake: Intake,
    pub(crate) budget: Arc<dyn Budget>,
    pub(crate) paths: [(String, Signal); 3],
    pub(crate) cors: Option<Cors>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    /// Query parameters that the authenticator sees as headers.
    pub(crate) auth_parameters: Vec<HeaderName>,
    pub(crate) limits: Limits,
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) headers: HeaderMap,
}

/// An answer that is no OTLP message.
struct Plain(StatusCode, String);

/// What goes wrong before, and after, the form of the answer is known.
enum Failure {
    Plain(Plain),
    Status(Form, Status),
    TooLarge(Form, String),
}

impl Handler for ExportEndpoint {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> Response<Body> {
        let Some(cors) = &self.cors else {
            return self.answer(request, &peer).await;
        };
        if let Some(preflight) = cors.preflight(request.method(), request.headers()) {
            return self.dressed(preflight);
        }
        let origin = cors.judge(request.headers());
        if origin == Origin::Rejected {
            tracing::debug!(origin = ?request.headers().get("origin"), "Request of an origin that cors does not allow");
        }
        let mut response = self.answer(request, &peer).await;
        cors.decorate(&origin, response.headers_mut());
        response
    }
}

impl ExportEndpoint {
    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Response<Body> {
        let response = match self.export(request, peer).await {
            Ok(response) => response,
            Err(Failure::Plain(Plain(status, text))) => plain(status, text),
            Err(Failure::Status(form, status)) => failed(form, status.code.to_http(), &status),
            Err(Failure::TooLarge(form, why)) => failed(
                form,
                StatusCode::PAYLOAD_TOO_LARGE,
                &Status::new(Code::ResourceExhausted, why),
            ),
        };
        self.dressed(response)
    }

    fn dressed(&self, mut response: Response<Body>) -> Response<Body> {
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }

    async fn export(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Result<Response<Body>, Failure> {
        let (head, body) = request.into_parts();
        let identity = self.authenticated(&head.headers, head.uri.query())?;
        let path = head.uri.path();
        let signal = self
            .paths
            .iter()
            .find(|(known, signal)| known == path && self.intake.takes(*signal));
        let Some((_, signal)) = signal else {
            return Err(Failure::Plain(Plain(
                StatusCode::NOT_FOUND,
                format!("404 page not found: {path}"),
            )));
        };
        if head.method != Method::POST {
            let text = "405 method not allowed, supported: [POST]".to_owned();
            return Err(Failure::Plain(Plain(StatusCode::METHOD_NOT_ALLOWED, text)));
        }
        let form = form_of(&head.headers).map_err(Failure::Plain)?;
        let announced = head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let probed = self.intake.probe(*signal, announced.unwrap_or(0));
        probed.map_err(|status| Failure::Status(form, status))?;
        let bytes = self.read(form, &head.headers, body).await?;
        let client = self.intake.client(
            peer.address.map(|address| address.ip()),
            &head.headers,
            identity,
        );
        let taken = self.intake.take(*signal, form, bytes, client).await;
        let accepted = taken.map_err(|status| Failure::Status(form, status))?;
        Ok(typed(
            StatusCode::OK,
            form,
            answer::success(form, *signal, &accepted),
        ))
    }

    fn authenticated(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Result<Option<Identity>, Failure> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(None);
        };
        let outcome = if self.auth_parameters.is_empty() {
            authenticator.authenticate(headers)
        } else {
            authenticator.authenticate(&self.with_parameters(headers, query.unwrap_or_default()))
        };
        outcome
            .map(Some)
            .map_err(|error| Failure::Plain(Plain(StatusCode::UNAUTHORIZED, error.why.to_string())))
    }

    fn with_parameters(&self, headers: &HeaderMap, query: &str) -> HeaderMap {
        let mut headers = headers.clone();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let known = self
                .auth_parameters
                .iter()
                .find(|parameter| parameter.as_str() == name);
            if let (Some(name), Ok(value)) = (known, HeaderValue::from_str(value)) {
                headers.append(name.clone(), value);
            }
        }
        headers
    }

    /// Reads and inflates the body within the limits.
    async fn read(
        &self,
        form: Form,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Bytes, Failure> {
        let bad = |why: String| Failure::Status(form, Status::new(Code::InvalidArgument, why));
        let encoding = match headers.get(CONTENT_ENCODING) {
            None => None,
            Some(value) => {
                let name = value.to_str().unwrap_or("?");
                let known = Encoding::from_http(name).ok().flatten();
                match known.filter(|encoding| self.encodings.contains(encoding)) {
                    None if name.is_empty() || name.eq_ignore_ascii_case("identity") => None,
                    None => return Err(bad(format!("unsupported Content-Encoding: {name}"))),
                    known => known,
                }
            }
        };
        let wire = net::collect(body, self.limits, &*self.budget)
            .await
            .map_err(|error| match error {
                BodyError::TooLarge { .. } => Failure::TooLarge(form, error.to_string()),
                BodyError::TooSlow { .. } => {
                    Failure::Plain(Plain(StatusCode::REQUEST_TIMEOUT, error.to_string()))
                }
                BodyError::Aborted { .. } => bad(error.to_string()),
                BodyError::Refused(refused) => Failure::Status(form, refused.into()),
            })?;
        let Some(encoding) = encoding else {
            return Ok(wire);
        };
        let limits = InflateLimits::new(self.limits.wire);
        let inflated = if wire.len() > OFFLOAD_ABOVE {
            let budget = Arc::clone(&self.budget);
            let work = move || net::inflate(encoding, &wire, limits, &*budget);
            tokio::task::spawn_blocking(work)
                .await
                .map_err(|error| bad(error.to_string()))?
        } else {
            net::inflate(encoding, &wire, limits, &*self.budget)
        };
        inflated.map_err(|error| match error {
            InflateError::TooLarge { .. } | InflateError::Bomb { .. } => {
                Failure::TooLarge(form, error.to_string())
            }
            InflateError::Broken { .. } => bad(error.to_string()),
            InflateError::Refused(refused) => Failure::Status(form, refused.into()),
        })
    }
}

fn form_of(headers: &HeaderMap) -> Result<Form, Plain> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Ok(Form::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Ok(Form::Json)
    } else {
        let text =
            "415 unsupported media type, supported: [application/json, application/x-protobuf]";
        Err(Plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text.to_owned()))
    }
}

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn typed(status: StatusCode, form: Form, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let kind = match form {
        Form::Protobuf => "application/x-protobuf",
        Form::Json => "application/json",
    };
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn failed(form: Form, http: StatusCode, status: &Status) -> Response<Body> {
    let mut response = typed(http, form, answer::failure(form, status));
    if let Some(after) = status.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, net::status::write_retry_after(after));
    }
    response
}
