//! Records to flat ECS inside a pipeline.

use otlp::edit::{Edit, Facts, LogDraft, Touches, Verdict};
use otlp::{KeyValue, Value};
use smallvec::SmallVec;

use super::{Fields, from_otel};

/// Makes the attributes of every log record the flat ECS event that the record
/// is, with the attributes of its resource. Time, body and the other fields of
/// the record stay as well, and so does the resource.
#[derive(Debug, Default)]
pub struct ToEcs;

impl Edit for ToEcs {
    fn touches(&self) -> Touches {
        Touches {
            logs: true,
            ..Touches::default()
        }
    }

    fn log(&self, facts: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let arena = log.arena();
        let fields = Fields {
            time_unix_nano: log.time_unix_nano(),
            observed_time_unix_nano: log.observed_time_unix_nano(),
            severity_number: log.severity_number(),
            severity_text: log.severity_text(),
            body: log.body(),
            trace_id: log.trace_id(),
            span_id: log.span_id(),
            event_name: log.event_name(),
            scope_name: facts.scope().name(),
        };
        let attributes: SmallVec<[_; 32]> = log.attributes().iter().collect();
        // Through a slice, so that they may live as short as the facts.
        let own: &[KeyValue<'_>] = &attributes;
        let mut event: SmallVec<[(&str, Value<'_>); 32]> = SmallVec::new();
        from_otel(
            &fields,
            own.iter().copied(),
            facts.resource().attributes(),
            |path, value| {
                event.push((arena.text(path), value.to_value(arena)));
            },
        );
        let mut attributes = log.attributes();
        attributes.clear();
        for (path, value) in event {
            attributes.set(path, value);
        }
        Verdict::Keep
    }
}
