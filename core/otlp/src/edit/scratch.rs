//! What walks use again and again.

use super::arena::Arena;

/// Memory that is used again by every walk: one a worker.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) arena: Arena,
}

impl Scratch {
    /// Nothing is allocated before the first walk that needs it.
    pub fn new() -> Self {
        Scratch::default()
    }
}
