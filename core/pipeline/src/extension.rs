//! Components beside the pipelines.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::host::Host;
use crate::receiver::StartError;

/// Something beside the pipelines: health check, authenticators, storage.
pub trait Extension: Send + Sync {
    /// Starts it. Extensions start before, and stop after, all pipelines.
    fn start(&self, host: Host) -> BoxFuture<'_, Result<(), StartError>>;

    /// Stops it.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// What it offers to other components, for example an
    /// `Arc<dyn net::auth::Authenticator>`. A component asks for it by id and type.
    fn offers(&self) -> Vec<Arc<dyn Any + Send + Sync>> {
        Vec::new()
    }
}

/// What the configured extensions offer, by component id.
#[derive(Clone, Default)]
pub struct Offers {
    by_id: Arc<HashMap<String, Vec<Arc<dyn Any + Send + Sync>>>>,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Offers {
    /// The offers of extensions, by id.
    pub fn new(offers: HashMap<String, Vec<Arc<dyn Any + Send + Sync>>>) -> Offers {
        Offers {
            by_id: Arc::new(offers),
            asked: Arc::default(),
        }
    }

    /// The same offers, with a memory of its own of what was asked for.
    #[must_use]
    pub fn noting(&self) -> Offers {
        Offers {
            by_id: Arc::clone(&self.by_id),
            asked: Arc::default(),
        }
    }

    /// The ids of the extensions that were asked for, here and in clones.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().clone()
    }

    /// What extension `id` offers of type `T`.
    ///
    /// # Errors
    /// One line when there is no such extension in `service::extensions`, or it
    /// does not offer a `T`; `what` names what was looked for.
    pub fn get<T: Clone + Any + Send + Sync>(&self, id: &str, what: &str) -> Result<T, StartError> {
        self.asked.lock().insert(id.to_owned());
        let offers = self.by_id.get(id).ok_or_else(|| {
            StartError::new(format!(
                "extension \"{id}\" is not started: configure it under extensions and list it in service::extensions"
            ))
        })?;
        offers
            .iter()
            .find_map(|offer| offer.downcast_ref::<T>().cloned())
            .ok_or_else(|| StartError::new(format!("extension \"{id}\" is no {what}")))
    }
}

impl std::fmt::Debug for Offers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.by_id.keys()).finish()
    }
}
