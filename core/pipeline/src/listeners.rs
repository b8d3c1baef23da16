//! The listening sockets of the process, which outlive the components that use them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use net::{Address, ListenError, Listener, Transport, WeakListener};
use parking_lot::Mutex;

/// Listening sockets, as one component sees them. A component that follows
/// another on the same address, as a reload makes it, listens on the socket of
/// its predecessor: no connection is refused in between. A socket is closed
/// when no component listens on it any more.
#[derive(Clone, Debug)]
pub struct Listeners {
    bound: Arc<Mutex<Vec<Bound>>>,
    owner: Arc<Owner>,
}

/// Who listens.
#[derive(Debug)]
struct Owner {
    /// `receiver "otlp"`
    name: String,
    /// Its successor may have its addresses.
    leaving: AtomicBool,
}

#[derive(Debug)]
struct Bound {
    address: Address,
    socket: WeakListener,
    owners: Vec<Weak<Owner>>,
}

impl Default for Listeners {
    fn default() -> Listeners {
        Listeners {
            bound: Arc::default(),
            owner: Arc::new(Owner::new("the collector")),
        }
    }
}

impl Owner {
    fn new(name: &str) -> Owner {
        Owner {
            name: name.to_owned(),
            leaving: AtomicBool::new(false),
        }
    }
}

impl Listeners {
    /// The same sockets, for the component of this name (`receiver "otlp"`).
    #[must_use]
    pub fn of(&self, component: &str) -> Listeners {
        Listeners {
            bound: Arc::clone(&self.bound),
            owner: Arc::new(Owner::new(component)),
        }
    }

    /// Lets others listen where this component does, since it will stop; `false` takes that back.
    pub fn set_leaving(&self, leaving: bool) {
        self.owner.leaving.store(leaving, Ordering::Release);
    }

    /// Listens on an endpoint as [`Listener::bind`] does, on the socket of a
    /// component that is leaving if one has this address. A port 0 is a new port always.
    ///
    /// # Errors
    /// See [`ListenError`]; an address that another component has is in use.
    pub async fn listen(
        &self,
        endpoint: &str,
        transport: Transport,
    ) -> Result<Listener, ListenError> {
        let candidates = net::listen::candidates(endpoint, transport).await?;
        let leaving = match self.inherit(endpoint, &candidates)? {
            Inherited::Socket(listener) => return Ok(listener),
            Inherited::Nothing { leaving } => leaving,
        };
        let listener = Listener::bind_beside(endpoint, transport, &leaving).await?;
        if let Ok(address) = listener.local_address() {
            self.bound.lock().push(Bound {
                address,
                socket: listener.downgrade(),
                owners: vec![Arc::downgrade(&self.owner)],
            });
        }
        Ok(listener)
    }

    fn inherit(&self, endpoint: &str, wanted: &[Address]) -> Result<Inherited, ListenError> {
        let mut all = self.bound.lock();
        all.retain(|bound| bound.socket.upgrade().is_some());
        let mut leaving = Vec::new();
        for bound in all.iter_mut() {
            bound.owners.retain(|owner| owner.strong_count() > 0);
            let mut owners = bound.owners.iter().filter_map(Weak::upgrade);
            let holder = owners.find(|owner| !owner.is_leaving());
            let Some(listener) = bound.socket.upgrade() else {
                continue;
            };
            let same = wanted.contains(&bound.address);
            match holder {
                Some(holder) if same => {
                    return Err(ListenError::Held {
                        endpoint: endpoint.to_owned(),
                        holder: holder.name.clone(),
                    });
                }
                None if same => {
                    bound.owners.push(Arc::downgrade(&self.owner));
                    return Ok(Inherited::Socket(listener));
                }
                Some(_) => {}
                None => leaving.push(listener),
            }
        }
        Ok(Inherited::Nothing { leaving })
    }
}

enum Inherited {
    Socket(Listener),
    /// The listeners that leave other addresses.
    Nothing {
        leaving: Vec<Listener>,
    },
}

impl Owner {
    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn listen(listeners: &Listeners, endpoint: &str) -> Result<Listener, ListenError> {
        listeners.listen(endpoint, Transport::Tcp).await
    }

    #[tokio::test]
    async fn a_successor_gets_the_socket_and_nobody_else_does() {
        let all = Listeners::default();
        let (old, new) = (all.of("receiver \"old\""), all.of("receiver \"new\""));
        let first = listen(&old, "localhost:0").await.unwrap();
        let endpoint = first.local_address().unwrap().to_string();
        let refused = listen(&new, &endpoint).await.unwrap_err().to_string();
        assert!(
            refused.contains("address already in use by receiver \"old\""),
            "{refused}"
        );
        old.set_leaving(true);
        let second = listen(&new, &endpoint).await.unwrap();
        drop(first);
        assert_eq!(second.local_address().unwrap().to_string(), endpoint);
        let third = all.of("receiver \"third\"");
        assert!(listen(&third, &endpoint).await.is_err());
        drop(second);
        listen(&third, &endpoint).await.unwrap();
    }

    #[tokio::test]
    async fn who_stays_after_all_keeps_the_address_for_itself() {
        let all = Listeners::default();
        let (old, new) = (all.of("old"), all.of("new"));
        let first = listen(&old, "127.0.0.1:0").await.unwrap();
        let endpoint = first.local_address().unwrap().to_string();
        old.set_leaving(true);
        drop(listen(&new, &endpoint).await.unwrap());
        drop(new);
        old.set_leaving(false);
        assert!(listen(&all.of("other"), &endpoint).await.is_err());
    }

    #[tokio::test]
    async fn port_zero_is_a_new_port_each_time() {
        let all = Listeners::default();
        let old = all.of("old");
        let first = listen(&old, "127.0.0.1:0").await.unwrap();
        old.set_leaving(true);
        let second = listen(&all.of("new"), "127.0.0.1:0").await.unwrap();
        assert_ne!(
            first.local_address().unwrap(),
            second.local_address().unwrap()
        );
    }

    #[tokio::test]
    async fn every_address_follows_one_that_leaves() {
        let all = Listeners::default();
        let old = all.of("old");
        let first = listen(&old, "127.0.0.1:0").await.unwrap();
        let port = first.local_address().unwrap().ip().unwrap().port();
        let endpoint = format!("0.0.0.0:{port}");
        assert!(listen(&all.of("new"), &endpoint).await.is_err());
        old.set_leaving(true);
        listen(&all.of("new"), &endpoint).await.unwrap();
    }
}
