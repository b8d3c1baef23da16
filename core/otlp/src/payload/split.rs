use smallvec::{SmallVec, smallvec};

use super::Payload;
use super::segments::{Segment, Segments};
use crate::Signal;
use crate::frame::Frame;
use crate::limits::{MAX_REPEATED, REPEATED_FREE};
use crate::wire::{Fields, bytes_len, put_len};

/// What a piece may hold at most; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SplitLimits {
    /// Log records, spans or data points.
    pub max_items: usize,
    /// Bytes.
    pub max_bytes: usize,
}

impl SplitLimits {
    const fn allow(self, items: usize, bytes: usize) -> bool {
        (self.max_items == 0 || items <= self.max_items)
            && (self.max_bytes == 0 || bytes <= self.max_bytes)
    }
}

/// A payload cut at the borders of its items.
///
/// Cuts are made between segments if that is enough, else between resources,
/// scopes, metrics, items, in this order of preference: what fits into a piece
/// whole stays whole and is shared, what is cut is copied, and its headers (the
/// resource, the scope, a metric's name and temporality) are repeated.
/// No piece is empty, none is over a limit, and order is kept. Parts without
/// items (a resource without records, unknown fields of the request itself)
/// go with their neighbours as far as they fit, else they are left out.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Payloads within the limits.
    pub pieces: Vec<Payload>,
    /// What no cut brings within the limits: payloads of one item that is over
    /// `max_bytes` together with its headers. Also, once headers were repeated so
    /// often that they are more than [`MAX_REPEATED`] times the payload, the rest
    /// of what is under these headers, as one payload.
    pub oversize: Vec<Payload>,
}

pub(super) fn split(signal: Signal, segments: Segments, limits: SplitLimits) -> Split {
    if segments.items() == 0 {
        return Split::default();
    }
    if limits.allow(segments.items(), segments.size()) {
        return Split {
            pieces: vec![Payload { signal, segments }],
            oversize: Vec::new(),
        };
    }
    let mut splitter = Splitter {
        signal,
        frame: Frame::of(signal),
        limits,
        may_repeat: segments
            .size()
            .saturating_mul(MAX_REPEATED)
            .saturating_add(REPEATED_FREE),
        open: Segments::new(),
        done: Split::default(),
    };
    for segment in segments {
        splitter.segment(segment);
    }
    splitter.close();
    splitter.done
}

struct Splitter {
    signal: Signal,
    frame: Frame,
    limits: SplitLimits,
    /// How many more bytes of headers may be repeated.
    may_repeat: usize,
    /// The piece that is being filled.
    open: Segments,
    done: Split,
}

/// What has to be repeated around each part of a message that is cut.
struct Header<'a> {
    /// The field number of the message.
    number: u32,
    /// Its fields that are not of the next level.
    parts: Parts<'a>,
}

/// Neighbouring fields of one message, as few slices as possible.
struct Parts<'a> {
    message: &'a [u8],
    ranges: SmallVec<[(usize, usize); 2]>,
    len: usize,
    items: usize,
}

impl<'a> Parts<'a> {
    fn none(message: &'a [u8]) -> Self {
        Parts {
            message,
            ranges: SmallVec::new(),
            len: 0,
            items: 0,
        }
    }

    fn add(&mut self, start: usize, end: usize, items: usize) {
        match self.ranges.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => self.ranges.push((start, end)),
        }
        self.len += end - start;
        self.items += items;
    }

    fn write(&self, out: &mut Vec<u8>) {
        for &(start, end) in &self.ranges {
            out.extend_from_slice(self.message.get(start..end).unwrap_or_default());
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Parts::none(self.message))
    }
}

impl Splitter {
    fn joins(&self, items: usize, bytes: usize) -> bool {
        self.limits
            .allow(self.open.items() + items, self.open.size() + bytes)
    }

    /// Ends the open piece.
    fn close(&mut self) {
        let segments = std::mem::replace(&mut self.open, Segments::new());
        if segments.items() > 0 {
            self.done.pieces.push(Payload {
                signal: self.signal,
                segments,
            });
        }
    }

