//! The limits of memory.

/// Limits in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Above it data are refused.
    pub(super) soft: usize,
    /// What must not be passed.
    pub(super) hard: usize,
}
