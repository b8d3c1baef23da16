//! The receiver as its senders and its operator see it: over real sockets.

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
