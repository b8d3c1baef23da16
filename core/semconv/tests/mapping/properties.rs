//! What holds for any event.

use std::collections::BTreeSet;

use otlp::edit::Edit;
use otlp::write::{LogsWriter, ValueWriter};
use otlp::{Payload, Value};
use proptest::prelude::*;
use semconv::{Records, ToEcs, ToOtel, table};

use crate::event::edited;
use crate::normal;

/// A value of any shape.
#[derive(Clone, Debug)]
enum Any {
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Any>),
    Map(Vec<(String, Any)>),
}

fn put(writer: &mut ValueWriter<'_>, value: &Any) {
    match value {
        Any::Empty => {}
        Any::Text(text) => writer.set(Value::String(text)),
        Any::Bool(flag) => writer.set(Value::Bool(*flag)),
        Any::Int(number) => writer.set(Value::Int(*number)),
        Any::Double(number) => writer.set(Value::Double(*number)),
        Any::Bytes(bytes) => writer.set(Value::Bytes(bytes)),
        Any::Array(members) => {
            writer.array(|array| members.iter().for_each(|m| array.push_with(|v| put(v, m))));
        }
        Any::Map(members) => {
            writer.map(|map| {
                members
                    .iter()
                    .for_each(|(k, m)| map.attribute_with(k, |v| put(v, m)))
            });
        }
    }
}

/// Texts that rules look at, and others.
fn text() -> impl Strategy<Value = String> {
    let told = [
        "",
        "a",
        "7",
        "true",
        "GET",
        "get",
        "PURGE",
        "HTTP/2.0",
        "unix",
        "ios",
        "error",
        " Warn ",
        "192.0.2.1",
        "1,2",
        "POINT (1 2)",
        "A=1",
        "=",
        "2019-07-14T00:00:00Z",
        "kubernetes",
        "nomad",
        "00f067aa0ba902b7",
        "x86_64",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "ÄÖ",
        "1.5",
    ];
    prop_oneof![
        prop::sample::select(told.to_vec()).prop_map(str::to_owned),
        ".{0,6}"
    ]
}

fn name() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = table::entries().map(|entry| entry.name).collect();
    let mapped: Vec<&'static str> = table::entries()
        .filter(|e| e.target().is_some() || e.marker)
        .map(|entry| entry.name)
        .collect();
    let made = [
        "labels.a",
        "container.labels.a",
        "container.label.a",
        "client.geo.location.lat",
        "client.geo.location.lon",
        "source.geo.location.lat",
        "process.environment_variable.A",
        "k8s.pod.label.x",
        "host.geo.location.lat",
        "dns.answers.data",
        "acme.a",
        "host",
        "client",
        "geo",
        "lat",
        "lon",
        "",
        "message",
        "@timestamp",
        "log.level",
        "type",
        "coordinates",
    ];
    prop_oneof![
        4 => prop::sample::select(mapped).prop_map(str::to_owned),
        1 => prop::sample::select(names).prop_map(str::to_owned),
        2 => prop::sample::select(made.to_vec()).prop_map(str::to_owned),
    ]
}

fn scalar() -> impl Strategy<Value = Any> {
    prop_oneof![
        1 => Just(Any::Empty),
        6 => text().prop_map(Any::Text),
        1 => any::<bool>().prop_map(Any::Bool),
        2 => prop_oneof![any::<i64>(), 0..20_i64].prop_map(Any::Int),
        2 => prop_oneof![any::<f64>(), Just(0.5)].prop_map(Any::Double),
        1 => prop::collection::vec(any::<u8>(), 0..3).prop_map(Any::Bytes),
    ]
}

fn value() -> impl Strategy<Value = Any> {
    let nested = scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Any::Array),
            prop::collection::vec((name(), inner), 0..4).prop_map(Any::Map),
        ]
    });
    prop_oneof![3 => scalar(), 1 => nested]
}

type Attributes = Vec<(String, Any)>;

fn attributes(value: impl Strategy<Value = Any>) -> impl Strategy<Value = Attributes> {
    prop::collection::vec((name(), value), 0..16).prop_map(|mut attributes| {
        let mut seen = BTreeSet::new();
        attributes.retain(|(key, _)| seen.insert(key.clone()));
        attributes
    })
}

