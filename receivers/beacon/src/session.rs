//! Sessions of clients that say none: known by a hash of site, address and user
//! agent whose salt lives for two days. Nothing is stored on the client.

use std::cell::OnceCell;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::admission::client_of;
use crate::client::ClientFacts;
use crate::config;
use crate::salt::{Salt, Salts};

/// How many clients are remembered; the one that was away longest is forgotten.
const CLIENTS: usize = 100_000;
/// Parts of the table, so that threads rarely wait for each other.
const SHARDS: usize = 16;
const PER_SHARD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(CLIENTS / SHARDS - 1);

/// Whether a `session.id` is one that the server takes over: 8 to 64 letters,
/// digits, `_` and `-`.
pub(crate) fn is_valid(id: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (8..=64).contains(&id.len()) && id.bytes().all(is_usual)
}

/// A session as a request finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    /// The one before it, of a client that came back.
    pub(crate) previous: Option<String>,
    /// It begins with this request, and nobody has said so.
    pub(crate) begins: bool,
    /// Where the client is remembered, and under which name.
    shard: usize,
    client: u128,
}

/// What is remembered of a client.
#[derive(Clone, Copy)]
struct Known {
    id: u128,
    previous: Option<u128>,
    /// Nanoseconds since 1970.
    began: u64,
    seen: u64,
    /// Somebody has said that it begins.
    is_told: bool,
}

/// The sessions of one receiver.
pub(crate) struct Sessions {
    salts: Arc<Salts>,
    /// Nanoseconds.
    idle: u64,
    longest: u64,
    /// Whether they begin with an event.
    pub(crate) start_event: bool,
    /// Picks the shard by the address, which stays the same when the name changes.
    hasher: RandomState,
    shards: [Mutex<LruCache<u128, Known>>; SHARDS],
}

impl Sessions {
    pub(crate) fn new(config: &config::Session, salts: Arc<Salts>) -> Sessions {
        let nanos = |duration: settings::Duration| {
            let duration = duration.non_zero().unwrap_or_default();
            u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
        };
        Sessions {
            salts,
            idle: nanos(config.idle_timeout),
            longest: nanos(config.max_duration),
            start_event: config.start_event,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::new(LruCache::new(PER_SHARD))),
        }
    }

    /// The session of a client of a site; it goes on, or one begins. None when
    /// the address is not known. `now` in nanoseconds since 1970.
    fn of(&self, site: &str, facts: &ClientFacts, now: u64) -> Option<Session> {
        let address = client_of(facts.whole?);
        let agent = facts.user_agent.as_ref().map(|agent| agent.as_bytes());
        let shard = self.hasher.hash_one(address) as usize % SHARDS;
        let mut clients = self.shards[shard].lock();
        // Within the lock, so that nobody comes with older salts behind somebody with newer ones.
        let (today, yesterday) = self.salts.at(now);
        let name = client_hash(&today, site, address, agent.unwrap_or_default());
        let before = match clients.get(&name) {
            Some(known) => Some(*known),
            // Sessions go on over midnight, under the client's new name.
            None => clients.pop(&client_hash(
                &yesterday,
                site,
                address,
                agent.unwrap_or_default(),
            )),
        };
        let known = self.next(before, now, |slot| {
            today.hash(&[b"session", &name.to_be_bytes(), &slot.to_be_bytes()])
        });
        clients.put(name, known);
        Some(Session {
            id: hexadecimal(known.id),
            previous: known.previous.map(hexadecimal),
            begins: !before.is_some_and(|before| before.is_told && before.id == known.id),
            shard,
            client: name,
        })
    }

    /// The session goes on, or another one begins, which `id` names by the slot of time that it
    /// begins in. Slots are so short that two sessions of a client never begin in the same one, and who
    /// begins to look at a client in the same slot gives it the same session.
    fn next(&self, known: Option<Known>, now: u64, id: impl Fn(u64) -> u128) -> Known {
        let goes_on = |known: &Known| {
            now.saturating_sub(known.seen) <= self.idle
                && now.saturating_sub(known.began) <= self.longest
        };
        match known {
            Some(known) if goes_on(&known) => Known {
                seen: known.seen.max(now),
                is_told: true,
                ..known
            },
            ended => Known {
                id: id(now / self.idle.min(self.longest).max(1)),
                previous: ended.map(|known| known.id),
                began: now,
                seen: now,
                is_told: true,
            },
        }
    }

    /// The event that said that a session begins was not taken: the next
    /// request says it.
    pub(crate) fn untold(&self, session: &Session) {
        let Some(clients) = self.shards.get(session.shard) else {
            return;
        };
        if let Some(known) = clients.lock().get_mut(&session.client)
            && hexadecimal(known.id) == session.id
        {
            known.is_told = false;
        }
    }
}

/// Stands for a client for a day: an IPv4 address, or a /64 of IPv6, of which
/// one subscriber has all.
fn client_hash(salt: &Salt, site: &str, address: u128, agent: &[u8]) -> u128 {
    salt.hash(&[b"client", site.as_bytes(), &address.to_be_bytes(), agent])
}

fn hexadecimal(id: u128) -> String {
    let mut text = String::with_capacity(32);
    // writing to a string does not fail
    let _ = write!(text, "{id:032x}");
    text
}

/// The session of one request, looked up when an event needs it.
pub(crate) struct OfRequest<'r> {
    pub(crate) sessions: &'r Sessions,
    /// The key of the site, or nothing.
    pub(crate) site: &'r str,
    pub(crate) facts: &'r ClientFacts,
    /// Nanoseconds since 1970.
    pub(crate) now: u64,
    pub(crate) found: OnceCell<Option<Session>>,
}

