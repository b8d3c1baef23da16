//! Starts the extensions that other components stand on.

use std::collections::HashMap;

use pipeline::extension::Offers;
use pipeline::{Extension, Host};

use crate::configuration::Configuration;
use crate::graph::cannot;

/// Starts those that offer something to exporters, for commands that are no
/// collector: health checks and the like stay out of it.
///
/// # Errors
/// Which extension could not be started, and why.
pub(crate) async fn start_offering(
    configuration: &Configuration,
    host: &mut Host,
) -> Result<Vec<Box<dyn Extension>>, String> {
    let (mut offers, mut started) = (HashMap::new(), Vec::new());
    for id in &configuration.service.extensions {
        let Some(configured) = configuration.extensions.get(id) else {
            continue;
        };
        let built = configured.config.build(id);
        let extension = built.map_err(|error| cannot("build", id, "extension", &error))?;
        let offered = extension.offers();
        if offered.is_empty() {
            continue;
        }
        let start = extension.start(host.clone()).await;
        start.map_err(|error| cannot("start", id, "extension", &error))?;
        offers.insert(id.to_string(), offered);
        started.push(extension);
    }
    host.offers = Offers::new(offers);
    Ok(started)
}
