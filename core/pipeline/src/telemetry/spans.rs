//! Own spans, under upstream's names. They cost one relaxed load while nobody
//! has asked for them.

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer};
use opentelemetry::{KeyValue, Value};
use otlp::Signal;

static WANTED: AtomicBool = AtomicBool::new(false);

/// Spans are made from now on. The provider must be set before.
pub fn switch_on() {
    WANTED.store(true, Ordering::Relaxed);
}

/// A span of the collector itself; nothing unless spans were switched on. It
/// ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span lasts as long as this value"]
pub struct OwnSpan {
    signal: Signal,
    span: Option<BoxedSpan>,
}

impl OwnSpan {
    /// `receiver/<id>/LogsReceived`: one request, until its answer is known.
    pub fn receiver(id: &Value, transport: &Value, signal: Signal) -> OwnSpan {
        OwnSpan::begin(signal, SpanKind::Server, || {
            let what = match signal {
                Signal::Logs => "LogsReceived",
                Signal::Traces => "TraceDataReceived",
                Signal::Metrics => "MetricsReceived",
            };
            let labels = vec![
                KeyValue::new("receiver", id.clone()),
                KeyValue::new("transport", transport.clone()),
            ];
            (format!("receiver/{}/{what}", id.as_str()), labels)
        })
    }

    /// `exporter/<id>/logs`: one batch, with all its attempts.
    pub(crate) fn exporter(id: &str, signal: Signal) -> OwnSpan {
        OwnSpan::begin(signal, SpanKind::Client, || {
            let labels = vec![KeyValue::new("exporter", id.to_owned())];
            (format!("exporter/{id}/{}", signal.name()), labels)
        })
    }

    fn begin(
        signal: Signal,
        kind: SpanKind,
        name: impl FnOnce() -> (String, Vec<KeyValue>),
    ) -> OwnSpan {
        let span = WANTED.load(Ordering::Relaxed).then(|| {
            let tracer = global::tracer("pharos");
            let (name, labels) = name();
            let builder = tracer.span_builder(name).with_kind(kind);
            builder.with_attributes(labels).start(&tracer)
        });
        OwnSpan { signal, span }
    }

    /// Notes how many items came to this end: `accepted`, `refused`, `sent`, ...
    pub fn count(&mut self, end: &'static str, items: usize) {
        if let Some(span) = self.span.as_mut().filter(|_| items > 0) {
            let key = format!("{end}_{}", self.signal.item_name());
            span.set_attribute(KeyValue::new(key, items as i64));
        }
    }

    /// Marks the span as failed, with the reason.
    pub fn fail(&mut self, why: &str) {
        if let Some(span) = &mut self.span {
            span.set_status(Status::error(why.to_owned()));
        }
    }
}
