//! What travels between stages: a payload and what is known of its sender.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use otlp::{Payload, Signal};

/// How much a batch is, in the two units that limits are given in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Log records, spans or data points.
    pub items: usize,
    /// Bytes of the encoded OTLP request.
    pub bytes: usize,
}

impl std::ops::Add for Size {
    type Output = Size;
    fn add(self, other: Size) -> Size {
        Size {
            items: self.items + other.items,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// What a receiver knows of the sender of a request. Shared, never copied a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Network address of the sender, after trusted proxies were taken into account.
    pub address: Option<IpAddr>,
    /// Request headers with lower-case names; only filled with `include_metadata: true`.
    pub metadata: BTreeMap<String, Vec<String>>,
    /// Attributes of the authenticated caller (`auth.*` in `from_context`).
    pub auth: BTreeMap<String, String>,
}

/// A payload on its way through a pipeline.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The telemetry, valid by construction.
    pub payload: Payload,
    /// Its sender. `None` once batches of several senders were joined.
    pub client: Option<Arc<Client>>,
}

impl Batch {
    /// A batch of an unknown sender.
    pub fn new(payload: Payload) -> Batch {
        Batch {
            payload,
            client: None,
        }
    }

    /// The signal of the payload.
    pub fn signal(&self) -> Signal {
        self.payload.signal()
    }

    /// Items and bytes of the payload.
    pub fn size(&self) -> Size {
        Size {
            items: self.payload.items(),
            bytes: self.payload.size(),
        }
    }
}
