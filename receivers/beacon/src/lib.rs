//! `beacon`: events of browsers, as they come out of `navigator.sendBeacon`,
//! `fetch` with `keepalive`, pixels, forms, browsers' own reports and those of media players.
//!
//! Every event becomes a log record whose attributes are its flattened ECS
//! paths; giving them OpenTelemetry names is the work of the `ecs` processor.
//! The text of a request is read once, straight into OTLP bytes. A client is
//! answered when the pipeline has taken its events.
//!
//! ```text
//! endpoint ─ door (origin, key, rate) ─ wire (body, form, envelope) ─ frames ─ event ─ record ─ intake ─ pipeline
//! ```

mod admission;
mod answer;
mod assets;
mod client;
mod cmcd;
mod config;
mod door;
mod endpoint;
mod event;
mod frames;
mod geo;
mod headers;
mod intake;
mod json;
mod metrics;
mod record;
mod reports;
mod salt;
mod serve;
mod session;
mod times;
mod url;
mod wire;

use pipeline::Signal;
use pipeline::registry::{self, Factory, ReceiverConfig, Stability};

pub use admission::OTHER;
pub use config::{
    AnonymizePrefix, BodyEncoding, Bots, ClientIp, Config, FieldLimits, Geo, GeoField, GeoHeader,
    KeyRate, PrivacySignals, RateLimit, RequireOrigin, Session, Signal as PrivacySignal,
    StripQuery, Timestamps, WriteKey,
};

/// The factory of `beacon`.
pub fn factory() -> Factory<dyn ReceiverConfig> {
    registry::receiver::<Config>("beacon", &[], &[Signal::Logs], Stability::Beta)
}
