//! How often somebody may come: token buckets.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use settings::Rate;
use tokio::time::Instant;

/// How many clients are remembered; the one that was away longest is forgotten.
const CLIENTS: usize = 100_000;
/// Parts of the table, so that threads rarely wait for each other.
const SHARDS: usize = 16;
const PER_SHARD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(CLIENTS / SHARDS - 1);

/// A rate and how much of it may be saved up.
#[derive(Clone, Copy, Debug)]
struct Flow {
    per_second: f64,
    burst: f64,
}

/// What one client has left.
#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Flow {
    fn full(self, now: Instant) -> Level {
        Level {
            tokens: self.burst,
            at: now,
        }
    }

    /// Takes one token, or says how long it takes until there is one.
    fn take(self, level: &mut Level, now: Instant) -> Result<(), Duration> {
        let rest = now.duration_since(level.at).as_secs_f64();
        level.tokens = (level.tokens + rest * self.per_second).min(self.burst);
        level.at = now;
        if level.tokens >= 1.0 {
            level.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(
            (1.0 - level.tokens) / self.per_second,
        ))
    }
}

/// One bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    flow: Flow,
    level: Mutex<Level>,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, burst: u32) -> Bucket {
        let flow = Flow {
            per_second: rate.per_second(),
            burst: f64::from(burst),
        };
        Bucket {
            flow,
            level: Mutex::new(flow.full(Instant::now())),
        }
    }

    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.flow.take(&mut self.level.lock(), Instant::now())
    }
}

/// A bucket for each client.
pub(crate) struct Buckets {
    flow: Flow,
    hasher: RandomState,
    shards: [Mutex<LruCache<u128, Level>>; SHARDS],
}

impl Buckets {
    pub(crate) fn new(rate: Rate, burst: u32) -> Buckets {
        Buckets {
            flow: Flow {
                per_second: rate.per_second(),
                burst: f64::from(burst),
            },
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::new(LruCache::new(PER_SHARD))),
        }
    }

    /// Lets a request of `client` in, or says when the next one may come.
    pub(crate) fn take(&self, client: u128) -> Result<(), Duration> {
        let shard = self.hasher.hash_one(client) as usize % SHARDS;
        let now = Instant::now();
        let mut shard = self.shards[shard].lock();
        let level = shard.get_or_insert_mut(client, || self.flow.full(now));
        self.flow.take(level, now)
    }
}

/// Who counts as one client: an IPv4 address, or a /64 of IPv6, of which one
/// subscriber has all.
pub(crate) fn client_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() & (!0 << 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> u128 {
        client_of(address.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_burst_and_then_comes_at_the_rate() {
        let buckets = Buckets::new("20/s".parse().unwrap(), 3);
        let one = client("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(buckets.take(one), Ok(()));
        }
        assert_eq!(buckets.take(one), Err(Duration::from_millis(50)));
        assert_eq!(buckets.take(client("192.0.2.2")), Ok(()), "another client");
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(buckets.take(one), Ok(()));
        assert!(buckets.take(one).is_err());
        tokio::time::advance(Duration::from_secs(3600)).await;
        let burst = (0..10).filter(|_| buckets.take(one).is_ok()).count();
        assert_eq!(burst, 3, "no more is saved up");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_client() {
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded() {
        let buckets = Buckets::new("1/s".parse().unwrap(), 1);
        for client in 0..200_000u128 {
            let _ = buckets.take(client << 64);
        }
        let held: usize = buckets.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(held <= CLIENTS);
    }
}
