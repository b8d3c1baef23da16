//! Random edits, as they are done to drafts.

use std::fmt::Debug;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Theirs;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use otlp::Value;
use otlp::edit::{
    AttributesDraft, Edit, Facts, LogDraft, MetricDraft, PointDraft, ResourceDraft, ScopeDraft,
    SpanDraft, Touches, Verdict,
};
use otlp::write::ValueWriter;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::generate::common::{id, key, number, text, value};

/// What an edit does to the attributes it was given.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Set(String, AnyValue),
    Insert(String, AnyValue),
    Update(String, AnyValue),
    Rename(String, String),
    Remove(String),
    /// Keeps keys that are longer.
    Retain(usize),
    /// By position among those that are there.
    RenameAt(usize, String),
    SetAt(usize, AnyValue),
    RemoveAt(usize),
    Clear,
}

/// What an edit does to a record besides.
#[derive(Clone, Debug)]
pub(super) enum FieldOp {
    Time(u64),
    Text(String),
    Id(Vec<u8>),
    /// The body, the status, the value; `None` takes it away.
    Content(Option<AnyValue>),
    /// Drops events and exemplars without attributes, changes the others.
    Nested(Vec<Op>),
    /// Sets an attribute to the resource's value of the same key.
    FromResource(String),
    Move(String),
    ScopeName(String),
    ResourceUrl(String),
}

/// The level that an edit looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Resource,
    Scope,
    Record,
    Point,
}

/// A random edit.
#[derive(Clone, Debug)]
pub(super) struct Random {
    pub(super) at: At,
    pub(super) attributes: Vec<Op>,
    pub(super) fields: Vec<FieldOp>,
    /// Drops what has a time, name or count of attributes with this remainder by 4.
    pub(super) drop: Option<u64>,
}

impl Random {
    pub(super) fn moves(&self) -> bool {
        let moving = |op: &FieldOp| {
            matches!(
                op,
                FieldOp::Move(_) | FieldOp::ScopeName(_) | FieldOp::ResourceUrl(_)
            )
        };
        matches!(self.at, At::Record | At::Point) && self.fields.iter().any(moving)
    }

    pub(super) fn drops(&self, measure: u64) -> bool {
        self.drop.is_some_and(|remainder| measure % 4 == remainder)
    }

    fn verdict(&self, measure: u64) -> Verdict {
        if self.drops(measure) {
            Verdict::Drop
        } else {
            Verdict::Keep
        }
    }
}

pub(super) fn random() -> impl Strategy<Value = Random> {
    let at = prop_oneof![
        1 => Just(At::Resource),
        1 => Just(At::Scope),
        4 => Just(At::Record),
        3 => Just(At::Point),
    ];
    let drop = option::weighted(0.3, 0..4u64);
    (at, vec(op(), 0..4), vec(field_op(), 0..3), drop).prop_map(|(at, attributes, fields, drop)| {
        Random {
            at,
            attributes,
            fields,
            drop,
        }
    })
}

