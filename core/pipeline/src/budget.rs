//! One budget of bytes for the telemetry that the process holds, in shares.

mod door;
mod shares;

use std::sync::Arc;

use bytes::Bytes;
use shares::{Pool, Share};

pub use door::current;
pub(crate) use door::{at_door, hold, is_owed, overdraw_current};

/// Counts the bytes of telemetry in memory. Receivers charge bytes as they
/// arrive and are refused when the budget is spent; stages inside a pipeline
/// never wait for it.
///
/// It is one budget for the process, seen through shares: each receiver has a
/// door of its own ([`Budget::door`]), with a part of the limit that no other
/// can take, so that one huge sender cannot keep all others out. Cloning shares
/// the share.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Share>);

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Budget {
        Budget(Arc::new(Share::plain(&Pool::new(limit))))
    }

    /// A budget without a limit, for tests and tools.
    pub fn unlimited() -> Budget {
        Budget::new(usize::MAX)
    }

    /// The same budget seen from the door of a new holder, one of `doors` among
    /// which a quarter of the limit is divided: its part is guaranteed to it as
    /// long as the door is in use, its last bytes included. All else is there for
    /// whoever comes first. Half of the limit may be promised in all, so that
    /// receivers that a reload replaces keep their part beside the new ones.
    ///
    /// A door that is opened while others hold more than the common part that
    /// is left makes that part full; what was handed out stays handed out.
    #[must_use]
    pub fn door(&self, doors: usize) -> Budget {
        Budget(Arc::new(Share::guaranteed(&self.0.pool, doors)))
    }

    /// The limit of the process in bytes.
    pub fn limit(&self) -> usize {
        self.0.pool.limit
    }

    /// Bytes charged now through all doors.
    pub fn used(&self) -> usize {
        self.0.pool.used()
    }

    /// Bytes charged now through this door.
    pub fn held(&self) -> usize {
        self.0.used()
    }

    /// Bytes that nobody but this door can take.
    pub fn guarantee(&self) -> usize {
        self.0.guarantee
    }

    /// Whether both are shares of one budget.
    pub fn is_same_process(&self, other: &Budget) -> bool {
        Arc::ptr_eq(&self.0.pool, &other.0.pool)
    }

    /// Charges `bytes`, or refuses when they do not fit.
    pub fn charge(&self, bytes: usize) -> Option<Charge> {
        self.0.take(bytes).then(|| Charge {
            budget: self.clone(),
            bytes,
        })
    }

    /// Charges `bytes` even past the limit: for data that is inside already.
    pub fn overdraw(&self, bytes: usize) -> Charge {
        self.0.overdraw(bytes);
        Charge {
            budget: self.clone(),
            bytes,
        }
    }
}

/// Bytes charged to a budget, given back on drop.
#[derive(Debug)]
pub struct Charge {
    budget: Budget,
    bytes: usize,
}

impl Charge {
    /// How many bytes are charged.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Charges `more` bytes, or refuses and keeps what is charged.
    ///
    /// # Errors
    /// [`Exhausted`] when they do not fit.
    pub fn grow(&mut self, more: usize) -> Result<(), Exhausted> {
        if !self.budget.0.take(more) {
            return Err(Exhausted);
        }
        self.bytes += more;
        Ok(())
    }

    /// Charges `more` bytes even past the limit.
    pub(crate) fn overdraw(&mut self, more: usize) {
        self.budget.0.overdraw(more);
        self.bytes += more;
    }

    /// Whether it is charged to this door.
    pub(crate) fn is_of(&self, door: &Budget) -> bool {
        Arc::ptr_eq(&self.budget.0, &door.0)
    }

    /// Ties the charge to `bytes`: it is given back when the last slice of them
    /// is dropped, so that splitting, joining and fan-out need no bookkeeping.
    pub fn attach(self, bytes: Bytes) -> Bytes {
        struct Charged {
            bytes: Bytes,
            _charge: Charge,
        }
        impl AsRef<[u8]> for Charged {
            fn as_ref(&self) -> &[u8] {
                &self.bytes
            }
        }
        Bytes::from_owner(Charged {
            bytes,
            _charge: self,
        })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.give_back(self.bytes);
    }
}

/// What a sender is told to wait when the budget is spent.
const WHEN_SPENT: std::time::Duration = std::time::Duration::from_secs(1);

impl From<Exhausted> for net::Refused {
    fn from(exhausted: Exhausted) -> net::Refused {
        net::Refused {
            why: exhausted.to_string().into(),
            after: Some(WHEN_SPENT),
        }
    }
}

/// Sockets charge what they read to the budget.
impl net::Budget for Budget {
    fn charge(&self, bytes: usize) -> Result<net::Charge, net::Refused> {
        Budget::charge(self, bytes)
            .map(net::Charge::new)
            .ok_or_else(|| Exhausted.into())
    }
}

impl net::Hold for Charge {
    fn grow(&mut self, more: usize) -> Result<(), net::Refused> {
        Charge::grow(self, more).map_err(Into::into)
    }

    fn attach(self: Box<Self>, bytes: Bytes) -> Bytes {
        Charge::attach(*self, bytes)
    }
}

/// The byte budget of the process is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory budget for telemetry is spent")]
pub struct Exhausted;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charge_lives_as_long_as_the_last_slice() {
        let budget = Budget::new(10);
        let bytes = budget
            .charge(8)
            .expect("fits")
            .attach(Bytes::from_static(b"12345678"));
        let slice = bytes.slice(2..4);
        drop(bytes);
        assert_eq!(budget.used(), 8);
        assert!(budget.charge(3).is_none());
        drop(slice);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn growing_past_the_limit_keeps_what_is_charged() {
        let budget = Budget::new(10);
        let mut charge = budget.charge(4).expect("fits");
        charge.grow(6).expect("fits");
        assert_eq!(charge.grow(1), Err(Exhausted));
        assert_eq!((charge.bytes(), budget.used()), (10, 10));
        drop(charge);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn data_inside_may_overdraw() {
        let budget = Budget::new(1);
        let charge = budget.overdraw(5);
        assert_eq!(budget.used(), 5);
        assert!(budget.charge(1).is_none());
        drop(charge);
        assert!(budget.charge(1).is_some());
    }
}
