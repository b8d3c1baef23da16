//! Settings of both exporters, under upstream's names and defaults.

mod grpc;
mod http;

use std::sync::Arc;

use net::ClientCredentials;
use net::config::AuthSettings;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use settings::{At, OnByDefault, Optional};

pub use grpc::{GrpcConfig, GrpcOwn};
pub use http::{Encoding, HttpConfig, HttpOwn};

/// `User-Agent` when none is set: `Pharos/0.1.0 (linux/x86_64)`.
fn agent() -> String {
    format!(
        "Pharos/{} ({}/{})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// The exporter keeps the time of an attempt itself: a batch that is cut in
/// halves is several requests, each with all of `timeout`.
fn tail(
    queue: &OnByDefault<SendingQueue>,
    retry: &OnByDefault<RetryOnFailure>,
    dead_letter: &DeadLetterSettings,
) -> TailSettings {
    let queue = queue.as_option().cloned();
    let batch = queue.as_ref().and_then(SendingQueue::batching);
    TailSettings {
        queue,
        retry: retry.as_option().cloned(),
        timeout: None,
        batch,
        dead_letter: dead_letter.clone(),
    }
}

fn check_auth(auth: &Optional<AuthSettings>, at: &mut At<'_>) {
    if auth
        .as_option()
        .is_some_and(|auth| auth.authenticator.is_none())
    {
        at.error(
            "auth::authenticator",
            "is required: the id of an extension, for example bearertokenauth",
        );
    }
}

/// The credentials of the extension that `auth` names.
fn credentials(
    auth: &Optional<AuthSettings>,
    host: &Host,
) -> Result<Option<Arc<dyn ClientCredentials>>, StartError> {
    let id = auth
        .as_option()
        .and_then(|auth| auth.authenticator.as_ref());
    id.map(|id| host.offers.get(&id.to_string(), "client authenticator"))
        .transpose()
}
