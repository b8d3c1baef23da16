//! `bearertokenauth` and `basicauth`: who may send to a receiver, and how an
//! exporter says who it is.

mod basic;
mod bearer;
mod file;
mod secret;

use std::any::Any;
use std::sync::Arc;

use net::{Authenticator, ClientCredentials};
use pipeline::registry::{self, ExtensionConfig, Factory, Stability};

pub use basic::BasicConfig;
pub use bearer::BearerConfig;

/// The factory of `bearertokenauth`.
pub fn bearer_token_factory() -> Factory<dyn ExtensionConfig> {
    registry::extension::<BearerConfig>(
        "bearertokenauth",
        &["bearer_token_auth"],
        &[],
        Stability::Beta,
    )
}

/// The factory of `basicauth`.
pub fn basic_factory() -> Factory<dyn ExtensionConfig> {
    registry::extension::<BasicConfig>("basicauth", &["basic_auth"], &[], Stability::Beta)
}

/// What an authenticator offers to receivers and exporters.
fn offers(
    server: Option<Arc<dyn Authenticator>>,
    client: Option<Arc<dyn ClientCredentials>>,
) -> Vec<Arc<dyn Any + Send + Sync>> {
    let server = server.map(|server| Arc::new(server) as Arc<dyn Any + Send + Sync>);
    let client = client.map(|client| Arc::new(client) as Arc<dyn Any + Send + Sync>);
    server.into_iter().chain(client).collect()
}
