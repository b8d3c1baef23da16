//! TLS for servers and clients: settings, loading, reloading without a restart.

mod client;
mod files;
mod server;
mod settings;
mod suites;

pub use client::TlsConnector;
pub use files::TlsError;
pub use server::{TlsAcceptor, TlsPeer};
pub use settings::{ClientTlsSettings, ServerTlsSettings, TlsVersion};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