fn op() -> impl Strategy<Value = Op> {
    let value = || value().prop_map(filled);
    prop_oneof![
        3 => (key(), value()).prop_map(|(key, value)| Op::Set(key, value)),
        2 => (key(), value()).prop_map(|(key, value)| Op::Insert(key, value)),
        1 => (key(), value()).prop_map(|(key, value)| Op::Update(key, value)),
        4 => (key(), key()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => key().prop_map(Op::Remove),
        1 => (0..10usize).prop_map(Op::Retain),
        1 => (0..4usize, key()).prop_map(|(at, key)| Op::RenameAt(at, key)),
        1 => (0..4usize, value()).prop_map(|(at, value)| Op::SetAt(at, value)),
        1 => (0..4usize).prop_map(Op::RemoveAt),
        1 => Just(Op::Clear),
    ]
}

fn field_op() -> impl Strategy<Value = FieldOp> {
    prop_oneof![
        number().prop_map(FieldOp::Time),
        text().prop_map(FieldOp::Text),
        id(16).prop_map(FieldOp::Id),
        option::of(value().prop_map(filled)).prop_map(FieldOp::Content),
        vec(op(), 1..3).prop_map(FieldOp::Nested),
        key().prop_map(FieldOp::FromResource),
        key().prop_map(FieldOp::Move),
        text().prop_map(FieldOp::ScopeName),
        text().prop_map(FieldOp::ResourceUrl),
    ]
}

/// The value with everything in it written out, as our writer does.
pub(super) fn filled(mut value: AnyValue) -> AnyValue {
    match &mut value.value {
        Some(Theirs::ArrayValue(array)) => {
            array.values = std::mem::take(&mut array.values)
                .into_iter()
                .map(filled)
                .collect();
        }
        Some(Theirs::KvlistValue(map)) => {
            for pair in &mut map.values {
                pair.value = Some(filled(pair.value.take().unwrap_or_default()));
            }
        }
        _ => {}
    }
    value
}

/// Writes a value of `prost`.
fn put(out: &mut ValueWriter<'_>, value: &AnyValue) {
    match &value.value {
        None => {}
        Some(Theirs::ArrayValue(array)) => {
            out.array(|a| {
                array
                    .values
                    .iter()
                    .for_each(|value| a.push_with(|v| put(v, value)))
            });
        }
        Some(Theirs::KvlistValue(map)) => out.map(|m| {
            for KeyValue { key, value, .. } in &map.values {
                m.attribute_with(key, |v| put(v, &value.clone().unwrap_or_default()));
            }
        }),
        Some(_) => out.set(flat(value).unwrap_or_default()),
    }
}

/// A value that is no container.
fn flat(value: &AnyValue) -> Option<Value<'_>> {
    Some(match value.value.as_ref() {
        None => Value::Empty,
        Some(Theirs::StringValue(text)) => Value::String(text),
        Some(Theirs::BoolValue(bool)) => Value::Bool(*bool),
        Some(Theirs::IntValue(int)) => Value::Int(*int),
        Some(Theirs::DoubleValue(double)) => Value::Double(*double),
        Some(Theirs::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(_) => return None,
    })
}

/// Applies `ops` to a draft.
pub(super) fn apply(ops: &[Op], draft: &mut AttributesDraft<'_, '_>) {
    for op in ops {
        apply_one(op, draft);
    }
}

fn apply_one(op: &Op, draft: &mut AttributesDraft<'_, '_>) {
    let arena = draft.arena();
    let build = |value: &AnyValue| match flat(value) {
        Some(value) => arena.value(value),
        None => arena.build(|v| put(v, value)),
    };
    match op {
        Op::Set(key, value) => match flat(value) {
            Some(value) => draft.set(key, value),
            None => draft.set_with(key, |v| put(v, value)),
        },
        Op::Insert(key, value) => _ = draft.insert(key, build(value)),
        Op::Update(key, value) => _ = draft.update(key, build(value)),
        Op::Rename(from, to) => _ = draft.rename(from, to),
        Op::Remove(key) => _ = draft.remove(key),
        Op::Retain(longer) => draft.retain(|kv| kv.key.len() > *longer),
        Op::RenameAt(at, key) => at_position(draft, *at, |draft, at| draft.rename_at(at, key)),
        Op::SetAt(at, value) => {
            at_position(draft, *at, |draft, at| draft.set_at(at, build(value)));
        }
        Op::RemoveAt(at) => at_position(draft, *at, |draft, at| _ = draft.remove_at(at)),
        Op::Clear => draft.clear(),
    }
    assert_eq!(draft.iter().count(), draft.len());
}

/// The position of the attribute that is the `nth` still there.
fn at_position<'d, 'a>(
    draft: &mut AttributesDraft<'d, 'a>,
    nth: usize,
    change: impl FnOnce(&mut AttributesDraft<'d, 'a>, usize),
) {
    let found = (0..draft.positions())
        .filter(|&at| draft.at(at).is_some())
        .nth(nth);
    if let Some(at) = found {
        change(draft, at);
    }
}

/// The fields that all drafts of records have in some form, besides attributes.
macro_rules! common_fields {
    ($self:ident, $facts:ident, $draft:ident, $op:ident) => {
        match $op {
            FieldOp::FromResource(key) => {
                if let Some(value) = $facts.resource().attributes().get(key) {
                    $draft.attributes().set(key, value);
                }
            }
            FieldOp::Move(key) => {
                let (mut own, mut resource) = $draft.attributes_and_resource();
                if let Some(value) = own.remove(key) {
                    resource.set(key, value);
                }
            }
            FieldOp::ScopeName(name) => $draft.scope().set_name(name),
            FieldOp::ResourceUrl(url) => $draft.resource().set_schema_url(url),
            _ => {}
        }
    };
}

impl Edit for Random {
    fn touches(&self) -> Touches {
        Touches {
            resource: self.at == At::Resource,
            scope: self.at == At::Scope,
            logs: self.at == At::Record,
            spans: self.at == At::Record,
            metrics: self.at == At::Record,
            points: self.at == At::Point,
            moves: self.moves(),
            ignores_facts: !self
                .fields
                .iter()
                .any(|op| matches!(op, FieldOp::FromResource(_))),
        }
    }

    fn resource(&self, _: &Facts<'_>, draft: &mut ResourceDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.attributes());
        for op in &self.fields {
            match op {
                FieldOp::ResourceUrl(url) => draft.set_schema_url(url),
                FieldOp::Time(count) => draft.set_dropped_attributes_count(*count as u32),
                _ => {}
            }
        }
        self.verdict(draft.attributes().len() as u64)
    }

    fn scope(&self, facts: &Facts<'_>, draft: &mut ScopeDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.attributes());
        for op in &self.fields {
            match op {
                FieldOp::ResourceUrl(url) => draft.set_schema_url(url),
                FieldOp::ScopeName(name) => draft.set_name(name),
                FieldOp::Text(text) => draft.set_version(text),
                FieldOp::FromResource(key) => {
                    if let Some(value) = facts.resource().attributes().get(key) {
                        draft.attributes().set(key, value);
                    }
                }
                _ => {}
            }
        }
        self.verdict(draft.name().len() as u64)
    }

    fn log(&self, facts: &Facts<'_>, draft: &mut LogDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.attributes());
        for op in &self.fields {
            match op {
                FieldOp::Time(time) => draft.set_time_unix_nano(*time),
                FieldOp::Text(text) => draft.set_severity_text(text),
                FieldOp::Id(id) => draft.set_trace_id(id.as_slice().try_into().ok()),
                FieldOp::Content(None) => _ = draft.take_body(),
                FieldOp::Content(Some(body)) => match flat(body) {
                    Some(body) => draft.set_body(body),
                    None => draft.set_body_with(|v| put(v, body)),
                },
                FieldOp::Nested(_) => {}
                op => common_fields!(self, facts, draft, op),
            }
        }
        assert_eq!(draft.read().time_unix_nano, draft.time_unix_nano());
        self.verdict(draft.time_unix_nano())
    }

    fn span(&self, facts: &Facts<'_>, draft: &mut SpanDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.attributes());
        for op in &self.fields {
            match op {
                FieldOp::Time(time) => draft.set_start_time_unix_nano(*time),
                FieldOp::Text(text) => draft.set_name(text),
                FieldOp::Id(id) => draft.set_trace_id(id.as_slice().try_into().ok()),
                FieldOp::Content(None) => draft.set_status(0, ""),
                FieldOp::Content(Some(_)) => draft.set_status(2, "failed"),
                FieldOp::Nested(ops) => {
                    draft.events(|event| {
                        if event.attributes().is_empty() {
                            return Verdict::Drop;
                        }
                        apply(ops, &mut event.attributes());
                        Verdict::Keep
                    });
                    draft.links(|link| {
                        link.set_trace_state("seen");
                        Verdict::Keep
                    });
                }
                op => common_fields!(self, facts, draft, op),
            }
        }
        assert_eq!(draft.read().name, draft.name());
        self.verdict(draft.start_time_unix_nano())
    }

    fn metric(&self, _: &Facts<'_>, draft: &mut MetricDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.metadata());
        for op in &self.fields {
            match op {
                FieldOp::Time(time) => draft.set_temporality((time % 3) as i32),
                FieldOp::Text(text) => draft.set_name(text),
                FieldOp::Content(content) => draft.set_monotonic(content.is_some()),
                FieldOp::ScopeName(name) => draft.scope().set_name(name),
                FieldOp::ResourceUrl(url) => draft.resource().set_schema_url(url),
                _ => {}
            }
        }
        assert_eq!(draft.read().name, draft.name());
        self.verdict(draft.name().len() as u64)
    }

    fn point(&self, facts: &Facts<'_>, draft: &mut PointDraft<'_, '_>) -> Verdict {
        apply(&self.attributes, &mut draft.attributes());
        for op in &self.fields {
            match op {
                FieldOp::Time(time) => draft.set_time_unix_nano(*time),
                FieldOp::Text(text) => draft.attributes().set("unit", {
                    let unit = facts.metric().unit;
                    if text.is_empty() {
                        Value::Empty
                    } else {
                        Value::String(unit)
                    }
                }),
                FieldOp::Content(content) => draft.set_value(match content {
                    None => otlp::NumberValue::None,
                    Some(AnyValue {
                        value: Some(Theirs::IntValue(int)),
                    }) => otlp::NumberValue::Int(*int),
                    Some(_) => otlp::NumberValue::Double(0.0),
                }),
                FieldOp::Id(id) => draft.set_flags(id.len() as u32),
                FieldOp::Nested(ops) => draft.exemplars(|exemplar| {
                    if exemplar.attributes().is_empty() {
                        return Verdict::Drop;
                    }
                    apply(ops, &mut exemplar.attributes());
                    Verdict::Keep
                }),
                op => common_fields!(self, facts, draft, op),
            }
        }
        self.verdict(draft.time_unix_nano())
    }
}
