//! Answers of servers and what clients make of them: gRPC codes, their HTTP
//! counterparts, which of them are worth another attempt, and `Retry-After`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A gRPC status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(
    missing_docs,
    reason = "the names are the documentation: grpc.io/docs/guides/status-codes"
)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// The code with this number; unknown numbers are [`Code::Unknown`].
    pub fn from_number(number: u32) -> Code {
        usize::try_from(number)
            .ok()
            .and_then(|index| CODES.get(index))
            .map_or(Code::Unknown, |(code, _)| *code)
    }

    /// The number on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name as in the specification, for example `RESOURCE_EXHAUSTED`.
    pub fn name(self) -> &'static str {
        CODES[usize::from(self.number())].1
    }

    /// The HTTP status that an OTLP/HTTP server answers for this code.
    pub fn to_http(self) -> StatusCode {
        match self {
            Code::Ok => StatusCode::OK,
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => StatusCode::SERVICE_UNAVAILABLE,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::InvalidArgument => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unimplemented => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code that an HTTP answer without a gRPC status stands for.
    pub fn from_http(status: StatusCode) -> Code {
        match status.as_u16() {
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 => Code::ResourceExhausted,
            502..=504 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A gRPC status: what a call ended with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Status {
    /// The code.
    pub code: Code,
    /// A text for the person who reads the sender's log.
    pub message: String,
    /// `google.rpc.RetryInfo`: when the sender may come back.
    pub retry_after: Option<Duration>,
}

impl Status {
    /// A status without RetryInfo.
    pub fn new(code: Code, message: impl Into<String>) -> Status {
        Status {
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The same status with RetryInfo.
    #[must_use]
    pub fn retry_after(mut self, after: Option<Duration>) -> Status {
        self.retry_after = after;
        self
    }

    /// Whether a client may send the same request again: the table of the OTLP
    /// specification. RESOURCE_EXHAUSTED only with RetryInfo.
    pub fn retryable(&self) -> bool {
        match self.code {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => true,
            Code::ResourceExhausted => self.retry_after.is_some(),
            _ => false,
        }
    }
}

impl From<crate::Refused> for Status {
    fn from(refused: crate::Refused) -> Status {
        Status::new(Code::Unavailable, refused.why).retry_after(refused.after)
    }
}

/// Whether a client of OTLP/HTTP may send the same request again after this answer.
pub fn http_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Reads `Retry-After` as seconds or as an HTTP date, relative to `now`.
/// A date that has passed is zero; what cannot be read is `None`.
pub fn read_retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// The value of `Retry-After` in whole seconds, as the OTLP specification asks
/// for. A fraction is rounded up, so that a client never comes back too early.
pub fn write_retry_after(after: Duration) -> HeaderValue {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    HeaderValue::from(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_map_to_http_as_the_specification_says() {
        let table = [
            (Code::Ok, 200),
            (Code::Cancelled, 503),
            (Code::Unknown, 500),
            (Code::InvalidArgument, 400),
            (Code::DeadlineExceeded, 503),
            (Code::NotFound, 500),
            (Code::AlreadyExists, 500),
            (Code::PermissionDenied, 403),
            (Code::ResourceExhausted, 429),
            (Code::FailedPrecondition, 500),
            (Code::Aborted, 503),
            (Code::OutOfRange, 503),
            (Code::Unimplemented, 404),
            (Code::Internal, 500),
            (Code::Unavailable, 503),
            (Code::DataLoss, 503),
            (Code::Unauthenticated, 401),
        ];
        for (code, http) in table {
            assert_eq!(code.to_http().as_u16(), http, "{code}");
            assert_eq!(Code::from_number(u32::from(code.number())), code);
        }
        assert_eq!(Code::from_number(99), Code::Unknown);
    }

    #[test]
    fn http_maps_to_codes() {
        for (http, code) in [
            (400, Code::InvalidArgument),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::ResourceExhausted),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (500, Code::Unknown),
            (418, Code::Unknown),
        ] {
            let status = StatusCode::from_u16(http).unwrap();
            assert_eq!(Code::from_http(status), code, "{http}");
        }
    }

    #[test]
    fn only_transient_codes_are_retryable() {
        let retryable: Vec<_> = (0..17)
            .map(Code::from_number)
            .filter(|code| Status::new(*code, "").retryable())
            .map(Code::number)
            .collect();
        assert_eq!(retryable, [1, 4, 10, 11, 14, 15]);
        let full = Status::new(Code::ResourceExhausted, "");
        assert!(!full.retryable());
        assert!(full.retry_after(Some(Duration::from_secs(1))).retryable());
        let http: Vec<u16> = (100..600)
            .filter(|n| http_retryable(StatusCode::from_u16(*n).unwrap()))
            .collect();
        assert_eq!(http, [429, 502, 503, 504]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            let read = read_retry_after(&headers, now);
            assert_eq!(read, seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(read_retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn retry_after_rounds_up() {
        assert_eq!(write_retry_after(Duration::from_millis(1)), "1");
        assert_eq!(write_retry_after(Duration::from_secs(30)), "30");
        assert_eq!(write_retry_after(Duration::ZERO), "0");
    }
}