    fn segment(&mut self, segment: Segment) {
        let (items, size) = (segment.items, segment.bytes.len());
        if !self.joins(items, size) {
            if !self.limits.allow(items, size) {
                return self.cut_segment(&segment);
            }
            self.close();
        }
        self.open.push(segment);
    }

    /// Puts the resources of a segment into pieces, as shared slices.
    fn cut_segment(&mut self, segment: &Segment) {
        let bytes = &segment.bytes;
        let mut run = 0..0;
        let mut run_items = 0;
        for field in Fields::new(bytes) {
            let items = self.frame.count_field(0, &field);
            let size = field.end - field.start;
            if !self.joins(run_items + items, run.len() + size) || run.end != field.start {
                self.open.push_slice(bytes.slice(run.clone()), run_items);
                (run, run_items) = (field.start..field.start, 0);
            }
            if !self.joins(items, size) {
                if !self.limits.allow(items, size) {
                    if items > 0 {
                        self.cut(1, &mut smallvec![], field.number, field.bytes());
                    }
                    continue;
                }
                self.close();
            }
            run.end = field.end;
            run_items += items;
        }
        self.open.push_slice(bytes.slice(run), run_items);
    }

    /// Puts what is in a message of this level into pieces, each with the headers
    /// of this message and those around it.
    fn cut<'a>(
        &mut self,
        level: usize,
        headers: &mut SmallVec<[Header<'a>; 4]>,
        number: u32,
        message: &'a [u8],
    ) {
        let mut parts = Parts::none(message);
        for field in Fields::new(message) {
            if !self.frame.is_inner(level, field.number) {
                parts.add(field.start, field.end, 0);
            }
        }
        headers.push(Header { number, parts });
        let mut group = Parts::none(message);
        for field in Fields::new(message) {
            if !self.frame.is_inner(level, field.number) {
                continue;
            }
            let items = self.frame.count_field(level, &field);
            let size = field.end - field.start;
            let exhausted = self.may_repeat == 0;
            if exhausted || self.joins(group.items + items, wrapped(headers, group.len + size)) {
                group.add(field.start, field.end, items);
                continue;
            }
            self.emit(headers, group.take());
            let alone = wrapped(headers, size);
            if self.limits.allow(items, alone) {
                if !self.joins(items, alone) {
                    self.close();
                }
                group.add(field.start, field.end, items);
            } else if self.frame.holds_items(level) {
                group.add(field.start, field.end, items);
                self.emit(headers, group.take());
            } else if items > 0 {
                self.cut(level + 1, headers, field.number, field.bytes());
            }
        }
        self.emit(headers, group);
        headers.pop();
    }

    /// Puts a group within its headers into the open piece if it fits, else into
    /// what is oversize.
    fn emit(&mut self, headers: &[Header<'_>], group: Parts<'_>) {
        if group.items == 0 {
            return;
        }
        let (bytes, items) = (wrap(headers, &group), group.items);
        let repeated = bytes.len() - group.len + PIECE;
        self.may_repeat = self.may_repeat.saturating_sub(repeated);
        if self.joins(items, bytes.len()) {
            self.open.push_own(bytes, items);
        } else {
            self.done
                .oversize
                .push(Payload::from_valid(self.signal, bytes.into(), items));
        }
    }
}

/// What a piece costs in memory beside its bytes, about.
const PIECE: usize = 128;

/// The length of a group of `len` bytes within these headers.
fn wrapped(headers: &[Header<'_>], len: usize) -> usize {
    headers.iter().rfold(len, |len, header| {
        bytes_len(header.number, header.parts.len + len)
    })
}

/// The bytes of a group within these headers.
fn wrap(headers: &[Header<'_>], group: &Parts<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(wrapped(headers, group.len));
    for (level, header) in headers.iter().enumerate() {
        let inner = wrapped(headers.get(level + 1..).unwrap_or_default(), group.len);
        put_len(&mut out, header.number, header.parts.len + inner);
        header.parts.write(&mut out);
    }
    group.write(&mut out);
    out
}