impl OfRequest<'_> {
    /// The session; none of a client who wants to be anonymous.
    pub(crate) fn get(&self) -> Option<&Session> {
        let look = || match self.facts.wish {
            config::Signal::Ignore => self.sessions.of(self.site, self.facts, self.now),
            _ => None,
        };
        self.found.get_or_init(look).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const MINUTE: u64 = 60 * 1_000_000_000;
    const DAY: u64 = 24 * 60 * MINUTE;
    /// Noon of some day.
    const NOON: u64 = 20_000 * DAY + DAY / 2;

    fn sessions(secret: Option<&str>) -> Sessions {
        let salts = Arc::new(Salts::new(secret).unwrap());
        Sessions::new(&config::Session::default(), salts)
    }

    fn facts(address: &str, agent: &'static str) -> ClientFacts {
        ClientFacts {
            whole: Some(address.parse().unwrap()),
            user_agent: Some(HeaderValue::from_static(agent)),
            ..ClientFacts::default()
        }
    }

    #[test]
    fn a_client_is_known_by_site_address_and_agent() {
        let sessions = sessions(None);
        let id = |site: &str, address: &str, agent| {
            sessions.of(site, &facts(address, agent), NOON).unwrap().id
        };
        let first = id("a", "2001:db8::1", "UA");
        assert_eq!(first.len(), 32);
        assert!(is_valid(&first));
        assert_eq!(id("a", "2001:db8::2", "UA"), first, "of the same /64");
        assert_ne!(id("a", "2001:db8:0:1::1", "UA"), first);
        assert_ne!(id("b", "2001:db8::1", "UA"), first);
        assert_ne!(id("a", "2001:db8::1", "UA/2"), first);
        assert!(sessions.of("a", &ClientFacts::default(), NOON).is_none());
    }

    #[test]
    fn a_session_ends_after_a_rest_and_after_its_time() {
        let sessions = sessions(None);
        let at = |now| sessions.of("", &facts("192.0.2.1", "UA"), now).unwrap();
        let first = at(NOON);
        assert!(first.begins && first.previous.is_none());
        let same = at(NOON + 30 * MINUTE);
        assert!(same.id == first.id && !same.begins);
        let second = at(NOON + 61 * MINUTE);
        assert!(second.begins);
        assert_eq!(second.previous, Some(first.id));
        // always there, for more than four hours
        let mut now = NOON + 61 * MINUTE;
        let mut last = second.clone();
        while now < NOON + (61 + 240) * MINUTE {
            now += 20 * MINUTE;
            last = at(now);
        }
        assert_eq!((last.id == second.id, last.begins), (true, false));
        let third = at(now + 20 * MINUTE);
        assert_eq!((third.begins, third.previous), (true, Some(second.id)));
    }

    #[test]
    fn a_session_goes_on_over_midnight() {
        let sessions = sessions(None);
        let at = |now| sessions.of("", &facts("192.0.2.1", "UA"), now).unwrap();
        let midnight = 20_001 * DAY;
        let before = at(midnight - MINUTE);
        let after = at(midnight + MINUTE);
        assert_eq!((after.id, after.begins), (before.id.clone(), false));
        assert_eq!(at(midnight + 2 * MINUTE).id, before.id);
        let next = at(midnight + 100 * MINUTE);
        assert_eq!(next.previous, Some(before.id));
        // after a day without the client nothing of it is known
        let later = at(midnight + 2 * DAY);
        assert_eq!((later.begins, later.previous), (true, None));
    }

    #[test]
    fn replicas_with_the_same_secret_agree() {
        let (one, other) = (sessions(Some("s")), sessions(Some("s")));
        let facts = facts("192.0.2.1", "UA");
        let id = |sessions: &Sessions, now| sessions.of("k", &facts, now).unwrap().id;
        for now in [NOON, NOON + 20 * MINUTE, NOON + 100 * MINUTE] {
            assert_eq!(id(&one, now), id(&other, now));
        }
        let late = sessions(Some("s"));
        let last = id(&one, NOON + 100 * MINUTE);
        assert_eq!(
            id(&late, NOON + 100 * MINUTE),
            last,
            "it has not seen the ones before"
        );
        assert_ne!(id(&sessions(Some("t")), NOON + 100 * MINUTE), last);
        assert_ne!(last, id(&sessions(Some("s")), NOON), "of the same day");
    }

    #[test]
    fn a_beginning_that_was_not_taken_is_told_again() {
        let sessions = sessions(None);
        let at = |now| sessions.of("", &facts("192.0.2.1", "UA"), now).unwrap();
        let first = at(NOON);
        sessions.untold(&first);
        assert!(at(NOON + 1).begins);
        assert!(!at(NOON + 2).begins);
        let second = at(NOON + 100 * MINUTE);
        sessions.untold(&first);
        assert!(!at(NOON + 101 * MINUTE).begins, "another one was meant");
        sessions.untold(&second);
        assert!(at(NOON + 102 * MINUTE).begins);
    }

    #[test]
    fn ids_of_clients_are_valid_or_not() {
        for (id, valid) in [
            ("1234567", false),
            ("12345678", true),
            ("a_b-C9xx", true),
            ("a b-C9xx", false),
            ("sessión1", false),
        ] {
            assert_eq!(is_valid(id), valid, "{id}");
        }
        assert!(is_valid(&"x".repeat(64)) && !is_valid(&"x".repeat(65)));
    }
}
