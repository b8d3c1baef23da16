//! Who holds how much of the budget: counting without locks.
//!
//! Every share has a part that only it may take, its guarantee; what is left of
//! the limit is the common part. A share takes its guarantee first. Bytes past
//! it are reserved in the common part *before* they are added to the share, and
//! given back there only *after* they are taken off, so at any moment the
//! common count is at least the sum of what the shares hold past their
//! guarantees: it never wraps and nothing is handed out twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One part in this many of the limit is divided among the doors.
const DIVIDED: usize = 4;
/// One part in this many may be promised in all: while a reload replaces
/// receivers, the old ones and the new ones have their guarantees.
const PROMISED: usize = 2;

/// The bytes of the process.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) limit: usize,
    /// Held by all shares.
    used: AtomicUsize,
    /// Held past guarantees, or about to be.
    common: AtomicUsize,
    /// The limit less all guarantees.
    common_limit: AtomicUsize,
    /// What may still be guaranteed.
    unpromised: AtomicUsize,
    /// How many shares are guaranteed something.
    guaranteed: AtomicUsize,
}

impl Pool {
    pub(super) fn new(limit: usize) -> Arc<Pool> {
        Arc::new(Pool {
            limit,
            used: AtomicUsize::new(0),
            common: AtomicUsize::new(0),
            common_limit: AtomicUsize::new(limit),
            unpromised: AtomicUsize::new(limit / PROMISED),
            guaranteed: AtomicUsize::new(0),
        })
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take_common(&self, bytes: usize) -> bool {
        let limit = self.common_limit.load(Ordering::Relaxed);
        self.common
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |common| {
                common.checked_add(bytes).filter(|common| *common <= limit)
            })
            .is_ok()
    }

    fn give_common(&self, bytes: usize) {
        if bytes > 0 {
            self.common.fetch_sub(bytes, Ordering::AcqRel);
        }
    }
}

/// What one holder has of the pool. Its guarantee returns with its last reference.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) pool: Arc<Pool>,
    pub(super) guarantee: usize,
    used: AtomicUsize,
}

impl Share {
    /// A share that is guaranteed nothing.
    pub(super) fn plain(pool: &Arc<Pool>) -> Share {
        Share::with(pool, 0)
    }

    fn with(pool: &Arc<Pool>, guarantee: usize) -> Share {
        Share {
            pool: Arc::clone(pool),
            guarantee,
            used: AtomicUsize::new(0),
        }
    }

    /// A share that is guaranteed one part in `parts` of what is divided, or
    /// what is left to promise.
    pub(super) fn guaranteed(pool: &Arc<Pool>, parts: usize) -> Share {
        let wanted = pool.limit / DIVIDED / parts.max(1);
        let mut guarantee = 0;
        let _ = pool
            .unpromised
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |left| {
                guarantee = wanted.min(left);
                Some(left - guarantee)
            });
        pool.common_limit.fetch_sub(guarantee, Ordering::AcqRel);
        if guarantee > 0 {
            pool.guaranteed.fetch_add(1, Ordering::AcqRel);
        }
        Share::with(pool, guarantee)
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether it would hold less than its equal part of what all hold with
    /// `bytes` more. One alone never does.
    pub(super) fn is_below_equal_part(&self, bytes: usize) -> bool {
        let parts = self.pool.guaranteed.load(Ordering::Relaxed);
        let held = self.used().saturating_add(bytes);
        self.guarantee > 0 && held.saturating_mul(parts) < self.pool.used()
    }

    fn past_guarantee(&self, used: usize) -> usize {
        used.saturating_sub(self.guarantee)
    }

