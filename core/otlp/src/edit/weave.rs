//! Copying a message with some of its parts replaced.

use smallvec::SmallVec;

use crate::wire::varint_len;
use crate::write::nest::{GROUP, Open, close, open};

/// Copies one source, in runs as long as possible.
///
/// Nothing is copied before something differs. Then the messages around the
/// difference are opened in the output, since their lengths will differ, too.
#[derive(Debug)]
pub(super) struct Weaver<'a> {
    source: &'a [u8],
    /// Up to here the source is in the output, or was left out on purpose.
    copied: usize,
    /// The messages around the present place, from the outside in.
    levels: SmallVec<[Level; 5]>,
    /// How many of them are open in the output.
    opened: usize,
    out: Vec<u8>,
    changed: bool,
}

/// A message that is walked through, as a field of the one around it.
#[derive(Debug)]
struct Level {
    place: Place,
    /// Where its key stands in the output.
    out_start: usize,
    open: Option<Open>,
}

/// Where a length-delimited field stands in the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) number: u32,
    /// Where its key starts.
    pub(super) start: usize,
    /// Where its content starts.
    pub(super) content: usize,
    pub(super) end: usize,
}

impl<'a> Weaver<'a> {
    /// Writes behind what is in `out`.
    pub(super) fn new(source: &'a [u8], out: Vec<u8>) -> Self {
        Weaver {
            source,
            copied: 0,
            levels: SmallVec::new(),
            opened: 0,
            out,
            changed: false,
        }
    }

    /// Goes into a message.
    #[inline]
    pub(super) fn enter(&mut self, place: Place) {
        self.levels.push(Level {
            place,
            out_start: 0,
            open: None,
        });
    }

    /// Leaves the message that was entered last.
    pub(super) fn leave(&mut self) {
        let Some(level) = self.levels.pop() else {
            return;
        };
        if let Some(open) = level.open {
            self.copy_to(level.place.end);
            close(&mut self.out, open);
            self.opened = self.levels.len();
        }
    }

    /// Leaves the message that was entered last, and leaves it out.
    pub(super) fn discard(&mut self) {
        let Some(level) = self.levels.pop() else {
            return;
        };
        if level.open.is_some() {
            self.out.truncate(level.out_start);
            self.copied = level.place.end;
            self.opened = self.levels.len();
        } else {
            self.replace(level.place.start, level.place.end, |_| ());
        }
    }

    /// Puts what `write` appends in the place of `start..end`.
    #[inline]
    pub(super) fn replace(&mut self, start: usize, end: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.changed || self.opened < self.levels.len() {
            self.open_levels();
        }
        self.copy_to(start);
        write(&mut self.out);
        self.copied = end;
    }

    /// [`replace`](Self::replace) by a length-delimited field whose content
    /// `write` appends.
    #[inline]
    pub(super) fn replace_field(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        self.replace(place.start, place.end, |out| {
            write_field(out, place.number, place.end - place.content, write);
        });
    }

    /// Puts something behind what is in the message that was entered last.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let end = self
            .levels
            .last()
            .map_or(self.source.len(), |level| level.place.end);
        self.replace(end, end, write);
    }

    #[cold]
    #[inline(never)]
    fn open_levels(&mut self) {
        if !self.changed {
            self.changed = true;
            self.out
                .reserve(self.source.len() + self.source.len() / 8 + 64);
        }
        for at in self.opened..self.levels.len() {
            let place = self.levels[at].place;
            self.copy_to(place.start);
            self.levels[at].out_start = self.out.len();
            let width = width(place.end - place.content);
            self.levels[at].open = Some(open(&mut self.out, place.number, width));
            self.copied = place.content;
        }
        self.opened = self.levels.len();
    }

    #[inline(always)]
    fn copy_to(&mut self, end: usize) {
        self.out.extend_from_slice(&self.source[self.copied..end]);
        self.copied = end;
    }

    /// Copies the rest. Tells whether there is any difference; without one,
    /// nothing was written.
    pub(super) fn finish(mut self) -> (Vec<u8>, bool) {
        if self.changed {
            self.copy_to(self.source.len());
        }
        (self.out, self.changed)
    }
}

/// How many bytes to reserve for the length of a message of probably this size.
#[inline(always)]
fn width(likely: usize) -> usize {
    varint_len(likely as u64).min(GROUP)
}

/// Appends a length-delimited field whose content `write` appends; `likely` is
/// the length that it will probably have.
#[inline]
pub(super) fn write_field(
    out: &mut Vec<u8>,
    number: u32,
    likely: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let message = open(out, number, width(likely));
    write(out);
    close(out, message);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1: { 2: "ab", 2: "cd", 3: "e" }, 4: 7
    const SOURCE: &[u8] = b"\x0a\x0b\x12\x02ab\x12\x02cd\x1a\x01e\x20\x07";
    const OUTER: Place = Place {
        number: 1,
        start: 0,
        content: 2,
        end: 13,
    };

    fn weave(edit: impl FnOnce(&mut Weaver<'_>)) -> (Vec<u8>, bool) {
        let mut weaver = Weaver::new(SOURCE, Vec::new());
        weaver.enter(OUTER);
        edit(&mut weaver);
        weaver.finish()
    }

    #[test]
    fn what_is_not_changed_is_not_written() {
        assert_eq!(weave(|weaver| weaver.leave()), (Vec::new(), false));
    }

    #[test]
    fn lengths_around_a_change_follow_it() {
        let (out, changed) = weave(|weaver| {
            weaver.replace(2, 6, |out| out.extend_from_slice(b"\x12\x03xyz"));
            weaver.append(|out| out.extend_from_slice(b"\x1a\x00"));
            weaver.leave();
        });
        assert!(changed);
        assert_eq!(
            out,
            b"\x0a\x0e\x12\x03xyz\x12\x02cd\x1a\x01e\x1a\x00\x20\x07"
        );
    }

    #[test]
    fn a_discarded_message_takes_back_what_was_written_for_it() {
        let (out, changed) = weave(|weaver| {
            weaver.replace(2, 6, |_| ());
            weaver.discard();
        });
        assert!(changed);
        assert_eq!(out, b"\x20\x07");
        assert_eq!(
            weave(|weaver| weaver.discard()),
            (out, true),
            "also when nothing was"
        );
    }
}
