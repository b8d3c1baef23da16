//! OTLP over HTTP.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use net::compress::OFFLOAD_ABOVE;
use net::status::{http_retryable, read_retry_after};
use net::{Body, Encoding, HttpClient, HttpError};
use otlp::Payload;
use pipeline::Clock;

use crate::answer::{self, Answer};
use crate::config::Encoding as Form;
use crate::deliver::Wire;
use crate::size;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// So much of an answer in plain text is worth a log line.
const MAX_EXCERPT: usize = 200;

/// The URL of one signal.
pub(crate) struct HttpWire {
    pub(crate) client: HttpClient,
    pub(crate) url: Uri,
    pub(crate) form: Form,
    pub(crate) compression: Option<Encoding>,
    pub(crate) level: Option<i32>,
    pub(crate) clock: Clock,
}

impl Wire for HttpWire {
    async fn send(&self, payload: &Payload) -> Answer {
        let pieces = match self.body(payload).await {
            Ok(pieces) => pieces,
            Err(why) => return Answer::Later { after: None, why },
        };
        let mut request = Request::new(Body::rope(pieces));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.clone();
        let media_type = match self.form {
            Form::Proto => PROTOBUF,
            Form::Json => JSON,
        };
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(encoding) = self.compression {
            let name = HeaderValue::from_static(encoding.name());
            headers.insert(CONTENT_ENCODING, name);
        }
        match self.client.send(request).await {
            Ok(response) => self.judge(&response),
            Err(HttpError::Answer { status, why, .. }) if status.is_success() => unreadable(&why),
            Err(HttpError::Answer { status, .. }) if size::refuses_body(status, "") => {
                Answer::TooLarge(format!("{} answered {status}", self.url))
            }
            Err(error) if error.retryable() => Answer::Later {
                after: None,
                why: error.to_string(),
            },
            Err(error) => Answer::Never(error.to_string()),
        }
    }
}

impl HttpWire {
    /// The bytes of a request. Large ones are made on a thread of their own, so
    /// that sockets do not wait for them.
    async fn body(&self, payload: &Payload) -> Result<Vec<Bytes>, String> {
        let (form, compression, level) = (self.form, self.compression, self.level);
        let plain = compression.is_none() && form == Form::Proto;
        if plain || payload.size() <= OFFLOAD_ABOVE {
            return pack(payload, form, compression, level);
        }
        let payload = payload.clone();
        let packed =
            tokio::task::spawn_blocking(move || pack(&payload, form, compression, level)).await;
        packed.unwrap_or_else(|error| Err(format!("cannot encode: {error}")))
    }

    fn judge(&self, response: &Response<Bytes>) -> Answer {
        let (status, headers, body) = (response.status(), response.headers(), response.body());
        if status.is_success() {
            let taken = match media_type(headers) {
                Some(PROTOBUF) => answer::protobuf(body),
                Some(JSON) => answer::json(body),
                // others say nothing about records, as upstream takes it
                _ => Ok(answer::Taken::default()),
            };
            return taken.map_or_else(|why| unreadable(&why), Answer::Taken);
        }
        let why = self.reason(status, headers, body);
        if size::refuses_body(status, &why) {
            return Answer::TooLarge(why);
        }
        match http_retryable(status) {
            true => Answer::Later {
                after: self.retry_after(headers),
                why,
            },
            false => Answer::Never(why),
        }
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        let now = UNIX_EPOCH + Duration::from_nanos(self.clock.unix_nano());
        read_retry_after(headers, now)
    }

    /// `URL answered 400 Bad Request: what the body says`.
    fn reason(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) -> String {
        let said = match media_type(headers) {
            Some(PROTOBUF) => net::grpc::decode_status(body).map(|status| status.message),
            Some(JSON) => serde_json::from_slice::<serde_json::Value>(body)
                .ok()
                .and_then(|body| body.get("message")?.as_str().map(str::to_owned)),
            Some(text) if text.starts_with("text/plain") => {
                Some(String::from_utf8_lossy(body).into_owned())
            }
            _ => None,
        };
        let said: String = said
            .unwrap_or_default()
            .trim()
            .chars()
            .take(MAX_EXCERPT)
            .collect();
        let url = &self.url;
        match (said.is_empty(), status.is_redirection()) {
            (false, _) => format!("{url} answered {status}: {said}"),
            (true, true) => format!("{url} answered {status}: redirects are not followed"),
            (true, false) => format!("{url} answered {status}"),
        }
    }
}

fn pack(
    payload: &Payload,
    form: Form,
    compression: Option<Encoding>,
    level: Option<i32>,
) -> Result<Vec<Bytes>, String> {
    let pieces: Vec<Bytes> = match form {
        Form::Proto => payload.segments().cloned().collect(),
        Form::Json => {
            let mut text = Vec::new();
            otlp::json::write(payload, &mut text);
            vec![text.into()]
        }
    };
    match compression {
        None => Ok(pieces),
        Some(encoding) => net::compress(encoding, level, &pieces)
            .map(|packed| vec![packed])
            .map_err(|error| error.to_string()),
    }
}

/// Sending it again could store it twice.
fn unreadable(why: &str) -> Answer {
    Answer::Never(format!(
        "the answer cannot be read, what was sent may be stored: {why}"
    ))
}

/// The media type without its parameters.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