fn payload(resource: &Attributes, record: &Attributes, body: &Any, time: u64) -> Payload {
    let mut writer = LogsWriter::new();
    writer.resource(|r| {
        resource
            .iter()
            .for_each(|(k, v)| r.attribute_with(k, |w| put(w, v)))
    });
    writer.record(|r| {
        r.time_unix_nano(time);
        if !matches!(body, Any::Empty) {
            r.body_with(|w| put(w, body));
        }
        record
            .iter()
            .for_each(|(k, v)| r.attribute_with(k, |w| put(w, v)));
    });
    writer.finish()
}

/// How many attributes a payload has, on resource and record, and how many fields of its own the record.
fn count(payload: &Payload) -> usize {
    let mut count = 0;
    for resource in payload.logs() {
        count += resource.resource().attributes().count();
        for scope in resource.scopes() {
            count += usize::from(!scope.scope().name().is_empty());
            for r in scope.records() {
                count += r.attributes().count();
                count += usize::from(r.time_unix_nano != 0) + usize::from(r.body.is_some());
                count += usize::from(!r.event_name.is_empty())
                    + usize::from(!r.severity_text.is_empty());
                count += usize::from(!r.trace_id.is_empty()) + usize::from(!r.span_id.is_empty());
                count += usize::from(r.observed_time_unix_nano != 0);
            }
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Both ways, whatever comes in: what goes out is valid, and no name stands twice.
    #[test]
    fn anything_goes_through_both_ways(
        resource in attributes(value()), record in attributes(value()), body in value(), time in 0..3_u64,
    ) {
        let payload = payload(&resource, &record, &body, time);
        for records in [Records::Ecs, Records::All] {
            let mapped = edited(&payload, &[&ToOtel { records }]);
            prop_assert_eq!(mapped.items(), 1);
            normal::of_payload(&edited(&mapped, &[&ToEcs]));
            normal::of_payload(&edited(&payload, &[&ToEcs]));
        }
    }

    /// Distinct texts cannot be equal to one another, so nothing may be dropped at all.
    #[test]
    fn nothing_is_lost(names in prop::collection::btree_set(name(), 1..16)) {
        let record: Attributes = names
            .into_iter()
            .filter(|name| !name.is_empty() && name != "process.env_vars")
            .enumerate()
            .map(|(at, name)| (name, Any::Text(format!("value {at}"))))
            .collect();
        let payload = payload(&Vec::new(), &record, &Any::Empty, 0);
        let mapped = edited(&payload, &[&ToOtel { records: Records::All }]);
        prop_assert!(count(&mapped) >= record.len(), "{:?}\n{}", record, normal::of_payload(&mapped));
        let values = normal::of_payload(&mapped).to_string();
        for (name, value) in &record {
            let Any::Text(text) = value else { continue };
            let kept = values.contains(&format!("\"{text}\"")) || values.contains(&format!("\"{}\"", text.to_lowercase()));
            prop_assert!(kept, "{} of {} in {}", text, name, values);
        }
    }

    /// What is left of ECS after mapping stays what it is.
    ///
    /// Not so `source.geo.*`, which only the presence of a `client.geo.*` kept back, and that is mapped away.
    #[test]
    fn mapping_twice_is_mapping_once(mut record in attributes(scalar())) {
        record.retain(|(key, _)| !key.starts_with("source.geo."));
        let payload = payload(&Vec::new(), &record, &Any::Empty, 0);
        let once = edited(&payload, &[&ToOtel { records: Records::All }]);
        let twice = edited(&once, &[&ToOtel { records: Records::All }]);
        prop_assert_eq!(normal::of_payload(&once), normal::of_payload(&twice));
    }

    /// Fused with its inverse it is the same as one after the other.
    #[test]
    fn fused_is_one_after_the_other(record in attributes(scalar())) {
        let payload = payload(&Vec::new(), &record, &Any::Empty, 0);
        let edits: [&dyn Edit; 2] = [&ToOtel::default(), &ToEcs];
        let fused = edited(&payload, &edits);
        let apart = edited(&edited(&payload, &[edits[0]]), &[edits[1]]);
        prop_assert_eq!(normal::of_payload(&fused), normal::of_payload(&apart));
    }
}
