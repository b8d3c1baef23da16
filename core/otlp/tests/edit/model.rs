//! The same edits on `prost` structs, one after the other, written for clarity.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Theirs;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::ops::{At, FieldOp, Op, Random};

/// A request of any signal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request<R> {
    pub(super) blocks: Vec<Block<R>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block<R> {
    pub(super) resource: Option<Resource>,
    pub(super) url: String,
    pub(super) scopes: Vec<Scope<R>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scope<R> {
    pub(super) scope: Option<InstrumentationScope>,
    pub(super) url: String,
    pub(super) records: Vec<R>,
}

/// What stands around a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) resource: Resource,
    pub(super) resource_url: String,
    pub(super) scope: InstrumentationScope,
    pub(super) scope_url: String,
}

/// A record as the model edits it.
pub(super) trait Record: Sized {
    /// Applies a (metric's: and its points') edit. What is left of the record, by
    /// the place where it then stands; whether anything was touched.
    fn edit(self, random: &Random, place: &Place) -> (Vec<(Place, Self)>, bool);
}

/// Applies ops to a list; whether it was touched.
pub(super) fn apply(ops: &[Op], list: &mut Vec<KeyValue>) -> bool {
    ops.iter()
        .fold(false, |touched, op| apply_one(op, list) | touched)
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn find(list: &[KeyValue], key: &str) -> Option<usize> {
    list.iter().position(|kv| kv.key == key)
}

/// Removes all of these keys but the one at `keep`.
fn remove_others(list: &mut Vec<KeyValue>, keys: &[&str], keep: Option<usize>) {
    let mut at = 0;
    list.retain(|kv| {
        at += 1;
        keep == Some(at - 1) || !keys.contains(&kv.key.as_str())
    });
}

pub(super) fn set(list: &mut Vec<KeyValue>, key: &str, value: AnyValue) {
    match find(list, key) {
        Some(at) => set_at(list, at, value),
        None => list.push(pair(key, value)),
    }
}

fn set_at(list: &mut Vec<KeyValue>, at: usize, value: AnyValue) {
    list[at].value = Some(value);
    let key = list[at].key.clone();
    remove_others(list, &[&key], Some(at));
}

fn remove(list: &mut Vec<KeyValue>, key: &str) -> Option<AnyValue> {
    let at = find(list, key)?;
    let value = list[at].value.clone().unwrap_or_default();
    remove_others(list, &[key], None);
    Some(value)
}

fn apply_one(op: &Op, list: &mut Vec<KeyValue>) -> bool {
    let before = list.len();
    match op {
        Op::Set(key, value) => set(list, key, value.clone()),
        Op::Insert(key, value) => {
            if find(list, key).is_some() {
                return false;
            }
            list.push(pair(key, value.clone()));
        }
        Op::Update(key, value) => match find(list, key) {
            Some(at) => set_at(list, at, value.clone()),
            None => return false,
        },
        Op::Rename(from, to) => {
            let Some(at) = find(list, from) else {
                return false;
            };
            list[at].key = to.clone();
            // With one key for both, the others of it go as well.
            remove_others(list, &[from, to], Some(at));
        }
        Op::Remove(key) => return remove(list, key).is_some(),
        Op::Retain(longer) => {
            list.retain(|kv| kv.key.len() > *longer);
            return list.len() < before;
        }
        Op::RenameAt(at, key) => {
            if *at >= before {
                return false;
            }
            list[*at].key = key.clone();
            remove_others(list, &[key], Some(*at));
        }
        Op::SetAt(at, value) => {
            if *at >= before {
                return false;
            }
            set_at(list, *at, value.clone());
        }
        Op::RemoveAt(at) => {
            if *at >= before {
                return false;
            }
            list.remove(*at);
        }
        Op::Clear => {
            list.clear();
            return before > 0;
        }
    }
    true
}

/// The ops on attributes and place that all records share.
pub(super) fn common(
    op: &FieldOp,
    list: &mut Vec<KeyValue>,
    place: &mut Place,
    facts: &Place,
) -> bool {
    match op {
        FieldOp::FromResource(key) => {
            let Some(at) = find(&facts.resource.attributes, key) else {
                return false;
            };
            let value = facts.resource.attributes[at].value.clone();
            set(list, key, value.unwrap_or_default());
        }
        FieldOp::Move(key) => {
            let Some(value) = remove(list, key) else {
                return false;
            };
            set(&mut place.resource.attributes, key, value);
        }
        FieldOp::ScopeName(name) => {
            let changed = place.scope.name != *name;
            place.scope.name.clone_from(name);
            return changed;
        }
        FieldOp::ResourceUrl(url) => {
            let changed = place.resource_url != *url;
            place.resource_url.clone_from(url);
            return changed;
        }
        _ => return false,
    }
    true
}

fn one<R>(place: Place, record: R, drop: bool, touched: bool) -> (Vec<(Place, R)>, bool) {
    (
        if drop {
            Vec::new()
        } else {
            vec![(place, record)]
        },
        touched || drop,
    )
}

impl Record for LogRecord {
    fn edit(mut self, random: &Random, place: &Place) -> (Vec<(Place, Self)>, bool) {
        let mut own = place.clone();
        if random.at != At::Record {
            return one(own, self, false, false);
        }
        let mut touched = apply(&random.attributes, &mut self.attributes);
        for op in &random.fields {
            touched |= match op {
                FieldOp::Time(time) => (self.time_unix_nano = *time, true).1,
                FieldOp::Text(text) => (self.severity_text = text.clone(), true).1,
                FieldOp::Id(id) => (self.trace_id = id.clone(), true).1,
                FieldOp::Content(None) => self.body.take().is_some(),
                FieldOp::Content(body) => (self.body = body.clone(), true).1,
                op => common(op, &mut self.attributes, &mut own, place),
            };
        }
        let drop = random.drops(self.time_unix_nano);
        one(own, self, drop, touched)
    }
}

impl Record for Span {
    fn edit(mut self, random: &Random, place: &Place) -> (Vec<(Place, Self)>, bool) {
        let mut own = place.clone();
        if random.at != At::Record {
            return one(own, self, false, false);
        }
        let mut touched = apply(&random.attributes, &mut self.attributes);
        for op in &random.fields {
            touched |= match op {
                FieldOp::Time(time) => (self.start_time_unix_nano = *time, true).1,
                FieldOp::Text(text) => (self.name = text.clone(), true).1,
                FieldOp::Id(id) => (self.trace_id = id.clone(), true).1,
                FieldOp::Content(None) => (self.status = Some(Status::default()), true).1,
                FieldOp::Content(_) => {
                    self.status = Some(Status {
                        code: 2,
                        message: "failed".into(),
                    });
                    true
                }
                FieldOp::Nested(ops) => self.nested(ops),
                op => common(op, &mut self.attributes, &mut own, place),
            };
        }
        let drop = random.drops(self.start_time_unix_nano);
        one(own, self, drop, touched)
    }
}

trait Nested {
    fn nested(&mut self, ops: &[Op]) -> bool;
}

impl Nested for Span {
    fn nested(&mut self, ops: &[Op]) -> bool {
        let mut touched = !self.links.is_empty();
        self.events.retain_mut(|event| {
            let empty = event.attributes.is_empty();
            touched |= empty || apply(ops, &mut event.attributes);
            !empty
        });
        for link in &mut self.links {
            link.trace_state = "seen".into();
        }
        touched
    }
}

/// Applies one edit to a whole request. What is not touched stays as it is.
pub(super) fn edit<R: Record + Clone>(random: &Random, request: Request<R>) -> Request<R> {
    let mut touched = false;
    let mut done = Request { blocks: Vec::new() };
    for mut block in request.blocks.clone() {
        if random.at == At::Resource && !edit_resource(random, &mut block, &mut touched) {
            continue;
        }
        let scopes = std::mem::take(&mut block.scopes);
        let had = scopes.len();
        for mut scope in scopes {
            let facts = block.resource.clone().unwrap_or_default();
            if random.at == At::Scope && !edit_scope(random, &mut scope, &facts, &mut touched) {
                continue;
            }
            let place = Place {
                resource: facts,
                resource_url: block.url.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_url: scope.url.clone(),
            };
            let records = std::mem::take(&mut scope.records);
            let had = records.len();
            for record in records {
                let (parts, was) = record.edit(random, &place);
                touched |= was;
                if random.moves() {
                    parts
                        .into_iter()
                        .for_each(|(place, record)| done.put(place, record));
                } else {
                    scope
                        .records
                        .extend(parts.into_iter().map(|(_, record)| record));
                }
            }
            if had == 0 || !scope.records.is_empty() {
                block.scopes.push(scope);
            }
        }
        if !random.moves() && (had == 0 || !block.scopes.is_empty()) {
            done.blocks.push(block);
        }
    }
    if touched { done } else { request }
}

fn edit_resource<R>(random: &Random, block: &mut Block<R>, touched: &mut bool) -> bool {
    let mut resource = block.resource.clone().unwrap_or_default();
    let mut changed = apply(&random.attributes, &mut resource.attributes);
    for op in &random.fields {
        match op {
            FieldOp::ResourceUrl(url) => {
                *touched |= block.url != *url;
                block.url.clone_from(url);
            }
            FieldOp::Time(count) => {
                resource.dropped_attributes_count = *count as u32;
                changed = true;
            }
            _ => {}
        }
    }
    let drop = random.drops(resource.attributes.len() as u64);
    if changed {
        block.resource = Some(resource);
    }
    *touched |= changed || drop;
    !drop
}

fn edit_scope<R>(
    random: &Random,
    block: &mut Scope<R>,
    facts: &Resource,
    touched: &mut bool,
) -> bool {
    let mut scope = block.scope.clone().unwrap_or_default();
    let mut changed = apply(&random.attributes, &mut scope.attributes);
    for op in &random.fields {
        match op {
            FieldOp::ResourceUrl(url) => {
                *touched |= block.url != *url;
                block.url.clone_from(url);
            }
            FieldOp::ScopeName(name) => {
                changed |= scope.name != *name;
                scope.name.clone_from(name);
            }
            FieldOp::Text(version) => {
                changed |= scope.version != *version;
                scope.version.clone_from(version);
            }
            FieldOp::FromResource(key) => {
                if let Some(at) = find(&facts.attributes, key) {
                    let value = facts.attributes[at].value.clone();
                    set(&mut scope.attributes, key, value.unwrap_or_default());
                    changed = true;
                }
            }
            _ => {}
        }
    }
    let drop = random.drops(scope.name.len() as u64);
    if changed {
        block.scope = Some(scope);
    }
    *touched |= changed || drop;
    !drop
}

impl Place {
    /// Whether records here and there belong to one group.
    pub(super) fn is_same(&self, other: &Place) -> bool {
        let rest = |place: &Place| {
            let (resource, scope) = (&place.resource, &place.scope);
            (
                (place.resource_url.clone(), place.scope_url.clone()),
                (
                    resource.dropped_attributes_count,
                    resource.entity_refs.clone(),
                ),
                (
                    scope.name.clone(),
                    scope.version.clone(),
                    scope.dropped_attributes_count,
                ),
            )
        };
        rest(self) == rest(other)
            && same_set(&self.resource.attributes, &other.resource.attributes)
            && same_set(&self.scope.attributes, &other.scope.attributes)
    }
}

impl<R> Request<R> {
    /// Puts a record to the group it belongs to; a new one stands last.
    pub(super) fn put(&mut self, place: Place, record: R) {
        let Place {
            resource,
            resource_url,
            scope,
            scope_url,
        } = place;
        let same = |block: &Block<R>| {
            block.url == resource_url
                && block.resource.as_ref().is_some_and(|other| {
                    let others = |r: &Resource| (r.dropped_attributes_count, r.entity_refs.clone());
                    others(other) == others(&resource)
                        && same_set(&other.attributes, &resource.attributes)
                })
        };
        let at = match self.blocks.iter().position(same) {
            Some(at) => at,
            None => {
                self.blocks.push(Block {
                    resource: Some(resource),
                    url: resource_url,
                    scopes: Vec::new(),
                });
                self.blocks.len() - 1
            }
        };
        let scopes = &mut self.blocks[at].scopes;
        let found = scopes.iter_mut().find(|group| {
            group.url == scope_url
                && group.scope.as_ref().is_some_and(|other| {
                    (&other.name, &other.version, other.dropped_attributes_count)
                        == (&scope.name, &scope.version, scope.dropped_attributes_count)
                        && same_set(&other.attributes, &scope.attributes)
                })
        });
        match found {
            Some(group) => group.records.push(record),
            None => scopes.push(Scope {
                scope: Some(scope),
                url: scope_url,
                records: vec![record],
            }),
        }
    }
}

/// Whether two lists are the same set, whatever the order of keys at any depth.
fn same_set(a: &[KeyValue], b: &[KeyValue]) -> bool {
    let sorted = |list: &[KeyValue]| {
        let mut all: Vec<String> = list.iter().map(describe_pair).collect();
        all.sort();
        all
    };
    sorted(a) == sorted(b)
}

fn describe_pair(pair: &KeyValue) -> String {
    format!(
        "{:?}={}",
        pair.key,
        pair.value.as_ref().map_or("-".into(), describe)
    )
}

fn describe(value: &AnyValue) -> String {
    match &value.value {
        None => "-".into(),
        Some(Theirs::DoubleValue(double)) => format!("bits {}", double.to_bits()),
        Some(Theirs::ArrayValue(array)) => {
            format!(
                "{:?}",
                array.values.iter().map(describe).collect::<Vec<_>>()
            )
        }
        Some(Theirs::KvlistValue(map)) => {
            let mut all: Vec<String> = map.values.iter().map(describe_pair).collect();
            all.sort();
            format!("map {all:?}")
        }
        Some(other) => format!("{other:?}"),
    }
}
