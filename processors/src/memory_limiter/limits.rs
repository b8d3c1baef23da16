//! The limits of memory, and what they mean for one request.

/// Limits in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Above it data are refused.
    pub(super) soft: usize,
    /// What must not be passed.
    pub(super) hard: usize,
}

/// What the receiver of a request has of the byte budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    /// Bytes it holds.
    pub(super) held: usize,
    /// Bytes that nobody else can take.
    pub(super) guarantee: usize,
}

impl Limits {
    /// Whether `bytes` more may come in through `door` while `memory` is used.
    ///
    /// Between the two limits a receiver may still have its guaranteed part of
    /// the byte budget: a sender that fills the memory does not lock out the
    /// others, and memory that the allocator keeps for reuse locks out nobody.
    pub(super) fn let_in(&self, memory: usize, door: Option<Door>, bytes: usize) -> bool {
        let then = memory.saturating_add(bytes);
        if then <= self.soft {
            return true;
        }
        let owed = door.is_some_and(|door| door.held.saturating_add(bytes) <= door.guarantee);
        owed && then <= self.hard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        soft: 80,
        hard: 100,
    };

    fn door(held: usize, guarantee: usize) -> Option<Door> {
        Some(Door { held, guarantee })
    }

    #[test]
    fn what_would_pass_the_soft_limit_stays_outside() {
        assert!(LIMITS.let_in(70, None, 10));
        assert!(!LIMITS.let_in(70, None, 11));
        assert!(!LIMITS.let_in(81, None, 0));
        assert!(!LIMITS.let_in(70, None, usize::MAX));
    }

    #[test]
    fn a_receiver_gets_its_guaranteed_part_up_to_the_hard_limit() {
        assert!(LIMITS.let_in(81, door(0, 10), 10));
        assert!(!LIMITS.let_in(81, door(5, 10), 6), "more than its part");
        assert!(!LIMITS.let_in(95, door(0, 10), 6), "past the hard limit");
        assert!(!LIMITS.let_in(101, door(0, 10), 0));
    }
}
