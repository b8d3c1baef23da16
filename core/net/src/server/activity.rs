//! What a connection is doing: requests in flight, idle since when, a head half read.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Bytes of a head came since the connection was looked at.
const JUST_NOW: u64 = u64::MAX;

/// Shared by a connection's socket, its requests and its watcher.
///
/// Times are microseconds since the connection began, plus one: 0 is "not".
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    asked: AtomicBool,
    /// The request that is answered has a rest in `left_over`.
    has_left_over: AtomicBool,
    left_over: Mutex<Option<hyper::body::Incoming>>,
    /// The connection ends before all of a body was read.
    ends_unread: AtomicBool,
    in_flight: AtomicU32,
    idle_since: AtomicU64,
    head_since: AtomicU64,
}

/// What a watcher has to do about a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    LookAgain(Instant),
    /// Nothing was asked for too long.
    Idle,
    /// A request's head takes too long.
    SlowHead,
}

impl Activity {
    /// A connection that begins now and owes its first request.
    pub(super) fn new() -> Activity {
        Activity {
            began: Instant::now(),
            asked: AtomicBool::new(false),
            has_left_over: AtomicBool::new(false),
            left_over: Mutex::new(None),
            ends_unread: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            idle_since: AtomicU64::new(1),
            head_since: AtomicU64::new(1),
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64 + 1
    }

    /// The socket read something: outside a request that is the next head.
    /// Nearly always all of it, so its time is taken by [`settle`](Self::settle).
    pub(crate) fn bytes_came(&self) {
        if self.in_flight.load(Ordering::Acquire) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
        {
            self.head_since.store(JUST_NOW, Ordering::Release);
        }
    }

    /// The connection has done what it can for now: what it has of a head is half of one.
    pub(super) fn settle(&self) {
        if self.head_since.load(Ordering::Relaxed) == JUST_NOW {
            self.head_since.store(self.now(), Ordering::Release);
        }
    }

    pub(super) fn request_began(&self) {
        self.asked.store(true, Ordering::Release);
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.head_since.store(0, Ordering::Release);
    }

    pub(super) fn request_ended(&self) {
        self.idle_since.store(self.now(), Ordering::Release);
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether there was a request.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The handler of a request did not read this part of its body.
    pub(super) fn leave_over(&self, rest: hyper::body::Incoming) {
        *self.left_over.lock() = Some(rest);
        self.has_left_over.store(true, Ordering::Release);
    }

    /// What the handler of the last request did not read.
    pub(super) fn left_over(&self) -> Option<hyper::body::Incoming> {
        let has = self.has_left_over.load(Ordering::Acquire);
        if has {
            self.has_left_over.store(false, Ordering::Release);
        }
        has.then(|| self.left_over.lock().take()).flatten()
    }

    /// Nobody reads the rest of the last body: its client may still be sending
    /// when the connection ends.
    pub(super) fn end_unread(&self) {
        self.ends_unread.store(true, Ordering::Release);
    }

    /// Whether the client may still be sending when the connection ends.
    pub(crate) fn ends_unread(&self) -> bool {
        self.ends_unread.load(Ordering::Acquire)
    }

    /// When the connection began.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Judges the connection by the two limits; `None` is without limit.
    pub(super) fn judge(&self, head: Option<Duration>, idle: Option<Duration>) -> Verdict {
        let far = Duration::from_secs(86_400);
        let now = Instant::now();
        if self.in_flight.load(Ordering::Acquire) > 0 {
            let soonest = head.unwrap_or(far).min(idle.unwrap_or(far));
            return Verdict::LookAgain(now + soonest);
        }
        let since = |micros: u64| self.began + Duration::from_micros(micros.saturating_sub(1));
        let head_since = self.head_since.load(Ordering::Acquire);
        let slow = head
            .filter(|_| head_since > 0)
            .map(|limit| since(head_since) + limit);
        let idle = idle.map(|limit| since(self.idle_since.load(Ordering::Acquire)) + limit);
        match (slow, idle) {
            (Some(slow), _) if slow <= now => Verdict::SlowHead,
            (None, Some(idle)) if idle <= now => Verdict::Idle,
            (Some(slow), _) => Verdict::LookAgain(slow),
            // bytes may begin a head at any time, so look at least that often
            (None, idle) => {
                Verdict::LookAgain(idle.unwrap_or(now + far).min(now + head.unwrap_or(far)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Option<Duration> = Some(Duration::from_secs(5));
    const IDLE: Option<Duration> = Some(Duration::from_secs(30));

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_is_owed_at_once() {
        let activity = Activity::new();
        pass(4).await;
        assert!(matches!(activity.judge(HEAD, IDLE), Verdict::LookAgain(_)));
        pass(1).await;
        assert_eq!(activity.judge(HEAD, IDLE), Verdict::SlowHead);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_may_idle_longer_than_a_head_may_take() {
        let activity = Activity::new();
        activity.request_began();
        pass(100).await;
        assert!(
            matches!(activity.judge(HEAD, IDLE), Verdict::LookAgain(_)),
            "a request may take long"
        );
        activity.request_ended();
        pass(29).await;
        assert!(matches!(activity.judge(HEAD, IDLE), Verdict::LookAgain(_)));
        activity.bytes_came();
        activity.settle();
        pass(1).await;
        assert!(
            matches!(activity.judge(HEAD, IDLE), Verdict::LookAgain(_)),
            "a head came in time"
        );
        pass(4).await;
        assert_eq!(activity.judge(HEAD, IDLE), Verdict::SlowHead);
        activity.request_began();
        activity.request_ended();
        pass(30).await;
        assert_eq!(activity.judge(HEAD, IDLE), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_a_connection_lives_for_ever() {
        let activity = Activity::new();
        pass(1_000_000).await;
        assert!(matches!(activity.judge(None, None), Verdict::LookAgain(_)));
    }
}
