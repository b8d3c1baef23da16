//! From protobuf to text, by looping over the readers.
//!
//! Members stand in the order of the `.proto` files and defaults are left out,
//! as upstream's marshaler does it; so `resource`, `scope` and an attribute's
//! `value` are always there, if only as `{}`. Unlike upstream, which fills them
//! in, a body, status or side of an exponential histogram that the sender left
//! out stays left out, and ids of only zeros are kept.

mod common;
mod logs;
mod metrics;
mod points;
mod text;
mod traces;

use crate::{Payload, Signal};

/// Appends a request as OTLP/JSON; see [`super::write`].
pub(super) fn write(payload: &Payload, out: &mut Vec<u8>) {
    out.reserve(payload.size() * 2);
    text::object(out, |request| match payload.signal() {
        Signal::Logs => request.list("resourceLogs", payload.logs(), logs::resource_logs),
        Signal::Traces => request.list("resourceSpans", payload.traces(), traces::resource_spans),
        Signal::Metrics => {
            request.list(
                "resourceMetrics",
                payload.metrics(),
                metrics::resource_metrics,
            );
        }
    });
}
