//! Answers of the HTTP server.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use net::{Body, Code, Status, Unauthenticated};

use crate::answer;
use crate::intake::Form;

/// Why a request is not taken.
pub(super) enum Failure {
    /// Not OTLP at all: told in words.
    Plain(StatusCode, Cow<'static, str>),
    /// Told as a `google.rpc.Status` in the encoding of the request.
    Status(StatusCode, Form, Status),
    /// Told in the encoding of the request, where it is a known one.
    Unauthenticated(Option<Form>, Unauthenticated),
}

impl Failure {
    pub(super) fn plain(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Plain(status, text.into())
    }

    pub(super) fn into_response(self) -> Response<Body> {
        match self {
            Failure::Plain(status, text) => plain(status, text),
            Failure::Status(http, form, status) => failed(http, form, &status),
            Failure::Unauthenticated(form, error) => unauthorized(form, error),
        }
    }
}

/// An OTLP message, or a status in its place.
pub(super) fn typed(status: StatusCode, form: Form, message: Bytes) -> Response<Body> {
    let kind = match form {
        Form::Protobuf => "application/x-protobuf",
        Form::Json => "application/json",
    };
    answered(status, kind, Body::from(message))
}

fn plain(status: StatusCode, text: Cow<'static, str>) -> Response<Body> {
    let body = Body::from(text.into_owned());
    let mut response = answered(status, "text/plain; charset=utf-8", body);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn failed(http: StatusCode, form: Form, status: &Status) -> Response<Body> {
    let mut response = typed(http, form, answer::failure(form, status));
    if let Some(after) = status.retry_after {
        let after = net::status::write_retry_after(after);
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    response
}

fn unauthorized(form: Option<Form>, error: Unauthenticated) -> Response<Body> {
    let mut response = match form {
        Some(form) => {
            let status = Status::new(Code::Unauthenticated, error.why);
            failed(StatusCode::UNAUTHORIZED, form, &status)
        }
        None => plain(StatusCode::UNAUTHORIZED, error.why.into()),
    };
    if let Some(challenge) = error.challenge {
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn answered(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
