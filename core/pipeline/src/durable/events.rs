//! What happens to the files of a log, told to people and counted.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use wal::{Event, Observer};

use crate::telemetry::meter;

/// Logs and counts the events of one log.
pub(crate) struct Watch {
    name: Arc<str>,
    labels: [KeyValue; 1],
    quarantined: Counter<u64>,
    failed: Counter<u64>,
}

impl Watch {
    pub(crate) fn new(name: &Arc<str>) -> Watch {
        let counter = |name, what| meter().u64_counter(name).with_description(what).build();
        let watch = Watch {
            name: Arc::clone(name),
            labels: [KeyValue::new("queue", name.to_string())],
            quarantined: counter(
                "otelcol_storage_quarantined_files",
                "Files of a queue that were set aside because they are unreadable",
            ),
            failed: counter(
                "otelcol_storage_failures",
                "Writes or syncs of a queue that the disk failed",
            ),
        };
        watch.quarantined.add(0, &watch.labels);
        watch.failed.add(0, &watch.labels);
        watch
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event) {
        match event {
            Event::TornTail { .. } | Event::Jumped { .. } => {
                tracing::warn!(queue = &*self.name, "Sending queue on disk: {event}");
                return;
            }
            Event::Quarantined { .. } => self.quarantined.add(1, &self.labels),
            Event::SegmentFailed { .. } | Event::Postponed { .. } => {
                self.failed.add(1, &self.labels)
            }
            _ => {}
        }
        tracing::error!(queue = &*self.name, "Sending queue on disk: {event}");
    }
}
