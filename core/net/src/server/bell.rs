//! A future beside a connection that is looked at only when it was woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

/// Wakes the task of a connection on behalf of what watches over it, and tells
/// the two apart: what comes over the socket does not poll the watch.
#[derive(Debug)]
pub(super) struct Bell {
    shared: Arc<Shared>,
    waker: Waker,
    /// The task that is woken.
    task: Option<Waker>,
}

#[derive(Debug)]
struct Shared {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        if let Some(task) = &*self.task.lock() {
            task.wake_by_ref();
        }
    }
}

impl Bell {
    pub(super) fn new() -> Bell {
        let shared = Arc::new(Shared {
            rung: AtomicBool::new(true),
            task: Mutex::new(None),
        });
        Bell {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
            task: None,
        }
    }

    /// The next poll looks, whether it rings or not: there is another future.
    pub(super) fn ring(&self) {
        self.shared.rung.store(true, Ordering::Release);
    }

    /// Polls with `look` if it rang since the last time.
    pub(super) fn answer<T>(
        &mut self,
        cx: &mut Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self
            .task
            .as_ref()
            .is_some_and(|task| task.will_wake(cx.waker()))
        {
            self.task = Some(cx.waker().clone());
            self.shared.task.lock().clone_from(&self.task);
        }
        // a load first: it is nearly always silent, and a swap costs as much as a lock
        if !self.shared.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // A swap here: a ring that is taken back must have happened before the look.
        self.shared.rung.swap(false, Ordering::AcqRel);
        look(&mut Context::from_waker(&self.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn it_is_looked_once_and_then_only_when_it_rang() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut cx = Context::from_waker(&waker);
        let mut bell = Bell::new();
        let mut kept = None;
        let mut looks = 0;
        let mut poll = |bell: &mut Bell, cx: &mut Context<'_>, kept: &mut Option<Waker>| {
            let _ = bell.answer(cx, |cx| {
                looks += 1;
                *kept = Some(cx.waker().clone());
                Poll::<()>::Pending
            });
            looks
        };
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 1, "the first time");
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 1, "only the socket");
        if let Some(kept) = &kept {
            kept.wake_by_ref();
        }
        assert_eq!(task.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 2);
        bell.ring();
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 3, "another future");
        assert_eq!(task.0.load(Ordering::SeqCst), 1);

        // the connection moves to another task
        let other = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&other));
        let mut cx = Context::from_waker(&waker);
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 3);
        if let Some(kept) = &kept {
            kept.wake_by_ref();
        }
        assert_eq!(
            (
                task.0.load(Ordering::SeqCst),
                other.0.load(Ordering::SeqCst)
            ),
            (1, 1)
        );
        assert_eq!(poll(&mut bell, &mut cx, &mut kept), 4);
    }
}
