//! The two levels above the records, which are alike in all three signals:
//! `ResourceX { resource = 1, scope_x = 2, schema_url = 3 }` and
//! `ScopeX { scope = 1, x = 2, schema_url = 3 }`.

use bytes::Bytes;

use super::nest::{self, GROUP, Open, RECORD, RECORD_LIMIT, SMALL, put_some_bytes};
use super::nested::Sink;
use super::resource::{ResourceWriter, ScopeWriter};

/// A request that is being written: what is open, and what is counted.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) sink: Sink,
    resource: Option<Open>,
    scope: Option<Open>,
    /// Waits here until the message that describes the resource or scope is
    /// closed, since it belongs to the message around it.
    schema_url: String,
    /// Records, spans or data points.
    pub(super) items: usize,
    /// The size of the last request, as a guess for the next one.
    last_size: usize,
}

impl Envelope {
    /// How wide the lengths of resources and scopes will be: a sender of single records stays one.
    fn width(&self) -> usize {
        if (1..RECORD_LIMIT).contains(&self.last_size) {
            RECORD
        } else {
            GROUP
        }
    }
}

/// Of less than this, slack at the end of a finished buffer is not worth a copy.
const SMALL_SLACK: usize = 4096;

impl Envelope {
    /// Ends the open resource, if any, and starts another one.
    pub(super) fn resource(&mut self, write: impl FnOnce(&mut ResourceWriter<'_>)) {
        self.open_resource();
        let resource = nest::open(&mut self.sink.bytes, 1, RECORD);
        self.schema_url.clear();
        write(&mut ResourceWriter {
            sink: &mut self.sink,
            schema_url: &mut self.schema_url,
        });
        nest::close(&mut self.sink.bytes, resource);
        put_some_bytes(&mut self.sink.bytes, 3, self.schema_url.as_bytes());
    }

    /// Ends the open scope, if any, and starts another one in the same resource.
    pub(super) fn scope(&mut self, write: impl FnOnce(&mut ScopeWriter<'_>)) {
        self.open_scope();
        let scope = nest::open(&mut self.sink.bytes, 1, SMALL);
        self.schema_url.clear();
        write(&mut ScopeWriter {
            sink: &mut self.sink,
            schema_url: &mut self.schema_url,
        });
        nest::close(&mut self.sink.bytes, scope);
        put_some_bytes(&mut self.sink.bytes, 3, self.schema_url.as_bytes());
    }

    /// Starts a record, span or metric; a resource and scope without facts when none is open.
    #[inline]
    pub(super) fn open_item(&mut self) -> Open {
        if self.scope.is_none() {
            self.open_scope();
        }
        nest::open(&mut self.sink.bytes, 2, RECORD)
    }

    /// Ends what [`open_item`](Self::open_item) started.
    #[inline]
    pub(super) fn close_item(&mut self, item: Open) {
        nest::close(&mut self.sink.bytes, item);
    }

    fn open_resource(&mut self) {
        self.close_resource();
        if self.sink.bytes.is_empty() {
            // A little more: requests differ, and a length that was guessed too wide needs
            // another byte until its message is closed.
            self.sink.bytes.reserve(self.last_size + self.last_size / 8);
        }
        let width = self.width();
        self.resource = Some(nest::open(&mut self.sink.bytes, 1, width));
    }

    fn open_scope(&mut self) {
        self.close_scope();
        if self.resource.is_none() {
            self.open_resource();
        }
        let width = self.width();
        self.scope = Some(nest::open(&mut self.sink.bytes, 2, width));
    }

    fn close_resource(&mut self) {
        self.close_scope();
        if let Some(resource) = self.resource.take() {
            nest::close(&mut self.sink.bytes, resource);
        }
    }

    fn close_scope(&mut self) {
        if let Some(scope) = self.scope.take() {
            nest::close(&mut self.sink.bytes, scope);
        }
    }

    /// Ends everything and hands the bytes over, with the number of items.
    pub(super) fn finish(&mut self) -> (Bytes, usize) {
        self.close_resource();
        self.last_size = self.sink.bytes.len();
        self.sink.too_deep = 0;
        let items = std::mem::take(&mut self.items);
        (into_bytes(std::mem::take(&mut self.sink.bytes)), items)
    }
}

/// The methods that the writers of all signals share; `$items` names what is counted.
macro_rules! envelope_methods {
    ($signal:expr, $items:literal) => {
        /// A writer without anything written.
        pub fn new() -> Self {
            Self::default()
        }

        /// Starts a group of one resource.
        pub fn resource(&mut self, write: impl FnOnce(&mut $crate::write::ResourceWriter<'_>)) {
            self.envelope.resource(write);
        }

        /// Starts a group of one scope, inside the current resource.
        pub fn scope(&mut self, write: impl FnOnce(&mut $crate::write::ScopeWriter<'_>)) {
            self.envelope.scope(write);
        }

        #[doc = concat!($items, " since the last [`finish`](Self::finish).")]
        pub fn items(&self) -> usize {
            self.envelope.items
        }

        /// Bytes since the last [`finish`](Self::finish): about as many as the payload will have.
        pub fn size(&self) -> usize {
            self.envelope.sink.bytes.len()
        }

        /// Arrays and maps since the last [`finish`](Self::finish) that became empty values,
        /// because their members would be deeper than
        /// [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH).
        pub fn too_deep(&self) -> usize {
            self.envelope.sink.too_deep
        }

        /// What was written since the last call; the writer can be used again.
        pub fn finish(&mut self) -> $crate::Payload {
            let (bytes, items) = self.envelope.finish();
            $crate::Payload::from_valid($signal, bytes, items)
        }
    };
}

pub(super) use envelope_methods;

/// The buffer without a large unused end: a payload may wait in a queue, and its size is what the
/// budget counts.
pub(crate) fn into_bytes(mut buffer: Vec<u8>) -> Bytes {
    if buffer.capacity() - buffer.len() > SMALL_SLACK.max(buffer.len() / 4) {
        buffer.shrink_to_fit();
    }
    Bytes::from(buffer)
}
