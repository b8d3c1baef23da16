//! Both exporters against real servers: our own with scripted answers, and
//! tonic with the messages of `opentelemetry-proto`.

mod contract;
mod grpc;
mod http;
mod rig;
mod secure;
