//! The payload: valid bytes of one signal as a rope.

mod segments;
mod split;

use bytes::Bytes;
use segments::Segments;
pub use split::{Split, SplitLimits};

use crate::Signal;
use crate::read::{Decode, Messages, ResourceLogs, ResourceMetrics, ResourceSpans};
use crate::validate::{Invalid, validate};

/// Telemetry of one signal: the bytes of a valid `ExportXServiceRequest`.
///
/// It is a rope of one or more segments, each holding whole top-level fields,
/// so that payloads are joined without copying: protobuf merges repeated
/// fields. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    segments: Segments,
}

impl Payload {
    /// Takes the bytes of a request after one forward walk over them, which
    /// checks every nested field and allocates nothing.
    ///
    /// # Errors
    ///
    /// Names the field, the byte and what was expected there.
    pub fn validate(signal: Signal, bytes: Bytes) -> Result<Payload, Invalid> {
        let items = validate(signal, &bytes)?;
        Ok(Payload {
            signal,
            segments: Segments::one(bytes, items),
        })
    }

    /// Takes bytes that this crate wrote or cut out of valid ones, and which
    /// hold `items` items.
    pub(crate) fn from_valid(signal: Signal, bytes: Bytes, items: usize) -> Payload {
        debug_assert_eq!(
            validate(signal, &bytes),
            Ok(items),
            "bytes are valid by construction"
        );
        Payload {
            signal,
            segments: Segments::one(bytes, items),
        }
    }

    /// A payload with nothing in it.
    pub fn empty(signal: Signal) -> Payload {
        Payload {
            signal,
            segments: Segments::new(),
        }
    }

    /// Which signal it is.
    #[inline]
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// How many log records, spans or data points it holds.
    #[inline]
    pub const fn items(&self) -> usize {
        self.segments.items()
    }

    /// Its length in bytes.
    #[inline]
    pub const fn size(&self) -> usize {
        self.segments.size()
    }

    /// Whether it holds no items. It may still have bytes, of a resource without
    /// records for one.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.items() == 0
    }

    /// Its bytes in pieces: concatenated, they are one request.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        self.segments.iter().map(|segment| &segment.bytes)
    }

    /// The segments with the number of items in each.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&Bytes, usize)> {
        self.segments
            .iter()
            .map(|segment| (&segment.bytes, segment.items))
    }

    /// Puts `other` after what is here. Copies nothing but segments of less than
    /// 4 KiB, which are gathered so that they cannot keep a large buffer alive.
    ///
    /// A payload of another signal is not appended, which is a mistake of the
    /// caller that debug builds stop at.
    pub fn append(&mut self, other: Payload) {
        debug_assert_eq!(
            self.signal, other.signal,
            "only payloads of one signal join"
        );
        if self.signal == other.signal {
            self.segments.append(other.segments);
        }
    }

    /// Keeps `owner` alive until the last slice of these bytes is dropped, also
    /// through cutting and joining (unless small segments are copied together).
    #[must_use]
    pub fn keep<O: Send + Sync + 'static>(self, owner: O) -> Payload {
        Payload {
            signal: self.signal,
            segments: self.segments.keep(owner),
        }
    }

    /// How many of its bytes [`append`](Payload::append) copies because their
    /// segments are small.
    pub fn size_of_small_segments(&self) -> usize {
        let sizes = self.segments.iter().map(|segment| segment.bytes.len());
        sizes.filter(|size| *size < segments::SMALL).sum()
    }

    /// Cuts it into pieces within the limits; see [`Split`].
    pub fn split(self, limits: SplitLimits) -> Split {
        split::split(self.signal, self.segments, limits)
    }

    /// Its bytes in one piece; copied only if there are several segments.
    pub fn into_bytes(self) -> Bytes {
        self.segments.into_bytes()
    }

    /// The log records by resource; none if this is another signal.
    pub fn logs(&self) -> impl Iterator<Item = ResourceLogs<'_>> + Clone {
        self.resources(Signal::Logs)
    }

    /// The spans by resource; none if this is another signal.
    pub fn traces(&self) -> impl Iterator<Item = ResourceSpans<'_>> + Clone {
        self.resources(Signal::Traces)
    }

    /// The metrics by resource; none if this is another signal.
    pub fn metrics(&self) -> impl Iterator<Item = ResourceMetrics<'_>> + Clone {
        self.resources(Signal::Metrics)
    }

    fn resources<'a, T: Decode<'a>>(&'a self, signal: Signal) -> impl Iterator<Item = T> + Clone {
        let segments = if signal == self.signal {
            self.segments.as_slice()
        } else {
            &[]
        };
        segments
            .iter()
            .flat_map(|segment| Messages::new(&segment.bytes, 1))
    }
}