    /// Takes `bytes` when they fit.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let mut used = self.used();
        let mut reserved = 0;
        loop {
            let Some(next) = used.checked_add(bytes) else {
                self.pool.give_common(reserved);
                return false;
            };
            let needed = self.past_guarantee(next) - self.past_guarantee(used);
            if needed > reserved && !self.pool.take_common(needed - reserved) {
                self.pool.give_common(reserved);
                return false;
            }
            self.pool.give_common(reserved.saturating_sub(needed));
            reserved = needed;
            match self
                .used
                .compare_exchange_weak(used, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(now) => used = now,
            }
        }
        self.pool.used.fetch_add(bytes, Ordering::AcqRel);
        true
    }

    /// Takes `bytes` whether they fit or not.
    pub(super) fn overdraw(&self, bytes: usize) {
        let mut used = self.used();
        let mut reserved = 0;
        loop {
            let next = used + bytes;
            let needed = self.past_guarantee(next) - self.past_guarantee(used);
            // nearly always all of it is within the guarantee, and the common part is left alone
            if needed > reserved {
                self.pool
                    .common
                    .fetch_add(needed - reserved, Ordering::AcqRel);
            }
            self.pool.give_common(reserved.saturating_sub(needed));
            reserved = needed;
            match self
                .used
                .compare_exchange_weak(used, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(now) => used = now,
            }
        }
        self.pool.used.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Returns `bytes` that were taken.
    pub(super) fn give_back(&self, bytes: usize) {
        self.pool.used.fetch_sub(bytes, Ordering::AcqRel);
        let before = self.used.fetch_sub(bytes, Ordering::AcqRel);
        let freed = self.past_guarantee(before) - self.past_guarantee(before - bytes);
        self.pool.give_common(freed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.guarantee > 0 {
            self.pool
                .common_limit
                .fetch_add(self.guarantee, Ordering::AcqRel);
            self.pool.guaranteed.fetch_sub(1, Ordering::AcqRel);
            self.pool
                .unpromised
                .fetch_add(self.guarantee, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_share_cannot_take_what_others_are_guaranteed() {
        let pool = Pool::new(800);
        let huge = Share::guaranteed(&pool, 2);
        let small = Share::guaranteed(&pool, 2);
        assert_eq!((huge.guarantee, small.guarantee), (100, 100));
        assert!(!huge.take(701), "its own 100 and the common 600");
        assert!(huge.take(700));
        assert!(!huge.take(1));
        assert!(small.take(100), "the guarantee is there");
        assert!(!small.take(1), "the common part is gone");
        assert_eq!(pool.used(), 800);
        huge.give_back(50);
        assert!(small.take(50), "what one gives back the other may take");
        assert!(!huge.take(1));
        small.give_back(150);
        huge.give_back(650);
        assert_eq!((pool.used(), pool.common.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn a_single_share_may_take_everything() {
        let pool = Pool::new(800);
        let only = Share::guaranteed(&pool, 1);
        assert!(only.take(800));
        assert!(!only.take(1));
        only.give_back(800);
    }

    #[test]
    fn a_guarantee_returns_with_its_share_and_no_more_than_half_is_promised() {
        let pool = Pool::new(800);
        let old = Share::guaranteed(&pool, 1);
        let new = Share::guaranteed(&pool, 1);
        let third = Share::guaranteed(&pool, 1);
        let guarantees = [old.guarantee, new.guarantee, third.guarantee];
        assert_eq!(guarantees, [200, 200, 0]);
        assert!(!third.take(401), "the others' guarantees are theirs");
        drop((old, new));
        assert!(third.take(800), "nobody else is promised anything");
        third.give_back(800);
        assert_eq!(Share::guaranteed(&pool, 2).guarantee, 100);
    }

    #[test]
    fn who_holds_less_than_its_equal_part_is_known() {
        let pool = Pool::new(800);
        let huge = Share::guaranteed(&pool, 2);
        assert!(huge.take(100));
        assert!(!huge.is_below_equal_part(0), "it is alone");
        let small = Share::guaranteed(&pool, 2);
        assert!(small.is_below_equal_part(49));
        assert!(!small.is_below_equal_part(50), "half of what is held");
        assert!(!huge.is_below_equal_part(0));
        assert!(!Share::plain(&pool).is_below_equal_part(0));
        huge.give_back(100);
        assert!(!small.is_below_equal_part(0), "nobody holds anything");
    }

    #[test]
    fn what_is_overdrawn_is_counted_and_given_back() {
        let pool = Pool::new(400);
        let share = Share::guaranteed(&pool, 1);
        share.overdraw(1000);
        assert_eq!(pool.used(), 1000);
        assert!(!share.take(1));
        assert!(!Share::plain(&pool).take(1));
        share.give_back(1000);
        assert_eq!((pool.used(), pool.common.load(Ordering::Relaxed)), (0, 0));
        assert!(share.take(400));
        share.give_back(400);
    }

    /// A small generator, so that every thread has its own known sequence.
    fn next(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state >> 33).unwrap_or(0)
    }

    /// Threads that take, overdraw and give back at random. A count that went
    /// below 0 would wrap and show as more than the limit.
    #[test]
    fn many_threads_never_pass_the_limit_and_leave_nothing_behind() {
        const LIMIT: usize = 10_000;
        let pool = Pool::new(LIMIT);
        let shares: Vec<Arc<Share>> = (0..3)
            .map(|_| Arc::new(Share::guaranteed(&pool, 3)))
            .collect();
        thread::scope(|scope| {
            for seed in 1..=6_u64 {
                let share = Arc::clone(&shares[seed as usize % shares.len()]);
                let pool = Arc::clone(&pool);
                scope.spawn(move || {
                    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let mut held = Vec::new();
                    for _ in 0..20_000 {
                        let bytes = next(&mut state) % 900;
                        if next(&mut state).is_multiple_of(3) {
                            if let Some(bytes) = held.pop() {
                                share.give_back(bytes);
                            }
                        } else if share.take(bytes) {
                            held.push(bytes);
                        }
                        assert!(pool.used() <= LIMIT, "{}", pool.used());
                        let common = pool.common.load(Ordering::Relaxed);
                        assert!(common <= LIMIT - 3 * share.guarantee, "{common}");
                    }
                    held.into_iter().for_each(|bytes| share.give_back(bytes));
                });
            }
        });
        assert_eq!(pool.used(), 0);
        assert_eq!(pool.common.load(Ordering::Relaxed), 0);
        assert!(shares.iter().all(|share| share.used() == 0));
    }

    #[test]
    fn overdrawing_beside_charging_leaves_nothing_behind() {
        let pool = Pool::new(1000);
        let share = Arc::new(Share::guaranteed(&pool, 1));
        thread::scope(|scope| {
            for seed in 1..=4_u64 {
                let share = Arc::clone(&share);
                scope.spawn(move || {
                    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    for _ in 0..20_000 {
                        let bytes = next(&mut state) % 300;
                        if seed % 2 == 0 {
                            share.overdraw(bytes);
                        } else if !share.take(bytes) {
                            continue;
                        }
                        share.give_back(bytes);
                        let common = share.pool.common.load(Ordering::Relaxed);
                        assert!(common <= 1000 + 4 * 300, "a count wrapped: {common}");
                    }
                });
            }
        });
        assert_eq!((pool.used(), pool.common.load(Ordering::Relaxed)), (0, 0));
    }
}
