//! The receiver as its senders and its operator see it: over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod answers;
mod browser;
mod compression;
mod grpc;
mod refusals;
mod secure;
mod sender;
mod settings;
mod stage;
mod stop;
mod telemetry;
