use std::marker::PhantomData;

use super::value::{Attributes, next_field};
use crate::wire::Field;

/// What can be read from the bytes of one message.
///
/// Nobody outside this crate can name it: readers take texts for UTF-8 without
/// looking ([`text`](crate::wire::text)), so only valid bytes may reach them.
pub trait Decode<'a> {
    /// Reads it in one forward pass. The bytes are those of a valid message.
    fn decode(message: &'a [u8]) -> Self;
}

/// The messages of one repeated field, in order, each read when it is reached.
///
/// Copying it is copying a position: iterate a copy to start again.
pub struct Messages<'a, T> {
    rest: &'a [u8],
    number: u32,
    decoded: PhantomData<fn() -> T>,
}

impl<'a, T> Messages<'a, T> {
    /// The messages in field `number` of `message`; other fields are passed over.
    #[inline(always)]
    pub(crate) const fn new(message: &'a [u8], number: u32) -> Self {
        Messages {
            rest: message,
            number,
            decoded: PhantomData,
        }
    }
}

impl<'a, T: Decode<'a>> Iterator for Messages<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        next_field(&mut self.rest, self.number).map(|field| T::decode(field.bytes()))
    }
}

impl<T> Clone for Messages<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Messages<'_, T> {}

impl<'a, T: Decode<'a> + std::fmt::Debug> std::fmt::Debug for Messages<'a, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// From the first to the last occurrence of a repeated field, found while its
/// message is read, so that iterating it later does not walk the rest again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    start: usize,
    end: usize,
}

impl Extent {
    #[inline(always)]
    pub(super) fn include(&mut self, field: &Field<'_>) {
        if self.end == 0 {
            self.start = field.start;
        }
        self.end = field.end;
    }

    #[inline(always)]
    fn of<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        message.get(self.start..self.end).unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn attributes<'a>(&self, message: &'a [u8], number: u32) -> Attributes<'a> {
        Attributes::new(self.of(message), number)
    }

    #[inline(always)]
    pub(super) fn messages<'a, T>(&self, message: &'a [u8], number: u32) -> Messages<'a, T> {
        Messages::new(self.of(message), number)
    }
}
