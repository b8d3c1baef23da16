//! Events to payloads, as a receiver makes them: flattened with [`Leaves`], one
//! log record an event with the leaves as attributes.

use otlp::edit::{Edit, Scratch, run};
use otlp::write::{LogsWriter, ValueWriter};
use otlp::{Payload, Signal, Value};
use semconv::flatten::{Enter, Leaves};

use crate::json::{Json, parse};

/// The receive time of the case files.
pub(crate) const RECEIVED: u64 = 1_735_689_600_000_000_000;

/// How the event stands in its record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Flat attributes, as receivers write them.
    Flat,
    /// Attributes as the objects of the event, not flattened.
    Nested,
    /// One map as the body.
    Body,
}

/// The payload of a batch, and which events were rejected and why.
pub(crate) fn receive(
    batch: &[Result<Json, ()>],
    shape: Shape,
) -> (Payload, Vec<(usize, &'static str)>) {
    let mut writer = LogsWriter::new();
    let mut rejected = Vec::new();
    for (index, event) in batch.iter().enumerate() {
        match event {
            Err(()) => rejected.push((index, "invalid_json")),
            Ok(Json::Object(members)) => {
                let mut leaves = Leaves::default();
                tell(&mut leaves, members);
                if leaves.is_empty() {
                    rejected.push((index, "empty_event"));
                } else {
                    write(&mut writer, &leaves, members, shape);
                }
            }
            Ok(_) => rejected.push((index, "not_an_object")),
        }
    }
    (writer.finish(), rejected)
}

fn write(
    writer: &mut LogsWriter,
    leaves: &Leaves<&Json>,
    members: &[(String, Json)],
    shape: Shape,
) {
    writer.record(|record| {
        record.observed_time_unix_nano(RECEIVED);
        match shape {
            Shape::Flat => {
                for (path, value) in leaves.iter() {
                    record.attribute_with(path, |v| put(v, value));
                }
            }
            Shape::Nested => {
                for (key, value) in members {
                    record.attribute_with(key, |v| put_raw(v, value));
                }
            }
            Shape::Body => record.body_with(|v| put_raw(v, &Json::Object(members.to_vec()))),
        }
    });
}

fn tell<'j>(leaves: &mut Leaves<&'j Json>, members: &'j [(String, Json)]) {
    for (key, value) in members {
        match value {
            value if is_none(value) => {}
            Json::Object(inner) => match leaves.enter(key) {
                Enter::Whole => leaves.whole(value),
                Enter::Object => {
                    tell(leaves, inner);
                    leaves.leave();
                }
            },
            value => leaves.leaf(key, value),
        }
    }
}

fn is_none(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(members) => members.iter().all(|m| matches!(m, Json::Null)),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn put(writer: &mut ValueWriter<'_>, value: &Json) {
    match value {
        Json::Null => {}
        Json::Bool(flag) => writer.set(Value::Bool(*flag)),
        Json::Int(number) => writer.set(Value::Int(*number)),
        Json::Double(number) => writer.set(Value::Double(*number)),
        Json::Text(text) | Json::Digits(text) => writer.set(Value::String(text)),
        Json::Array(members) => writer.array(|array| {
            for member in members.iter().filter(|m| !matches!(m, Json::Null)) {
                array.push_with(|v| put(v, member));
            }
        }),
        Json::Object(members) => writer.map(|map| {
            for (key, member) in members.iter().filter(|(_, m)| !matches!(m, Json::Null)) {
                map.attribute_with(key, |v| put(v, member));
            }
        }),
    }
}

/// With nulls as empty values, for the mapper to drop, except inside arrays.
fn put_raw(writer: &mut ValueWriter<'_>, value: &Json) {
    match value {
        Json::Object(members) => writer.map(|map| {
            for (key, member) in members {
                map.attribute_with(key, |v| put_raw(v, member));
            }
        }),
        value => put(writer, value),
    }
}

/// The payload after these edits.
pub(crate) fn edited(payload: &Payload, edits: &[&dyn Edit]) -> Payload {
    let after = run(payload, edits, &mut Scratch::default(), RECEIVED);
    let bytes = after.clone().into_bytes();
    Payload::validate(Signal::Logs, bytes).expect("what an edit writes is valid")
}

/// Events from texts, one each.
pub(crate) fn events(texts: &[&str]) -> Vec<Result<Json, ()>> {
    texts.iter().map(|text| parse(text).ok_or(())).collect()
}
