//! What an entry of the log holds: a batch as bytes.
//!
//! The tag has the signal in its lowest byte (1 logs, 2 traces, 3 metrics). With
//! bit 8 set the payload begins with the context of the sender: a length (u32,
//! little endian) and that many bytes of JSON. The rest is the OTLP request.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use otlp::{Payload, Signal};
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Client};

const WITH_CONTEXT: u32 = 1 << 8;
const SIGNAL: u32 = 0xff;

/// What is kept of the sender: only what stages behind the queue can ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Request headers, when the receiver was told to keep them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Vec<String>>,
    /// Attributes of the authenticated caller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub auth: BTreeMap<String, String>,
}

/// An entry that was read.
#[derive(Debug)]
pub struct Decoded {
    /// Context of the sender, as it was stored.
    pub context: Option<Context>,
    /// The telemetry, validated again: a checksum is no proof.
    pub payload: Payload,
}

/// Why an entry is no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The tag names no signal.
    #[error("its tag {0:#x} names no signal (1 logs, 2 traces, 3 metrics)")]
    Signal(u32),
    /// The context is cut off or no JSON.
    #[error("the context of its sender is unreadable: {0}")]
    Context(String),
    /// The telemetry is no valid OTLP.
    #[error("its telemetry is not valid: {0}")]
    Payload(String),
}

/// The tag of entries of a signal, without context.
pub fn tag_of(signal: Signal) -> u32 {
    match signal {
        Signal::Logs => 1,
        Signal::Traces => 2,
        Signal::Metrics => 3,
    }
}

/// The signal that a tag names.
///
/// # Errors
/// When it names none: a newer program or other bytes wrote it.
pub fn signal_of(tag: u32) -> Result<Signal, EntryError> {
    match tag & SIGNAL {
        1 => Ok(Signal::Logs),
        2 => Ok(Signal::Traces),
        3 => Ok(Signal::Metrics),
        _ => Err(EntryError::Signal(tag)),
    }
}

/// A batch as the tag and the parts of an entry. The telemetry is not copied.
pub fn encode(batch: &Batch) -> (u32, Vec<Bytes>) {
    let segments = batch.payload.segments();
    let mut parts = Vec::with_capacity(segments.len() + 1);
    let mut tag = tag_of(batch.signal());
    if let Some(context) = context_of(batch.client.as_deref()) {
        tag |= WITH_CONTEXT;
        parts.push(context);
    }
    parts.extend(segments.cloned());
    (tag, parts)
}

fn context_of(client: Option<&Client>) -> Option<Bytes> {
    let client = client?;
    if client.metadata.is_empty() && client.auth.is_empty() {
        return None;
    }
    let context = Context {
        metadata: client.metadata.clone(),
        auth: client.auth.clone(),
    };
    let json = serde_json::to_vec(&context).ok()?;
    let length = u32::try_from(json.len()).ok()?;
    let mut bytes = BytesMut::with_capacity(4 + json.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&json);
    Some(bytes.freeze())
}

/// An entry as the batch that it was.
///
/// # Errors
/// When the bytes are not what [`encode`] writes.
pub fn decode(tag: u32, parts: &[Bytes]) -> Result<Decoded, EntryError> {
    let signal = signal_of(tag)?;
    let mut bytes = joined(parts);
    let context = match tag & WITH_CONTEXT {
        0 => None,
        _ => Some(split_context(&mut bytes)?),
    };
    let payload = Payload::validate(signal, bytes)
        .map_err(|invalid| EntryError::Payload(invalid.to_string()))?;
    Ok(Decoded { context, payload })
}

fn joined(parts: &[Bytes]) -> Bytes {
    match parts {
        [] => Bytes::new(),
        [one] => one.clone(),
        many => many.concat().into(),
    }
}

fn split_context(bytes: &mut Bytes) -> Result<Context, EntryError> {
    let cut = || EntryError::Context("it is cut off".to_owned());
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    let json = rest.get(..length).ok_or_else(cut)?;
    let context =
        serde_json::from_slice(json).map_err(|error| EntryError::Context(error.to_string()))?;
    let _ = bytes.split_to(4 + length);
    Ok(context)
}

impl Decoded {
    /// As a batch for the stages behind the queue.
    pub fn into_batch(self) -> Batch {
        Batch {
            payload: self.payload,
            client: self.context.map(|context| {
                Arc::new(Client {
                    address: None,
                    metadata: context.metadata,
                    auth: context.auth,
                })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Payload {
        Payload::validate(Signal::Logs, Bytes::from_static(b"\x0a\x00")).expect("valid")
    }

    #[test]
    fn a_batch_comes_back_with_what_is_known_of_its_sender() {
        let metadata = BTreeMap::from([("x-tenant".to_owned(), vec!["a".to_owned()])]);
        let client = Client {
            metadata: metadata.clone(),
            ..Client::default()
        };
        let batch = Batch {
            payload: request(),
            client: Some(Arc::new(client)),
        };
        let (tag, parts) = encode(&batch);
        let back = decode(tag, &parts).expect("decodes");
        assert_eq!(back.context.as_ref().map(|c| &c.metadata), Some(&metadata));
        assert_eq!(back.payload.into_bytes(), request().into_bytes());
    }

    #[test]
    fn a_sender_of_whom_only_the_address_is_known_costs_no_byte() {
        let batch = Batch {
            payload: request(),
            client: Some(Arc::new(Client::default())),
        };
        let (tag, parts) = encode(&batch);
        assert_eq!(tag, 1);
        assert_eq!(parts, [Bytes::from_static(b"\x0a\x00")]);
    }

    #[test]
    fn bytes_that_are_no_batch_are_told_apart() {
        let part = |bytes: &'static [u8]| [Bytes::from_static(bytes)];
        assert_eq!(decode(9, &part(b"")).unwrap_err(), EntryError::Signal(9));
        let cut = decode(1 | WITH_CONTEXT, &part(b"\x09\0\0\0{}")).unwrap_err();
        assert!(matches!(cut, EntryError::Context(_)), "{cut}");
        let invalid = decode(1, &part(b"\xff")).unwrap_err();
        assert!(matches!(invalid, EntryError::Payload(_)), "{invalid}");
    }
}
