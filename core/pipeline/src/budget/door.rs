//! Whose batch a thread handles, so that what stages make of it is charged to
//! the door it came in by.

use std::cell::RefCell;

use otlp::Payload;

use super::{Budget, Charge};

thread_local! {
    static DOOR: RefCell<Option<Budget>> = const { RefCell::new(None) };
}

/// Does `work` on behalf of `door`: handing over is synchronous, so everything
/// the stages behind an outlet do with a batch happens inside.
pub(crate) fn at_door<T>(door: Option<&Budget>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was there, also when `work` panics.
    struct Before(Option<Budget>);
    impl Drop for Before {
        fn drop(&mut self) {
            DOOR.set(self.0.take());
        }
    }
    let _before = Before(DOOR.replace(door.cloned()));
    work()
}

/// The door that the batch which this thread handles came in by, if that is known.
pub fn current() -> Option<Budget> {
    DOOR.with_borrow(Clone::clone)
}

/// Charges bytes that a stage made from a batch, and that are not charged yet,
/// to the door of the batch. They are inside, so they may overdraw; the door
/// takes less from outside until they are gone.
#[must_use]
pub(crate) fn hold(payload: Payload) -> Payload {
    match current() {
        Some(door) if payload.size() > 0 => {
            let charge = door.overdraw(payload.size());
            payload.keep(charge)
        }
        _ => payload,
    }
}

/// Whether the current door would hold less than its equal part of the
/// telemetry in memory with `bytes` more: what is full then is full of others'.
pub(crate) fn is_owed(bytes: usize) -> bool {
    DOOR.with_borrow(|door| {
        door.as_ref()
            .is_some_and(|door| door.0.is_below_equal_part(bytes))
    })
}

/// Charges `bytes` that a stage copied to the current door, into one of `charges`.
pub(crate) fn overdraw_current(bytes: usize, charges: &mut Vec<Charge>) {
    if bytes == 0 {
        return;
    }
    DOOR.with_borrow(|door| {
        let Some(door) = door else { return };
        match charges.iter_mut().find(|charge| charge.is_of(door)) {
            Some(charge) => charge.overdraw(bytes),
            None => charges.push(door.overdraw(bytes)),
        }
    });
}

#[cfg(test)]
mod tests {
    use otlp::Signal;

    use super::*;

    fn payload() -> Payload {
        Payload::validate(Signal::Logs, vec![0x0a, 0x00].into()).expect("an empty ResourceLogs")
    }

    #[test]
    fn what_a_stage_makes_is_charged_to_the_door_until_it_is_dropped() {
        let budget = Budget::new(400);
        let door = budget.door(1);
        let made = at_door(Some(&door), || hold(payload()));
        assert_eq!((door.held(), budget.used()), (2, 2));
        let part = made.clone();
        drop(made);
        assert_eq!(budget.used(), 2, "the bytes are still in use");
        drop(part);
        assert_eq!((door.held(), budget.used()), (0, 0));
    }

    #[test]
    fn outside_of_a_door_nothing_is_charged_and_doors_nest() {
        assert!(current().is_none());
        let budget = Budget::new(400);
        let (outer, inner) = (budget.door(2), budget.door(2));
        let held = at_door(Some(&outer), || {
            let first = at_door(Some(&inner), || hold(payload()));
            (first, hold(payload()))
        });
        assert_eq!((outer.held(), inner.held()), (2, 2));
        drop(held);
        assert_eq!(budget.used(), 0);
        drop(hold(payload()));
        assert!(current().is_none());
    }
}
