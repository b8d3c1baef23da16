//! What the drafts of all records have in common.

use super::Verdict;
use super::arena::Arena;
use super::message::{Decision, Message};
use super::outer::{Outer, RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES};

/// A record under edit, and the resource and scope it wants to stand under.
///
/// One of these is used for all records of a walk.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) message: Message<'a>,
    /// Events, links, exemplars: one at a time. Not made before the first.
    nested: Option<Message<'a>>,
    /// The resource and scope of the block, on which the record's own start.
    pub(super) block: Block<'a>,
    resource: Outer<'a>,
    scope: Outer<'a>,
    resource_used: bool,
    scope_used: bool,
}

/// What stands around the records of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block<'a> {
    /// The content of the `Resource`.
    pub(super) resource: &'a [u8],
    pub(super) resource_schema_url: &'a [u8],
    /// The content of the `InstrumentationScope`.
    pub(super) scope: &'a [u8],
    pub(super) scope_schema_url: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn new(attribute_number: u32) -> Self {
        Record {
            message: Message::new(attribute_number),
            nested: None,
            block: Block::default(),
            resource: Outer::new(RESOURCE_ATTRIBUTES),
            scope: Outer::new(SCOPE_ATTRIBUTES),
            resource_used: false,
            scope_used: false,
        }
    }

    #[inline]
    pub(super) fn reset(&mut self, body: &'a [u8]) {
        self.message.reset(body);
        self.resource_used = false;
        self.scope_used = false;
    }

    /// The record's own resource: the block's, until it is changed.
    #[inline]
    pub(super) fn resource(&mut self) -> &mut Outer<'a> {
        if !self.resource_used {
            self.resource
                .reset(self.block.resource, self.block.resource_schema_url);
            self.resource_used = true;
        }
        &mut self.resource
    }

    /// The record's own scope: the block's, until it is changed.
    #[inline]
    pub(super) fn scope(&mut self) -> &mut Outer<'a> {
        if !self.scope_used {
            self.scope
                .reset(self.block.scope, self.block.scope_schema_url);
            self.scope_used = true;
        }
        &mut self.scope
    }

    /// Shows the messages in the repeated field `number`, one after the other.
    pub(super) fn each_nested(
        &mut self,
        number: u32,
        attribute_number: u32,
        arena: &'a Arena,
        mut look: impl FnMut(&mut Message<'a>) -> Verdict,
    ) {
        let Record {
            message, nested, ..
        } = self;
        let nested = nested.get_or_insert_with(|| Message::new(attribute_number));
        message.each_child(number, |body| {
            nested.reset_as(body, attribute_number);
            match look(nested) {
                Verdict::Drop => Decision::Gone,
                Verdict::Keep if nested.is_touched() => {
                    Decision::Changed(arena.encode(|out| nested.write(out)))
                }
                Verdict::Keep => Decision::Same,
            }
        });
    }

    /// The record's attributes and those of its resource, both at once.
    pub(super) fn both(&mut self) -> (&mut Message<'a>, &mut Message<'a>) {
        self.resource();
        (&mut self.message, self.resource.message())
    }

    /// Whether it wants to stand under another resource or scope.
    #[inline]
    pub(super) fn is_moved(&self) -> bool {
        (self.resource_used && self.resource.is_touched())
            || (self.scope_used && self.scope.is_touched())
    }

    /// Its own resource, if that is another than the block's.
    #[inline]
    pub(super) fn moved_resource(&mut self) -> Option<&mut Outer<'a>> {
        (self.resource_used && self.resource.is_touched()).then_some(&mut self.resource)
    }

    /// Its own scope, if that is another than the block's.
    #[inline]
    pub(super) fn moved_scope(&mut self) -> Option<&mut Outer<'a>> {
        (self.scope_used && self.scope.is_touched()).then_some(&mut self.scope)
    }
}

/// What every record's draft offers besides its fields.
macro_rules! record_draft {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'d, 'a> {
            record: &'d mut Record<'a>,
            arena: &'a Arena,
        }

        impl<'d, 'a> $name<'d, 'a> {
            #[inline]
            pub(super) fn new(record: &'d mut Record<'a>, arena: &'a Arena) -> Self {
                $name { record, arena }
            }
        }

        $crate::edit::record::record_common! { $name }
    };
}

/// The arena, and the record's own resource and scope.
macro_rules! record_common {
    ($name:ident) => {
        impl<'a> $name<'_, 'a> {
            #[inline]
            fn message(&mut self) -> &mut Message<'a> {
                &mut self.record.message
            }

            /// Where new values can be built.
            pub fn arena(&self) -> &'a Arena {
                self.arena
            }

            /// The attributes of its own resource: what is changed here moves this
            /// record, and no other, under such a resource. The edit must declare
            /// [`Touches::moves`](super::Touches::moves).
            #[inline]
            pub fn resource_attributes(&mut self) -> AttributesDraft<'_, 'a> {
                AttributesDraft::new(self.record.resource().message().attributes(), self.arena)
            }

            /// Its own resource; see [`resource_attributes`](Self::resource_attributes).
            pub fn resource(&mut self) -> ResourceDraft<'_, 'a> {
                ResourceDraft::new(self.record.resource(), self.arena)
            }

            /// Its own scope: what is changed here moves this record under such a
            /// scope. The edit must declare [`Touches::moves`](super::Touches::moves).
            pub fn scope(&mut self) -> ScopeDraft<'_, 'a> {
                ScopeDraft::new(self.record.scope(), self.arena)
            }
        }
    };
}

/// The attributes of a record, for all but metrics.
macro_rules! record_attributes {
    ($name:ident) => {
        impl<'a> $name<'_, 'a> {
            /// Its attributes.
            #[inline]
            pub fn attributes(&mut self) -> AttributesDraft<'_, 'a> {
                AttributesDraft::new(self.record.message.attributes(), self.arena)
            }

            /// Its own attributes and those of its own resource, to move from one to
            /// the other; see [`resource_attributes`](Self::resource_attributes).
            #[inline]
            pub fn attributes_and_resource(
                &mut self,
            ) -> (AttributesDraft<'_, 'a>, AttributesDraft<'_, 'a>) {
                let (own, resource) = self.record.both();
                (
                    AttributesDraft::new(own.attributes(), self.arena),
                    AttributesDraft::new(resource.attributes(), self.arena),
                )
            }
        }
    };
}

pub(super) use {record_attributes, record_common, record_draft};
