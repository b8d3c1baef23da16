//! Headers and trailers of gRPC: timeout, status, percent encoding.

use std::time::Duration;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::details;
use crate::status::{Code, Status};

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(super) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(super) const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(super) const GRPC_ACCEPT: HeaderName = HeaderName::from_static("grpc-accept-encoding");
pub(super) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(super) const APPLICATION_GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Binary values are sent without padding and read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How much of a message goes into a header: peers cap their header lists.
const MAX_MESSAGE: usize = 2048;

/// Reads `grpc-timeout`: up to eight digits and a unit.
pub(super) fn read_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(|text| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let n: u64 = digits.parse().ok()?;
        match unit {
            "H" => Some(Duration::from_secs(n * 3600)),
            "M" => Some(Duration::from_secs(n * 60)),
            "S" => Some(Duration::from_secs(n)),
            "m" => Some(Duration::from_millis(n)),
            "u" => Some(Duration::from_micros(n)),
            "n" => Some(Duration::from_nanos(n)),
            _ => None,
        }
    });
    parsed
        .map(Some)
        .ok_or_else(|| Status::new(Code::Internal, format!("malformed grpc-timeout {value:?}")))
}

/// Writes a timeout in the finest unit that fits eight digits.
pub(super) fn write_timeout(timeout: Duration) -> HeaderValue {
    let units: [(u128, char); 5] = [
        (1_000, 'u'),
        (1_000_000, 'm'),
        (1_000_000_000, 'S'),
        (60_000_000_000, 'M'),
        (3_600_000_000_000, 'H'),
    ];
    let nanos = timeout.as_nanos();
    let text = units
        .iter()
        .map(|(size, unit)| (nanos / size, unit))
        .find(|(n, _)| *n < 100_000_000)
        .map_or_else(|| "99999999H".to_owned(), |(n, unit)| format!("{n}{unit}"));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("99999999H"))
}

/// The trailers of a call that ends with `status`.
pub(super) fn write_status(status: &Status, into: &mut HeaderMap) {
    into.insert(
        GRPC_STATUS,
        HeaderValue::from(u16::from(status.code.number())),
    );
    if !status.message.is_empty() {
        let end = status.message.floor_char_boundary(MAX_MESSAGE);
        if let Ok(value) = HeaderValue::from_str(&percent_encode(&status.message[..end])) {
            into.insert(GRPC_MESSAGE, value);
        }
    }
    if status.retry_after.is_some() {
        let end = status.message.floor_char_boundary(MAX_MESSAGE);
        let short = Status {
            message: status.message[..end].to_owned(),
            ..status.clone()
        };
        let encoded = BASE64.encode(details::encode_status(&short));
        if let Ok(value) = HeaderValue::from_str(&encoded) {
            into.insert(GRPC_DETAILS, value);
        }
    }
}

/// The status in trailers (or in headers, for an answer without a message);
/// `None` when there is none.
pub(super) fn read_status(from: &HeaderMap) -> Option<Status> {
    let number = from.get(GRPC_STATUS)?.to_str().ok()?;
    let code = number.parse().map_or(Code::Unknown, Code::from_number);
    let message = from
        .get(GRPC_MESSAGE)
        .map(|v| percent_decode(v.as_bytes()))
        .unwrap_or_default();
    let details = from
        .get(GRPC_DETAILS)
        .and_then(|v| BASE64.decode(v.as_bytes()).ok())
        .and_then(|bytes| details::decode_status(&bytes));
    let retry_after = details.and_then(|d| d.retry_after);
    Some(Status {
        code,
        message,
        retry_after,
    })
}

/// Percent-encodes all but printable ASCII, and the percent sign.
fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'%' | 0..0x20 | 0x7f.. => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

/// Decodes leniently: what is no escape stays, what is no UTF-8 is replaced.
fn percent_decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                out.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                rest = after;
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timeout(value: &str) -> Result<Option<Duration>, Status> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_str(value).unwrap());
        read_timeout(&headers)
    }

    #[test]
    fn timeouts_have_units() {
        assert_eq!(timeout("5S"), Ok(Some(Duration::from_secs(5))));
        assert_eq!(
            timeout("99999999H"),
            Ok(Some(Duration::from_secs(99_999_999 * 3600)))
        );
        assert_eq!(timeout("20m"), Ok(Some(Duration::from_millis(20))));
        assert_eq!(timeout("1M"), Ok(Some(Duration::from_secs(60))));
        for bad in ["", "S", "5", "5s", "-1S", "123456789S", "1.5S", "5é"] {
            if let Ok(value) = HeaderValue::from_str(bad) {
                let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, value)]);
                assert!(read_timeout(&headers).is_err(), "{bad:?}");
            }
        }
        assert_eq!(read_timeout(&HeaderMap::new()), Ok(None));
    }

    proptest! {
        #[test]
        fn a_timeout_reads_back_and_never_grows(micros in 0..u64::MAX / 1000) {
            let sent = Duration::from_micros(micros);
            let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, write_timeout(sent))]);
            let read = read_timeout(&headers).unwrap().unwrap();
            prop_assert!(read <= sent);
            prop_assert!(sent - read <= sent / 1000, "{sent:?} {read:?}");
        }

        #[test]
        fn a_status_reads_back_from_trailers(code in 1..17_u32, message in "\\PC{0,40}|[\\x00-\\x20%]{0,10}", retry in prop::option::of(0..100_u64)) {
            let status = Status::new(Code::from_number(code), message)
                .retry_after(retry.map(Duration::from_secs));
            let mut trailers = HeaderMap::new();
            write_status(&status, &mut trailers);
            prop_assert_eq!(read_status(&trailers), Some(status));
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let status =
            Status::new(Code::Internal, "é".repeat(5000)).retry_after(Some(Duration::ZERO));
        let mut trailers = HeaderMap::new();
        write_status(&status, &mut trailers);
        assert_eq!(read_status(&trailers).unwrap().message, "é".repeat(1024));
    }
}
