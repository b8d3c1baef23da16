//! Unary gRPC over hyper, handing over message bytes and nothing more.
//!
//! A thin service of one's own because of what it does with bodies: the limit
//! is checked before a byte is buffered, bytes are charged as they arrive, a
//! message in one frame is not copied, and an oversized message is
//! RESOURCE_EXHAUSTED (other servers answer OUT_OF_RANGE, which OTLP clients
//! take for transient and repeat for ever).

mod client;
mod details;
mod frame;
mod metadata;
mod server;

pub use client::{
    Backoff, GrpcClient, GrpcClientOptions, GrpcTarget, Keepalive, MalformedTarget, Reply,
};
pub use details::{decode_status, encode_status};
pub use server::{Call, GrpcOptions, GrpcServer, UnaryService};

/// 4 MiB: gRPC's default for a message.
pub const DEFAULT_MAX_MESSAGE: usize = 4 << 20;

#[cfg(test)]
mod tests;
