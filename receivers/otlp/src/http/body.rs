//! Reading and inflating a body within the limits.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use net::inflate::OFFLOAD_ABOVE;
use net::{
    BodyError, Code, Encoding, Incoming, InflateError, InflateLimits, Limits, Status,
    UnknownEncoding,
};

use super::response::Failure;
use crate::door::Door;
use crate::intake::Form;

/// A body that was not read, before it is known how the sender wants to be told.
pub(super) enum Unread {
    /// The sender's fault: 400.
    Bad(String),
    /// Larger than the limit: 413.
    TooLarge(String),
    /// Not there in time: 408.
    TooSlow(String),
    /// No room now: 503.
    Refused(net::Refused),
}

impl Unread {
    pub(super) fn answered_in(self, form: Form) -> Failure {
        let (http, status) = match self {
            Unread::Bad(why) => (
                StatusCode::BAD_REQUEST,
                Status::new(Code::InvalidArgument, why),
            ),
            Unread::TooLarge(why) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Status::new(Code::ResourceExhausted, why),
            ),
            Unread::TooSlow(why) => (
                StatusCode::REQUEST_TIMEOUT,
                Status::new(Code::DeadlineExceeded, why),
            ),
            Unread::Refused(refused) => (StatusCode::SERVICE_UNAVAILABLE, refused.into()),
        };
        Failure::Status(http, form, status)
    }
}

/// Reads a body. The result holds its charge at `door`.
pub(super) async fn read(
    body: Incoming,
    encoding: Result<Option<Encoding>, UnknownEncoding>,
    limits: Limits,
    door: &Arc<Door>,
) -> Result<Bytes, Unread> {
    let encoding = encoding.map_err(|error| Unread::Bad(format!("Content-Encoding: {error}")))?;
    let wire = net::collect(body, limits, &**door).await?;
    let Some(encoding) = encoding else {
        return Ok(wire);
    };
    let limits = InflateLimits::new(limits.wire);
    if wire.len() <= OFFLOAD_ABOVE {
        return Ok(net::inflate(encoding, &wire, limits, &**door)?);
    }
    let door = Arc::clone(door);
    let work = move || net::inflate(encoding, &wire, limits, &*door);
    let done = tokio::task::spawn_blocking(work).await;
    let stopping = |error| {
        Unread::Refused(net::Refused {
            why: format!("the collector is stopping: {error}").into(),
            after: None,
        })
    };
    Ok(done.map_err(stopping)??)
}

impl From<BodyError> for Unread {
    fn from(error: BodyError) -> Unread {
        match error {
            BodyError::TooLarge { .. } => Unread::TooLarge(error.to_string()),
            BodyError::TooSlow { .. } => Unread::TooSlow(error.to_string()),
            BodyError::Aborted { .. } => Unread::Bad(error.to_string()),
            BodyError::Refused(refused) => Unread::Refused(refused),
        }
    }
}

impl From<InflateError> for Unread {
    fn from(error: InflateError) -> Unread {
        match error {
            InflateError::TooLarge { .. } | InflateError::Bomb { .. } => {
                Unread::TooLarge(error.to_string())
            }
            InflateError::Broken { .. } => Unread::Bad(error.to_string()),
            InflateError::Refused(refused) => Unread::Refused(refused),
        }
    }
}
