//! Drafts of what stands around records: resource and scope.

use super::arena::Arena;
use super::attributes::AttributesDraft;
use super::message::Message;
use crate::wire::text;

/// `Resource.attributes`, `Resource.dropped_attributes_count`.
pub(super) const RESOURCE_ATTRIBUTES: u32 = 1;
const RESOURCE_DROPPED: u32 = 2;
/// Fields of `InstrumentationScope`.
const SCOPE_NAME: u32 = 1;
const SCOPE_VERSION: u32 = 2;
pub(super) const SCOPE_ATTRIBUTES: u32 = 3;
const SCOPE_DROPPED: u32 = 4;

/// A resource or a scope under edit, with the schema's URL that stands beside it.
#[derive(Debug)]
pub(super) struct Outer<'a> {
    body: &'a [u8],
    attribute_number: u32,
    /// Not made before somebody looks into a resource or scope: many edits only stamp them.
    message: Option<Message<'a>>,
    /// Whether `message` is that of the present resource or scope.
    is_read: bool,
    schema_url: &'a [u8],
    schema_touched: bool,
}

impl<'a> Outer<'a> {
    pub(super) fn new(attribute_number: u32) -> Self {
        Outer {
            body: &[],
            attribute_number,
            message: None,
            is_read: false,
            schema_url: &[],
            schema_touched: false,
        }
    }

    #[inline]
    pub(super) fn reset(&mut self, body: &'a [u8], schema_url: &'a [u8]) {
        self.body = body;
        self.is_read = false;
        self.schema_url = schema_url;
        self.schema_touched = false;
    }

    #[inline]
    pub(super) fn message(&mut self) -> &mut Message<'a> {
        let number = self.attribute_number;
        let message = self.message.get_or_insert_with(|| Message::new(number));
        if !self.is_read {
            message.reset(self.body);
            self.is_read = true;
        }
        message
    }

    /// The message, if anything in it changed.
    #[inline]
    pub(super) fn changed(&mut self) -> Option<&mut Message<'a>> {
        let message = self.message.as_mut().filter(|_| self.is_read)?;
        message.is_touched().then_some(message)
    }

    /// The content as it is now, encoded if something changed.
    pub(super) fn current(&mut self, arena: &'a Arena) -> &'a [u8] {
        let body = self.body;
        self.changed()
            .map_or(body, |message| message.current(arena))
    }

    /// The content as it came.
    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    #[inline]
    pub(super) fn is_touched(&self) -> bool {
        self.schema_touched
            || self.is_read && self.message.as_ref().is_some_and(Message::is_touched)
    }

    /// The new schema URL, if it was set.
    pub(super) fn new_schema_url(&self) -> Option<&'a [u8]> {
        self.schema_touched.then_some(self.schema_url)
    }

    pub(super) fn schema_url(&self) -> &'a [u8] {
        self.schema_url
    }
}

macro_rules! outer_draft {
    ($(#[$doc:meta])* $name:ident, $dropped:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'d, 'a> {
            outer: &'d mut Outer<'a>,
            arena: &'a Arena,
        }

        impl<'d, 'a> $name<'d, 'a> {
            #[inline]
            pub(super) fn new(outer: &'d mut Outer<'a>, arena: &'a Arena) -> Self {
                $name { outer, arena }
            }

            /// Where new values can be built.
            pub fn arena(&self) -> &'a Arena {
                self.arena
            }

            /// Its attributes.
            #[inline]
            pub fn attributes(&mut self) -> AttributesDraft<'_, 'a> {
                AttributesDraft::new(self.outer.message().attributes(), self.arena)
            }

            /// How many attributes the producer discarded.
            pub fn dropped_attributes_count(&mut self) -> u32 {
                self.outer.message().u32($dropped)
            }

            /// Sets how many attributes were discarded.
            pub fn set_dropped_attributes_count(&mut self, count: u32) {
                self.outer.message().set_uint(self.arena, $dropped, u64::from(count));
            }

            /// The schema of its names; empty when there is none.
            pub fn schema_url(&self) -> &'a str {
                text(self.outer.schema_url)
            }

            /// Sets the schema of its names; nothing happens if it is that already.
            pub fn set_schema_url(&mut self, url: &str) {
                if self.outer.schema_url != url.as_bytes() {
                    self.outer.schema_url = self.arena.bytes(url.as_bytes());
                    self.outer.schema_touched = true;
                }
            }

            /// [`set_schema_url`](Self::set_schema_url) without a copy, if there is none yet.
            #[inline]
            pub fn stamp_schema_url(&mut self, url: &'static str) {
                if self.outer.schema_url.is_empty() && !url.is_empty() {
                    self.outer.schema_url = url.as_bytes();
                    self.outer.schema_touched = true;
                }
            }
        }
    };
}

outer_draft! {
    /// A resource under edit: of a whole block in [`Edit::resource`](super::Edit::resource),
    /// of one record in [`LogDraft::resource`](super::LogDraft::resource) and its like.
    ResourceDraft, RESOURCE_DROPPED
}

outer_draft! {
    /// An instrumentation scope under edit, of a whole block or of one record.
    ScopeDraft, SCOPE_DROPPED
}

impl<'a> ScopeDraft<'_, 'a> {
    /// The name, often empty.
    pub fn name(&mut self) -> &'a str {
        self.outer.message().str(SCOPE_NAME)
    }

    /// Sets the name; nothing happens if it is that already.
    pub fn set_name(&mut self, name: &str) {
        if self.outer.message().bytes(SCOPE_NAME) != name.as_bytes() {
            self.outer
                .message()
                .set_bytes(self.arena, SCOPE_NAME, name.as_bytes());
        }
    }

    /// The version, often empty.
    pub fn version(&mut self) -> &'a str {
        self.outer.message().str(SCOPE_VERSION)
    }

    /// Sets the version; nothing happens if it is that already.
    pub fn set_version(&mut self, version: &str) {
        if self.outer.message().bytes(SCOPE_VERSION) != version.as_bytes() {
            self.outer
                .message()
                .set_bytes(self.arena, SCOPE_VERSION, version.as_bytes());
        }
    }
}
