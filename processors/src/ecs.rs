//! Elastic Common Schema to OpenTelemetry names, and back.
//!
//! The rules are those of the crate `semconv`; this is their place in a
//! pipeline.

mod config;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use otlp::Signal;
use otlp::edit::{Edit, Facts, LogDraft, Touches, Verdict};
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};
use pipeline::telemetry::meter;
use semconv::{Records, to_otel};
use settings::ComponentId;

pub use config::{Config, Direction, Which};

/// The factory of `ecs`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    registry::processor::<Config>("ecs", &[], &[Signal::Logs], Stability::Beta)
}

/// Maps ECS events to OpenTelemetry names, and counts what cannot be kept.
struct ToOtel {
    records: Records,
    /// Values that lost to another one at the same path of the same event.
    collisions: Counter<u64>,
    labels: [KeyValue; 1],
}

impl ToOtel {
    fn new(id: &ComponentId, records: Records) -> ToOtel {
        let collisions = meter()
            .u64_counter("otelcol_processor_ecs_collisions")
            .with_description(
                "Number of values dropped because their path had another value in the same event",
            )
            .build();
        ToOtel {
            records,
            collisions,
            labels: [KeyValue::new("processor", id.to_string())],
        }
    }
}

impl Edit for ToOtel {
    fn touches(&self) -> Touches {
        to_otel::TOUCHES
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        if let Some(report) = to_otel::map(log, self.records)
            && report.collisions > 0
        {
            self.collisions.add(report.collisions as u64, &self.labels);
        }
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use otlp::edit::{Scratch, run};
    use otlp::write::LogsWriter;
    use otlp::{Payload, Value};
    use pipeline::Processor;

    use super::*;

    fn event() -> Payload {
        let mut writer = LogsWriter::new();
        writer.record(|r| {
            r.attribute("@timestamp", Value::String("2019-07-14T00:00:00Z"));
            r.attribute("event.action", Value::String("pageview"));
            r.attribute("host.name", Value::String("web-1"));
            r.attribute("client.ip", Value::String("203.0.113.7"));
            r.attribute_with("client", |v| {
                v.map(|m| m.attribute("ip", Value::String("10.9.9.9")))
            });
        });
        writer.finish()
    }

    fn through(payload: &Payload, config: Config) -> Payload {
        let id: ComponentId = "ecs".parse().unwrap();
        let Ok(Processor::Transform(transform)) = config.build(&id, Signal::Logs) else {
            panic!("ecs is a transform");
        };
        run(payload, &[&*transform], &mut Scratch::default(), 0)
    }

    fn names(payload: &Payload) -> (Vec<String>, Vec<String>) {
        let resource = payload.logs().next().unwrap();
        let scope = resource.scopes().next().unwrap();
        let record = scope.records().next().unwrap();
        let keys =
            |attributes: otlp::Attributes<'_>| attributes.map(|a| a.key.to_owned()).collect();
        (
            keys(resource.resource().attributes()),
            keys(record.attributes()),
        )
    }

    fn decoded(yaml: &str) -> (Option<Config>, String) {
        let text = format!("processors:\n  ecs:\n{yaml}");
        let files = settings::FixedEnvironment::new().with_file("c.yaml", &text);
        let mut problems = settings::Problems::new();
        let tree = settings::load(
            &[settings::Source::new("c.yaml")],
            &[],
            &files,
            &mut problems,
        )
        .unwrap();
        let body = tree.get("processors").and_then(|p| p.get("ecs")).unwrap();
        let config = settings::decode_valid(body, "processors::ecs", &mut problems);
        (config, problems.to_string())
    }

    #[test]
    fn settings() {
        let (config, problems) = decoded("    direction: to_otel\n");
        assert_eq!((config, problems.as_str()), (Some(Config::default()), ""));
        let (config, _) = decoded("    direction: to_ecs\n");
        assert_eq!(config.unwrap().direction, Direction::ToEcs);
        let (config, _) = decoded("    records: all\n");
        assert_eq!(config.unwrap().records, Which::All);
        let (config, problems) = decoded("    direction: to_ecs\n    records: all\n");
        assert_eq!(config, None);
        assert!(
            problems.contains("records") && problems.contains("remove it"),
            "{problems}"
        );
        let (config, problems) = decoded("    direction: sideways\n");
        assert_eq!(config, None);
        assert!(problems.contains("to_otel"), "{problems}");
    }

    #[test]
    fn to_otel_renames_and_moves_to_the_resource() {
        let mapped = through(&event(), Config::default());
        let (resource, record) = names(&mapped);
        assert_eq!(resource, ["host.name"]);
        assert_eq!(record, ["client.address"]);
        let logs = mapped.logs().next().unwrap();
        assert_eq!(logs.schema_url(), semconv::SCHEMA_URL);
        let record = logs.scopes().next().unwrap().records().next().unwrap();
        assert_eq!(record.event_name, "pageview");
        assert_eq!(record.time_unix_nano, 1_563_062_400_000_000_000);
        // The trusted spelling has fewer levels.
        assert_eq!(
            record.attributes().get("client.address"),
            Some(Value::String("203.0.113.7"))
        );
    }

    #[test]
    fn to_ecs_gives_the_event_back() {
        let mapped = through(&event(), Config::default());
        let back = through(
            &mapped,
            Config {
                direction: Direction::ToEcs,
                ..Config::default()
            },
        );
        let (resource, mut record) = names(&back);
        record.sort();
        assert_eq!(
            record,
            [
                "@timestamp",
                "client.address",
                "client.ip",
                "event.action",
                "host.name"
            ]
        );
        assert_eq!(resource, ["host.name"]);
    }

    #[test]
    fn an_ordinary_record_passes_unless_all_are_meant() {
        let mut writer = LogsWriter::new();
        writer.record(|r| {
            r.time_unix_nano(1);
            r.body(Value::String("hello"));
            r.attribute("host.name", Value::String("web-1"));
            r.attribute("url.full", Value::String("https://example.com/"));
        });
        let ordinary = writer.finish();
        let same = through(&ordinary, Config::default());
        assert_eq!(same.clone().into_bytes(), ordinary.clone().into_bytes());
        let all = through(
            &ordinary,
            Config {
                records: Which::All,
                ..Config::default()
            },
        );
        assert_eq!(
            names(&all),
            (vec!["host.name".to_owned()], vec!["url.full".to_owned()])
        );
    }
}
