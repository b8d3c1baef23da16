//! Settings of servers and clients under upstream's names. A component puts
//! its own settings beside them (`settings::Beside`).
//!
//! What a component may default differently from others is an `Option` here;
//! the component says its default when it asks for the options.

mod compression;
mod grpc_client;
mod http_client;
mod server;

pub use compression::{CompressionName, CompressionParams};
pub use grpc_client::{ClientKeepalive, GrpcClientSettings};
pub use http_client::{Cookies, HttpClientSettings};
pub use server::{
    Enforcement, GrpcServerSettings, HttpServerSettings, Middleware, RequestEncodings,
    ServerKeepalive, ServerParameters,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Headers};

/// `auth` of a server or client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// The extension that checks or adds credentials.
    pub authenticator: Option<ComponentId>,
    /// Query parameters that count as headers for the authenticator (HTTP servers).
    pub request_params: Vec<String>,
}

/// Configured headers as they go out. Values are marked as sensitive, so that
/// no log shows them and HTTP/2 does not keep them in its tables.
///
/// # Errors
/// A sentence that names the header.
pub fn header_map(headers: &Headers) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let key =
            HeaderName::try_from(name).map_err(|_| format!("{name:?} is not a header name"))?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| {
            format!("the value of header {name} has characters that no header can carry")
        })?;
        value.set_sensitive(true);
        map.append(key, value);
    }
    Ok(map)
}

/// Warns about settings that have no meaning here.
fn without_effect(at: &mut At<'_>, keys: &[(&str, &str)]) {
    for (key, why) in keys {
        if at.is_set(key) {
            at.warn(key, format!("has no effect here: {why}"));
        }
    }
}

const BUFFERS: &str = "buffers grow and shrink with the traffic";
const MIDDLEWARES: &str = "there are no middlewares";

#[cfg(test)]
mod tests;
