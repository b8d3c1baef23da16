//! Where inflated bytes go: grows in steps, never past its limits.

use bytes::Bytes;

use super::{InflateError, InflateLimits, RATIO_FLOOR};
use crate::budget::{Budget, Charge};
use crate::encoding::Encoding;

/// The first reservation without a hint.
const FIRST: usize = 4 << 10;
/// A hint of the sender is followed up to this many bytes out of one.
const TRUSTED_HINT: usize = 32;

pub(super) struct Output<'a> {
    /// What came out so far.
    pub(super) bytes: Vec<u8>,
    encoding: Encoding,
    wire: usize,
    allowed: usize,
    limits: InflateLimits,
    budget: &'a dyn Budget,
    charge: Option<Charge>,
    charged: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        encoding: Encoding,
        wire: usize,
        limits: InflateLimits,
        budget: &'a dyn Budget,
    ) -> Output<'a> {
        let by_ratio = wire.saturating_mul(limits.ratio).max(RATIO_FLOOR);
        Output {
            bytes: Vec::new(),
            encoding,
            wire,
            allowed: limits.max.min(by_ratio),
            limits,
            budget,
            charge: None,
            charged: 0,
        }
    }

    /// Makes room for more output: at least a byte, one past the limit at most,
    /// so that a stream which ends exactly at the limit is told from a longer one.
    pub(super) fn room(&mut self) -> Result<(), InflateError> {
        self.settle()?;
        if self.bytes.capacity() > self.bytes.len() {
            return Ok(());
        }
        let wanted = match self.bytes.len() {
            0 => (4 * self.wire).max(FIRST),
            len => 2 * len,
        };
        let capacity = wanted.min(self.allowed + 1);
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }

    /// Reserves for a size that the sender announces, as far as that is plausible.
    pub(super) fn expect(&mut self, announced: usize) -> Result<(), InflateError> {
        let plausible = announced.min(self.wire.saturating_mul(TRUSTED_HINT).max(FIRST));
        let capacity = plausible.min(self.allowed).saturating_add(1);
        self.bytes
            .reserve_exact(capacity.saturating_sub(self.bytes.len()));
        Ok(())
    }

    /// Checks a size that is known for sure before anything is allocated for it.
    pub(super) fn exactly(&mut self, size: usize) -> Result<(), InflateError> {
        if size > self.allowed - self.bytes.len() {
            return Err(self.over());
        }
        self.charge(size)?;
        self.bytes.reserve_exact(size);
        Ok(())
    }

    /// Appends what a decoder wrote elsewhere.
    pub(super) fn extend(&mut self, more: &[u8]) -> Result<(), InflateError> {
        if more.len() > self.allowed - self.bytes.len() {
            return Err(self.over());
        }
        self.charge(more.len())?;
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Charges what came out and checks it against the limits.
    pub(super) fn settle(&mut self) -> Result<(), InflateError> {
        if self.bytes.len() > self.allowed {
            return Err(self.over());
        }
        let more = self.bytes.len().saturating_sub(self.charged);
        self.charge(more)
    }

    /// Whether a size that the sender announces could pass the limits.
    pub(super) fn fits(&self, size: usize) -> bool {
        size <= self.allowed - self.bytes.len()
    }

    pub(super) fn broken(&self, why: impl Into<String>) -> InflateError {
        InflateError::Broken {
            encoding: self.encoding,
            why: why.into(),
        }
    }

    pub(super) fn over(&self) -> InflateError {
        if self.allowed < self.limits.max {
            InflateError::Bomb {
                encoding: self.encoding,
                wire: self.wire,
                ratio: self.limits.ratio,
            }
        } else {
            InflateError::TooLarge {
                encoding: self.encoding,
                limit: self.limits.max,
            }
        }
    }

    pub(super) fn finish(mut self) -> Bytes {
        if self.bytes.capacity() > self.bytes.len() + self.bytes.len() / 4 {
            self.bytes.shrink_to_fit();
        }
        self.charge.unwrap_or_default().attach(self.bytes.into())
    }

    fn charge(&mut self, more: usize) -> Result<(), InflateError> {
        if more == 0 {
            return Ok(());
        }
        match &mut self.charge {
            Some(charge) => charge.grow(more)?,
            None => self.charge = Some(self.budget.charge(more)?),
        }
        self.charged += more;
        Ok(())
    }
}
