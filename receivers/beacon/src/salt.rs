//! Salts that change every day, so that what is hashed with one cannot be told
//! from anything else the day after the next.
//!
//! They are in memory only. Where several replicas must hash alike, they share
//! a secret of which the salts are made; then whoever has the secret can make
//! them again.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use pipeline::{Clock, StartError};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

/// Bytes of a salt.
const LENGTH: usize = 32;
const DAY: u64 = 24 * 3600 * 1_000_000_000;
/// How often is looked whether another day has begun.
const OFTEN: Duration = Duration::from_secs(600);

/// One day's salt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Salt([u8; LENGTH]);

impl Salt {
    /// The first 128 bits of HMAC-SHA256 over the parts, each behind its length.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> u128 {
        // any length of key is one for HMAC
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return 0;
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        digest
            .first_chunk()
            .map_or(0, |first| u128::from_be_bytes(*first))
    }

    /// Stands for an address.
    pub(crate) fn of_address(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => self.hash(&[b"address", &v4.octets()]),
            IpAddr::V6(v6) => self.hash(&[b"address", &v6.octets()]),
        }
    }
}

/// The salts of today and yesterday, by UTC. Those before are gone.
pub(crate) struct Salts {
    secret: Option<Vec<u8>>,
    days: Mutex<Days>,
}

#[derive(Clone, Copy)]
struct Days {
    /// Days since 1970.
    today: u64,
    salt: Salt,
    yesterday: Salt,
}

impl Salts {
    /// Salts made of `secret`, or random ones.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn new(secret: Option<&str>) -> Result<Salts, StartError> {
        let secret = secret.map(|secret| secret.as_bytes().to_vec());
        let days = Days {
            today: 0,
            salt: Salt(random()?),
            yesterday: Salt(random()?),
        };
        Ok(Salts {
            secret,
            days: Mutex::new(days),
        })
    }

    /// Today's and yesterday's; `now` in nanoseconds since 1970.
    pub(crate) fn at(&self, now: u64) -> (Salt, Salt) {
        let day = now / DAY;
        let mut days = self.days.lock();
        // Requests come late: what is gone stays gone. A clock that was ahead is another matter.
        if day > days.today || day + 1 < days.today {
            *days = self.turned(*days, day);
        }
        (days.salt, days.yesterday)
    }

    /// Turns them when no request does, until the receiver ends: a salt is gone
    /// within [`OFTEN`] of its time.
    pub(crate) async fn turn(&self, clock: &Clock, end: &CancellationToken) {
        while end
            .run_until_cancelled(tokio::time::sleep(OFTEN))
            .await
            .is_some()
        {
            self.at(clock.unix_nano());
        }
    }

    /// The salts when it becomes another day.
    fn turned(&self, days: Days, today: u64) -> Days {
        if let Some(secret) = &self.secret {
            return Days {
                today,
                salt: derived(secret, today),
                yesterday: derived(secret, today.saturating_sub(1)),
            };
        }
        // Without new random bytes a hash of the old salt: nobody who sees the new one can go back.
        let next = |old: Salt| {
            let derived = || old.hash(&[b"next"]).to_be_bytes().repeat(2);
            let fresh = random().ok().or_else(|| derived().try_into().ok());
            Salt(fresh.unwrap_or(old.0))
        };
        let yesterday = if today == days.today + 1 {
            days.salt
        } else {
            next(days.yesterday)
        };
        Days {
            today,
            salt: next(days.salt),
            yesterday,
        }
    }
}

fn random() -> Result<[u8; LENGTH], StartError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| StartError::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// HMAC-SHA256 of the day under the secret.
fn derived(secret: &[u8], day: u64) -> Salt {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return Salt([0; LENGTH]);
    };
    mac.update(day.to_string().as_bytes());
    Salt(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_there_for_two_days() {
        let salts = Salts::new(None).unwrap();
        let (first, _) = salts.at(20_000 * DAY);
        assert!(salts.at(20_001 * DAY - 1).0 == first);
        let (second, before) = salts.at(20_001 * DAY);
        assert!(before == first && second != first);
        let (third, before) = salts.at(20_003 * DAY);
        assert!(third != second && before != second, "a day was left out");
        assert!(salts.at(20_003 * DAY).1 == before);
        assert!(
            salts.at(20_002 * DAY) == salts.at(20_003 * DAY),
            "a late request"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn salts_turn_without_requests() {
        let salts = Salts::new(None).unwrap();
        let before = salts.at(20_000 * DAY);
        let (clock, end) = (Clock::fixed(20_002 * DAY), CancellationToken::new());
        let stop = async {
            tokio::time::sleep(OFTEN + OFTEN / 2).await;
            end.cancel();
        };
        futures::join!(salts.turn(&clock, &end), stop);
        let days = *salts.days.lock();
        assert_eq!(days.today, 20_002);
        assert!(days.salt != before.0 && days.yesterday != before.0);
    }

    #[test]
    fn a_secret_makes_the_same_salts_everywhere() {
        let (one, other) = (
            Salts::new(Some("s")).unwrap(),
            Salts::new(Some("s")).unwrap(),
        );
        assert!(one.at(5 * DAY) == other.at(5 * DAY));
        assert!(one.at(6 * DAY).1 == other.at(5 * DAY).0);
        let third = Salts::new(Some("t")).unwrap();
        assert!(third.at(5 * DAY) != other.at(5 * DAY));
        let random = Salts::new(None).unwrap();
        assert!(random.at(5 * DAY) != Salts::new(None).unwrap().at(5 * DAY));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let (salt, _) = Salts::new(Some("s")).unwrap().at(0);
        assert_ne!(salt.hash(&[b"ab", b"c"]), salt.hash(&[b"a", b"bc"]));
        let address = |text: &str| salt.of_address(text.parse().unwrap());
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }
}
