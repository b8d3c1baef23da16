//! `grpc-status-details-bin`: `google.rpc.Status` with `google.rpc.RetryInfo`.
//!
//! Three tiny messages are not worth generated code:
//! `Status {int32 code = 1; string message = 2; repeated Any details = 3}`,
//! `Any {string type_url = 1; bytes value = 2}`,
//! `RetryInfo {Duration retry_delay = 1}`, `Duration {int64 seconds = 1; int32 nanos = 2}`.

use std::time::Duration;

use crate::status::{Code, Status};

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const VARINT: u64 = 0;
const LENGTH: u64 = 2;

/// Encodes the status as protobuf: the trailer of gRPC (before base64) and the
/// body of an OTLP/HTTP error.
pub fn encode_status(status: &Status) -> Vec<u8> {
    let mut out = Vec::with_capacity(status.message.len() + 80);
    number(&mut out, 1, u64::from(status.code.number()));
    bytes(&mut out, 2, status.message.as_bytes());
    if let Some(after) = status.retry_after {
        let mut delay = Vec::with_capacity(12);
        number(&mut delay, 1, after.as_secs());
        number(&mut delay, 2, u64::from(after.subsec_nanos()));
        let mut info = Vec::with_capacity(16);
        // an empty message must still be there: zero seconds are a delay too
        tag(&mut info, 1, LENGTH);
        varint(&mut info, delay.len() as u64);
        info.extend_from_slice(&delay);
        let mut any = Vec::with_capacity(64);
        bytes(&mut any, 1, RETRY_INFO.as_bytes());
        bytes(&mut any, 2, &info);
        bytes(&mut out, 3, &any);
    }
    out
}

/// Decodes a status; `None` when the bytes are no such message.
pub fn decode_status(encoded: &[u8]) -> Option<Status> {
    let mut status = Status::new(Code::Ok, "");
    let mut fields = Fields(encoded);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Number(code)) => {
                status.code = u32::try_from(code).map_or(Code::Unknown, Code::from_number);
            }
            (2, Value::Bytes(message)) => {
                status.message = String::from_utf8_lossy(message).into_owned()
            }
            (3, Value::Bytes(any)) => {
                if let Some(after) = retry_info(any)? {
                    status.retry_after = Some(after);
                }
            }
            _ => {}
        }
    }
    Some(status)
}

/// The delay of an `Any` that holds RetryInfo; the inner `None` is another detail.
fn retry_info(any: &[u8]) -> Option<Option<Duration>> {
    let (mut type_url, mut info) = (&b""[..], &b""[..]);
    let mut fields = Fields(any);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(value)) => type_url = value,
            (2, Value::Bytes(value)) => info = value,
            _ => {}
        }
    }
    if !type_url.ends_with(b"google.rpc.RetryInfo") {
        return Some(None);
    }
    let mut fields = Fields(info);
    while let Some(field) = fields.next()? {
        if let (1, Value::Bytes(delay)) = field {
            return duration(delay).map(Some);
        }
    }
    Some(None)
}

fn duration(encoded: &[u8]) -> Option<Duration> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = Fields(encoded);
    while let Some(field) = fields.next()? {
        match field {
            // negative numbers are huge here: no delay
            (1, Value::Number(value)) => seconds = u64::try_from(value as i64).unwrap_or(0),
            (2, Value::Number(value)) => nanos = u32::try_from(value).unwrap_or(0).min(999_999_999),
            _ => {}
        }
    }
    Some(Duration::new(seconds, nanos))
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    if !value.is_empty() {
        tag(out, field, LENGTH);
        varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

fn tag(out: &mut Vec<u8>, field: u64, kind: u64) {
    varint(out, field << 3 | kind);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next field; `Some(None)` at the end, `None` when malformed.
    #[expect(clippy::option_option, reason = "`?` stops at a malformed field")]
    fn next(&mut self) -> Option<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            VARINT => Value::Number(self.varint()?),
            LENGTH => {
                let len = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(len)?)
            }
            1 => self.take(8).map(|_| Value::Other)?,
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_those_of_the_generated_code() {
        let status =
            Status::new(Code::Unavailable, "full").retry_after(Some(Duration::from_secs(3)));
        let mut expected = b"\x08\x0e\x12\x04full\x1a\x30\x0a\x28".to_vec();
        expected.extend_from_slice(RETRY_INFO.as_bytes());
        expected.extend_from_slice(b"\x12\x04\x0a\x02\x08\x03");
        assert_eq!(encode_status(&status), expected);
    }

    #[test]
    fn a_negative_delay_is_none_at_all() {
        let mut delay = Vec::new();
        number(&mut delay, 1, (-5_i64) as u64);
        assert_eq!(duration(&delay), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn a_status_reads_back(code in 0..17_u32, message in ".{0,40}", nanos in prop::option::of(0..u64::MAX / 2)) {
            let status = Status::new(Code::from_number(code), message)
                .retry_after(nanos.map(Duration::from_nanos));
            prop_assert_eq!(decode_status(&encode_status(&status)), Some(status));
        }

        #[test]
        fn garbage_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode_status(&bytes);
        }
    }
}
