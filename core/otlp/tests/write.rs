//! The writers, driven with everything that `prost` structs can say.

#![allow(clippy::unwrap_used)]

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use otlp::limits::MAX_VALUE_DEPTH;
use otlp::write::{LogsWriter, MetricsWriter, TracesWriter, ValueWriter};
use otlp::{NumberValue, Payload, Signal, Value};
use proptest::prelude::*;
use prost::Message;

use crate::generate;
use crate::structs::Explicit;

mod drive;

/// The payload is valid, and says what the struct says.
fn check<M: Message + Default + Explicit>(payload: Payload, signal: Signal, expected: M) {
    let items = payload.items();
    let bytes = payload.into_bytes();
    let validated = Payload::validate(signal, bytes.clone()).expect("valid by construction");
    assert_eq!(validated.items(), items, "items are counted while writing");
    let decoded = M::decode(bytes).expect("prost reads it");
    // NaN is not equal to itself, but its bytes are.
    assert_eq!(decoded.encode_to_vec(), expected.explicit().encode_to_vec());
}

proptest! {
    #[test]
    fn logs_decode_to_what_was_written(request in generate::logs()) {
        let mut writer = LogsWriter::new();
        drive::logs(&mut writer, &request);
        check(writer.finish(), Signal::Logs, request);
    }

    #[test]
    fn traces_decode_to_what_was_written(request in generate::traces()) {
        let mut writer = TracesWriter::new();
        drive::traces(&mut writer, &request);
        check(writer.finish(), Signal::Traces, request);
    }

    #[test]
    fn metrics_decode_to_what_was_written(request in generate::metrics()) {
        let mut writer = MetricsWriter::new();
        drive::metrics(&mut writer, &request);
        check(writer.finish(), Signal::Metrics, request);
    }

    #[test]
    fn a_writer_starts_again_after_each_payload(
        first in generate::logs(),
        second in generate::logs(),
    ) {
        let mut writer = LogsWriter::new();
        drive::logs(&mut writer, &first);
        check(writer.finish(), Signal::Logs, first);
        prop_assert_eq!((writer.items(), writer.size()), (0, 0));
        drive::logs(&mut writer, &second);
        check(writer.finish(), Signal::Logs, second);
    }

    /// What a payload holds can be written into another one as it is.
    #[test]
    fn borrowed_values_are_copied(request in generate::logs()) {
        let payload = Payload::validate(Signal::Logs, request.encode_to_vec().into()).unwrap();
        let mut writer = LogsWriter::new();
        let mut records = Vec::new();
        for record in payload.logs().flat_map(|r| r.scopes()).flat_map(|s| s.records()) {
            writer.record(|log| {
                if let Some(body) = record.body {
                    log.body(body);
                }
                log.attributes(record.attributes());
                // The attributes of a record become a map, other fields between them left out.
                log.attribute("all", Value::Map(record.attributes()));
            });
            records.push(record);
        }
        let copy = writer.finish();
        let copies: Vec<_> =
            copy.logs().flat_map(|r| r.scopes()).flat_map(|s| s.records()).collect();
        prop_assert_eq!(copies.len(), records.len());
        for (copy, record) in copies.iter().zip(&records) {
            prop_assert_eq!(copy.body, record.body);
            let count = record.attributes().count();
            prop_assert!(copy.attributes().take(count).eq(record.attributes()));
            let all = copy.attributes().last().unwrap();
            prop_assert_eq!(all.value, Value::Map(record.attributes()));
        }
    }
}

fn decode_logs(payload: Payload) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(payload.into_bytes()).unwrap()
}

#[test]
fn records_need_no_resource_or_scope() {
    let mut writer = LogsWriter::new();
    writer.record(|log| log.severity_text("a"));
    writer.scope(|scope| scope.name("s"));
    writer.record(|log| log.severity_text("b"));
    writer.resource(|resource| resource.schema_url("u"));
    writer.record(|log| log.severity_text("c"));
    let payload = writer.finish();
    assert_eq!(payload.items(), 3);
    let request = decode_logs(payload);
    let [first, second] = &request.resource_logs[..] else {
        panic!("{request:?}")
    };
    assert_eq!(
        (first.resource.is_none(), first.scope_logs.len()),
        (true, 2)
    );
    assert_eq!(first.scope_logs[0].scope, None);
    assert_eq!(first.scope_logs[1].scope.as_ref().unwrap().name, "s");
    assert_eq!(
        (
            second.schema_url.as_str(),
            second.scope_logs[0].log_records.len()
        ),
        ("u", 1)
    );
}

#[test]
fn nothing_written_is_an_empty_payload() {
    let payload = LogsWriter::new().finish();
    assert_eq!((payload.items(), payload.size()), (0, 0));
    assert_eq!(payload.segments().map(|s| s.len()).sum::<usize>(), 0);
}

