//! The byte budget as seen by a socket: bytes are charged as they arrive.
//!
//! The budget itself lives on the floor above; what reads from the network
//! only needs these two traits.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

/// Says whether more bytes may be held in memory.
pub trait Budget: Send + Sync {
    /// Charges `bytes` more bytes.
    ///
    /// # Errors
    /// [`Refused`] when they do not fit; nothing is charged then.
    fn charge(&self, bytes: usize) -> Result<Charge, Refused>;
}

/// Bytes charged to a budget; dropping it gives them back.
pub trait Hold: Send + Sync + 'static {
    /// Charges `more` bytes, or refuses and keeps what is charged.
    ///
    /// # Errors
    /// [`Refused`] when they do not fit.
    fn grow(&mut self, more: usize) -> Result<(), Refused>;

    /// Ties the charge to `bytes`, so that it is given back with their last slice.
    fn attach(self: Box<Self>, bytes: Bytes) -> Bytes;
}

/// What a [`Budget`] hands out: a hold, or nothing where nothing is counted.
#[derive(Default)]
pub struct Charge(Option<Box<dyn Hold>>);

impl Charge {
    /// A charge that counts nothing.
    pub fn none() -> Charge {
        Charge(None)
    }

    /// A charge that is given back when `hold` is dropped.
    pub fn new(hold: impl Hold) -> Charge {
        Charge(Some(Box::new(hold)))
    }

    /// Charges `more` bytes.
    ///
    /// # Errors
    /// [`Refused`] when they do not fit.
    pub fn grow(&mut self, more: usize) -> Result<(), Refused> {
        match &mut self.0 {
            Some(hold) => hold.grow(more),
            None => Ok(()),
        }
    }

    /// Ties the charge to `bytes`.
    pub fn attach(self, bytes: Bytes) -> Bytes {
        match self.0 {
            Some(hold) => hold.attach(bytes),
            None => bytes,
        }
    }
}

impl std::fmt::Debug for Charge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Charge(held)"
        } else {
            "Charge(none)"
        })
    }
}

/// A budget without a limit that counts nothing: clients' answers, tools, tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn charge(&self, _bytes: usize) -> Result<Charge, Refused> {
        Ok(Charge::none())
    }
}

/// The bytes do not fit now. The sender may come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// What is full, for the sender.
    pub why: Cow<'static, str>,
    /// When coming back makes sense.
    pub after: Option<Duration>,
}

#[cfg(test)]
pub(crate) mod testing {
    //! A budget with a limit for the tests of this crate.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use bytes::Bytes;

    use super::{Budget, Charge, Hold, Refused};

    /// Counts bytes and remembers the highest count.
    #[derive(Clone, Default)]
    pub(crate) struct Limited {
        pub(crate) limit: usize,
        pub(crate) used: Arc<AtomicUsize>,
        pub(crate) peak: Arc<AtomicUsize>,
    }

    impl Limited {
        pub(crate) fn new(limit: usize) -> Limited {
            Limited {
                limit,
                ..Limited::default()
            }
        }

        pub(crate) fn used(&self) -> usize {
            self.used.load(Ordering::SeqCst)
        }

        fn take(&self, bytes: usize) -> Result<(), Refused> {
            let now = self.used.fetch_add(bytes, Ordering::SeqCst) + bytes;
            if now > self.limit {
                self.used.fetch_sub(bytes, Ordering::SeqCst);
                return Err(Refused {
                    why: "the test budget is spent".into(),
                    after: Some(Duration::from_secs(2)),
                });
            }
            self.peak.fetch_max(now, Ordering::SeqCst);
            Ok(())
        }
    }

    impl Budget for Limited {
        fn charge(&self, bytes: usize) -> Result<Charge, Refused> {
            self.take(bytes)?;
            Ok(Charge::new(Held {
                budget: self.clone(),
                bytes,
            }))
        }
    }

    struct Held {
        budget: Limited,
        bytes: usize,
    }

    impl Hold for Held {
        fn grow(&mut self, more: usize) -> Result<(), Refused> {
            self.budget.take(more)?;
            self.bytes += more;
            Ok(())
        }

        fn attach(self: Box<Self>, bytes: Bytes) -> Bytes {
            struct Owner(
                Bytes,
                #[expect(dead_code, reason = "held until the drop")] Box<Held>,
            );
            impl AsRef<[u8]> for Owner {
                fn as_ref(&self) -> &[u8] {
                    &self.0
                }
            }
            Bytes::from_owner(Owner(bytes, self))
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.budget.used.fetch_sub(self.bytes, Ordering::SeqCst);
        }
    }
}
