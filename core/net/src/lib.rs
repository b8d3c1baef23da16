//! Servers and clients that every receiver, exporter and extension shares:
//! sockets, TLS, HTTP, unary gRPC, bodies with limits, compression,
//! authentication, CORS. Knows no telemetry: bodies are bytes.

pub mod answer;
pub mod auth;
pub mod body;
pub mod budget;
pub mod client;
pub mod client_address;
pub mod compress;
pub mod config;
pub mod connect;
pub mod cors;
pub mod encoding;
pub mod grpc;
pub mod inflate;
mod jitter;
pub mod listen;
pub mod server;
mod socket;
pub mod status;
pub mod tls;

pub use answer::Body;
pub use auth::{Authenticator, ClientCredentials, Identity, NoCredentials, Unauthenticated};
pub use body::{BodyError, Limits, collect, read};
pub use budget::{Budget, Charge, Hold, Refused, Unlimited};
pub use client::{HttpClient, HttpClientOptions, HttpError};
pub use client_address::{ClientAddress, ClientAddressSettings};
pub use compress::compress;
pub use connect::ConnectError;
pub use cors::{Cors, CorsSettings};
pub use encoding::{Encoding, UnknownEncoding};
pub use inflate::{InflateError, InflateLimits, inflate};
pub use listen::{Address, ListenError, Listener, Transport, WeakListener};
pub use server::{Handler, Incoming, Peer, Protocols, Server, ServerOptions, serve};
pub use status::{Code, Status};

// Re-exported so that a receiver needs no version of its own.
pub use http;