#[test]
fn a_field_that_is_set_twice_keeps_its_last_value() {
    let mut writer = LogsWriter::new();
    writer.record(|log| {
        log.body(Value::String("first"));
        log.event_name("event");
        log.body_with(|body| {
            body.array(|a| a.push(Value::Int(1)));
            body.string("last");
        });
        log.attribute_with("empty", |value| {
            value.string("x");
            value.set(Value::Empty);
        });
    });
    let request = decode_logs(writer.finish());
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    let last = AnyValue {
        value: Some(Any::StringValue("last".into())),
    };
    assert_eq!(
        (record.body.as_ref(), record.event_name.as_str()),
        (Some(&last), "event")
    );
    assert_eq!(record.attributes[0].value, Some(AnyValue { value: None }));

    let mut writer = TracesWriter::new();
    writer.span(|span| {
        span.status(2, "first");
        span.name("n");
        span.status(1, "");
    });
    let bytes = writer.finish().into_bytes();
    let request = ExportTraceServiceRequest::decode(bytes).unwrap();
    let status = request.resource_spans[0].scope_spans[0].spans[0]
        .status
        .clone()
        .unwrap();
    assert_eq!((status.code, status.message.as_str()), (1, ""));

    let mut writer = MetricsWriter::new();
    writer.metric(|metric| {
        metric.gauge(|g| {
            g.point(|_| {});
            g.point(|_| {});
        });
        metric.name("n");
        metric.exponential_histogram(2, |h| {
            h.point(|p| {
                p.positive(1, [1]);
                p.negative(2, [2]);
                p.positive(3, [3]);
                p.exemplar(|e| {
                    e.value(NumberValue::Int(1));
                    e.value(NumberValue::Double(2.0));
                });
            });
        });
    });
    let payload = writer.finish();
    assert_eq!(
        payload.items(),
        1,
        "the points that were replaced do not count"
    );
    let request = ExportMetricsServiceRequest::decode(payload.into_bytes()).unwrap();
    let metric = format!(
        "{:?}",
        request.resource_metrics[0].scope_metrics[0].metrics[0]
    );
    assert!(
        metric.contains("offset: 3") && metric.contains("offset: 2"),
        "{metric}"
    );
    assert!(
        !metric.contains("Gauge") && metric.contains("AsDouble(2.0)"),
        "{metric}"
    );
}

/// Containers nested `depth` times around `innermost`, maps and arrays in turn.
fn nest(value: &mut ValueWriter<'_>, depth: usize, innermost: Value<'_>) {
    if depth == 0 {
        value.set(innermost);
    } else if depth.is_multiple_of(2) {
        value.array(|array| array.push_with(|value| nest(value, depth - 1, innermost)));
    } else {
        value.map(|map| map.attribute_with("k", |value| nest(value, depth - 1, innermost)));
    }
}

fn depth_of(value: Value<'_>) -> usize {
    1 + match value {
        Value::Array(values) => values.map(depth_of).max().unwrap_or_default(),
        Value::Map(entries) => entries
            .map(|kv| depth_of(kv.value))
            .max()
            .unwrap_or_default(),
        _ => 0,
    }
}

#[test]
fn what_is_nested_too_deep_becomes_an_empty_value_and_is_counted() {
    let deepest = MAX_VALUE_DEPTH - 1;
    let mut writer = LogsWriter::new();
    writer.record(|log| log.body_with(|body| nest(body, deepest, Value::Int(7))));
    assert_eq!(writer.too_deep(), 0);
    let fits = writer.finish();
    let body = |payload: &Payload| {
        let record = payload
            .logs()
            .next()
            .unwrap()
            .scopes()
            .next()
            .unwrap()
            .records()
            .next();
        depth_of(record.unwrap().body.unwrap())
    };
    assert_eq!(body(&fits), MAX_VALUE_DEPTH);

    writer.record(|log| log.body_with(|body| nest(body, deepest + 1, Value::Int(7))));
    assert_eq!(writer.too_deep(), 1);
    assert_eq!(
        body(&writer.finish()),
        MAX_VALUE_DEPTH,
        "cut off at the limit"
    );
    assert_eq!(writer.too_deep(), 0, "counted for each payload");

    // A value that fits where it is does not fit below another container.
    let inner = fits
        .logs()
        .next()
        .unwrap()
        .scopes()
        .next()
        .unwrap()
        .records()
        .next()
        .unwrap();
    writer.record(|log| {
        log.attribute("as it is", inner.body.unwrap());
        log.attribute_with("in an array", |value| {
            value.array(|array| {
                array.push(inner.body.unwrap());
                array.push(Value::Bool(true));
            });
        });
        log.attribute_with("in a map", |v| {
            v.map(|m| m.attribute("k", inner.body.unwrap()))
        });
    });
    assert_eq!(writer.too_deep(), 2);
    let request = decode_logs(writer.finish());
    let attributes = &request.resource_logs[0].scope_logs[0].log_records[0].attributes;
    let Some(Any::ArrayValue(array)) = &attributes[1].value.as_ref().unwrap().value else {
        panic!("{attributes:?}")
    };
    let empty = AnyValue { value: None };
    assert_eq!(
        array.values,
        [
            empty,
            AnyValue {
                value: Some(Any::BoolValue(true))
            }
        ]
    );
}

#[test]
fn large_records_have_canonical_lengths() {
    for size in [100, 127, 128, 16_200, 16_384, 3_000_000] {
        let text = "x".repeat(size);
        let mut writer = LogsWriter::new();
        writer.resource(|r| r.attribute("k", Value::String(&text)));
        writer.record(|log| log.attribute_with("k", |v| v.string(&text)));
        let bytes = writer.finish().into_bytes();
        let request = ExportLogsServiceRequest::decode(bytes.clone()).unwrap();
        assert_eq!(request.encoded_len(), bytes.len(), "{size}");
        let expected = AnyValue {
            value: Some(Any::StringValue(text)),
        };
        let attribute = KeyValue {
            key: "k".into(),
            value: Some(expected),
            ..Default::default()
        };
        let resource = request.resource_logs[0].resource.as_ref().unwrap();
        assert_eq!(resource.attributes, [attribute]);
    }
}
