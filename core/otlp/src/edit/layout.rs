//! The two messages around records, which look the same in every signal.

use super::arena::Arena;
use super::scan::Steps;
use super::weave::Place;
use crate::wire::{Field, Fields};

/// The fields of the two messages around records, in every signal: the resource
/// or scope, what is inside, the schema's URL.
pub(super) const HEAD: u32 = 1;
pub(super) const INNER: u32 = 2;
pub(super) const SCHEMA_URL: u32 = 3;
/// The field of a request that holds the messages of the outer level.
pub(super) const BLOCKS: u32 = 1;

/// The two levels of messages around records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    Resource,
    Scope,
}

impl Around {
    /// The level as [`Frame`] counts.
    pub(super) const fn level(self) -> usize {
        match self {
            Around::Resource => 1,
            Around::Scope => 2,
        }
    }
}

/// The head of a message around records, and how it stands there.
pub(super) struct Layout<'a> {
    /// Where the resource or scope is, if it is there.
    pub(super) head: Option<(usize, usize)>,
    pub(super) head_content: &'a [u8],
    pub(super) schema_url: &'a [u8],
    /// The head stands behind something it is the head of.
    pub(super) behind: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        let mut layout = Layout {
            head: None,
            head_content: &[],
            schema_url: &[],
            behind: false,
        };
        let mut inner = false;
        for step in Steps::new(message) {
            let content = || message.get(step.content..step.end).unwrap_or_default();
            match step.number {
                HEAD => {
                    layout.head = Some((step.start, step.end));
                    layout.head_content = content();
                    layout.behind = inner;
                }
                INNER => inner = true,
                SCHEMA_URL => layout.schema_url = content(),
                _ => {}
            }
        }
        layout
    }
}

/// Where a field stands in the source of a weaver, `base` being where the
/// message around it starts there.
#[inline(always)]
pub(super) fn place(base: usize, field: &Field<'_>) -> Place {
    Place {
        number: field.number,
        start: base + field.start,
        content: base + field.end - field.bytes().len(),
        end: base + field.end,
    }
}

/// The message with its head first.
pub(super) fn in_order<'a>(arena: &'a Arena, message: &'a [u8]) -> &'a [u8] {
    arena.encode(|out| {
        for head in [true, false] {
            for field in Fields::new(message).filter(|field| (field.number == HEAD) == head) {
                out.extend_from_slice(message.get(field.start..field.end).unwrap_or_default());
            }
        }
    })
}
