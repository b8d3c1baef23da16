//! Notices a proxy that nobody named, behind which all visitors look like one:
//! the question most often asked by people who run such a collector.

use std::net::IpAddr;

use parking_lot::Mutex;

/// After so many requests that one peer forwards, and more for each that others do.
const ENOUGH: u32 = 100;

/// Warns once when one peer, which is no trusted proxy, forwards everything.
#[derive(Debug, Default)]
pub(crate) struct UnnamedProxy(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    peer: Option<IpAddr>,
    /// Its requests, less those that others forwarded.
    requests: u32,
    is_said: bool,
}

impl UnnamedProxy {
    /// A request came with `X-Forwarded-For` from a peer that is not trusted.
    /// True when it is time to say so.
    pub(crate) fn forwards(&self, peer: IpAddr) -> bool {
        let mut seen = self.0.lock();
        if seen.is_said {
            return false;
        }
        // A vote: what others forward counts against the one that forwards most.
        if seen.peer == Some(peer) {
            seen.requests += 1;
        } else if seen.requests > 0 {
            seen.requests -= 1;
        } else {
            seen.peer = Some(peer);
            seen.requests = 1;
        }
        seen.is_said = seen.requests == ENOUGH;
        seen.is_said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_and_only_about_one_peer() {
        let (one, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let proxy = UnnamedProxy::default();
        let said = |peer, times| (0..times).filter(|_| proxy.forwards(peer)).count();
        assert_eq!((said(one, 99), said(other, 1)), (0, 0));
        assert_eq!((said(one, 1), said(one, 1), said(one, 500)), (0, 1, 0));
        assert_eq!(said(other, 500), 0);
        let proxy = UnnamedProxy::default();
        let said = |peer| usize::from(proxy.forwards(peer));
        assert_eq!((0..500).map(|_| said(one) + said(other)).sum::<usize>(), 0);
    }
}
