//! Components beside the pipelines.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;

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
pub struct Offers(Arc<HashMap<String, Vec<Arc<dyn Any + Send + Sync>>>>);

impl Offers {
    /// The offers of extensions, by id.
    pub fn new(offers: HashMap<String, Vec<Arc<dyn Any + Send + Sync>>>) -> Offers {
        Offers(Arc::new(offers))
    }

    /// What extension `id` offers of type `T`.
    ///
    /// # Errors
    /// One line when there is no such extension in `service::extensions`, or it
    /// does not offer a `T`; `what` names what was looked for.
    pub fn get<T: Clone + Any + Send + Sync>(&self, id: &str, what: &str) -> Result<T, StartError> {
        let offers = self.0.get(id).ok_or_else(|| {
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
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
