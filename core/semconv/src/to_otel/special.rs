//! Fields whose rule is more than a rename (mapping, section 9).

use otlp::{Attributes, Value};
use smallvec::SmallVec;

use super::event::{Event, Field};
use super::place::Mapping;
use crate::convert::{Converted, integer, list_of_one, text, to_field, to_target, unwrapped};
use crate::enums;
use crate::table::{self, Conversion, Entry, Family, Type, id};

impl<'a> Mapping<'_, '_, 'a> {
    pub(super) fn special(&mut self, field: &Field<'a>, entry: &'static Entry) {
        match entry.conversion {
            Conversion::Time => self.time(field),
            Conversion::ObservedTime => self.observed_time(field),
            Conversion::Severity => self.severity(field, entry),
            Conversion::Body => self.body(field, entry),
            Conversion::EventName => self.event_name(field, entry),
            Conversion::TraceId => self.trace_id(field, entry),
            Conversion::SpanId => self.span_id(field, entry),
            Conversion::ScopeName => self.scope_name(field, entry),
            Conversion::Method => self.method(field, entry),
            Conversion::HttpVersion => self.http_version(field, entry),
            Conversion::GeoPoint => self.geo_point(field, entry),
            Conversion::DnsAnswers => self.dns_answers(field, entry),
            Conversion::EnvVars => self.env_vars(field, entry),
            Conversion::ContainerLabels => self.keep(field, entry),
            _ => {
                let converted = self.convert(field, entry.conversion);
                self.place(field, entry, converted);
            }
        }
    }

    /// Conversions that depend on one value, or on one more of the event.
    fn convert(&self, field: &Field<'a>, conversion: Conversion) -> Converted<'a> {
        let Some(text) = text(self.arena, field.value) else {
            return Converted::Fails;
        };
        let mapped = match conversion {
            Conversion::OneString => return Converted::New(list_of_one(self.arena, text)),
            Conversion::Lowercase if text.chars().any(char::is_uppercase) => {
                self.arena.text(&text.to_lowercase())
            }
            Conversion::Architecture => enums::architecture(text).unwrap_or(text),
            Conversion::CloudPlatform => self.platform(text),
            Conversion::OsType => match self.os_type(text) {
                Some(os) => os,
                None => return Converted::Fails,
            },
            Conversion::KubernetesOnly if !self.is_kubernetes() => return Converted::Fails,
            _ => text,
        };
        match field.value {
            Value::String(same) if same == mapped => Converted::Same,
            _ => Converted::New(Value::String(mapped)),
        }
    }

    /// A field of the event as text.
    fn text_of(&self, index: u16) -> Option<&'a str> {
        text(self.arena, self.event.find(index)?.value)
    }

    fn platform(&self, service: &'a str) -> &'a str {
        let provider = self.text_of(id::CLOUD_PROVIDER).unwrap_or_default();
        enums::platform(provider, service).unwrap_or(service)
    }

    /// `unix` says too little unless the platform names the system.
    fn os_type(&self, os: &'a str) -> Option<&'a str> {
        let is = |name: &str| os.eq_ignore_ascii_case(name);
        if is("macos") || is("ios") {
            Some("darwin")
        } else if is("android") {
            Some("linux")
        } else if is("unix") {
            enums::unix(self.text_of(id::HOST_OS_PLATFORM)?)
        } else {
            Some(os)
        }
    }

    fn is_kubernetes(&self) -> bool {
        match self.event.find(id::ORCHESTRATOR_TYPE) {
            None => true,
            Some(field) => unwrapped(field.value) == Some(Value::String("kubernetes")),
        }
    }

    /// An array of objects becomes one array a key; anything else stays.
    fn dns_answers(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let Some(columns) = columns(self.event, field.value) else {
            return self.keep(field, entry);
        };
        self.remove(field);
        for key in columns {
            let name = self.arena.format(format_args!("{}.{key}", entry.name));
            let values = self.arena.build(|value| {
                value.array(|array| {
                    for member in members(field.value).filter_map(|answer| answer.get(key)) {
                        if !member.is_empty() {
                            array.push(member);
                        }
                    }
                });
            });
            let kind = table::lookup(name).map_or(Type::Any, |entry| entry.kind);
            let converted = to_field(self.arena, values, kind)
                .value(values)
                .unwrap_or(values);
            self.log.attributes().set(name, converted);
        }
    }

    /// `K=V` to `process.environment_variable.K`; what is no such entry stays.
    fn env_vars(&mut self, field: &Field<'a>, entry: &'static Entry) {
        if to_target(self.arena, field.value, Type::Strings) == Converted::Fails {
            return self.keep(field, entry);
        }
        let list = to_field(self.arena, field.value, Type::String)
            .value(field.value)
            .unwrap_or(field.value);
        let mut rest: SmallVec<[Value<'a>; 8]> = SmallVec::new();
        let mut moved = false;
        let mut variable = |mapping: &mut Self, member: Value<'a>| {
            let pair = member.as_str().and_then(|text| text.split_once('='));
            match pair.filter(|(key, _)| !key.is_empty()) {
                Some((key, value)) if mapping.add_variable(key, Value::String(value)) => {
                    moved = true
                }
                _ => rest.push(member),
            }
        };
        match list {
            Value::Array(values) => values.for_each(|member| variable(self, member)),
            scalar => variable(self, scalar),
        }
        if !moved {
            return self.keep(field, entry);
        }
        self.remove(field);
        if !rest.is_empty() {
            self.log.attributes().set_with(entry.name, |value| {
                value.array(|array| rest.iter().for_each(|member| array.push(*member)));
            });
        }
    }

    /// False when the variable has another value already.
    fn add_variable(&mut self, key: &str, value: Value<'a>) -> bool {
        let name = self
            .arena
            .format(format_args!("process.environment_variable.{key}"));
        let mut attributes = self.log.attributes();
        match attributes.get(name) {
            Some(there) => there == value,
            None => attributes.insert(name, value),
        }
    }

    /// `container.labels.<key>` to `container.label.<key>`.
    pub(super) fn container_labels(&mut self) {
        if !self.event.seen.customs {
            return;
        }
        let event = self.event;
        for field in event
            .fields
            .iter()
            .filter(|field| field.family == Family::ContainerLabel)
        {
            let row = table::entry(id::CONTAINER_LABELS);
            let key = field
                .key
                .strip_prefix("container.labels.")
                .unwrap_or(field.key);
            let name = self.arena.format(format_args!("container.label.{key}"));
            match text(self.arena, field.value) {
                Some(text) if self.add_to_resource(name, Value::String(text)) => self.remove(field),
                // Its own name has no row; it goes where the row of the object says.
                _ => self.keep_label(field, row),
            }
        }
    }

    /// The syslog severity code, 0 to 7.
    pub(super) fn syslog_code(&self) -> Option<i64> {
        integer(self.event.find(id::LOG_SYSLOG_SEVERITY_CODE)?.value)
    }

    /// The syslog severity name.
    pub(super) fn syslog_name(&self) -> Option<&'a str> {
        self.text_of(id::LOG_SYSLOG_SEVERITY_NAME)
    }

    /// The transaction's id.
    pub(super) fn transaction_id(&self) -> Option<&'a str> {
        self.text_of(id::TRANSACTION_ID)
    }
}

/// The objects of an array, nulls aside.
fn members(answers: Value<'_>) -> impl Iterator<Item = Attributes<'_>> {
    let list = match answers {
        Value::Array(values) => Some(values),
        _ => None,
    };
    list.into_iter()
        .flatten()
        .filter_map(|member| match member {
            Value::Map(map) => Some(map),
            _ => None,
        })
}

/// The distinct keys of an array of objects, in order of first appearance. `None` when it is something else, or when
/// the event has one of the columns already.
fn columns<'a>(event: &Event<'a>, answers: Value<'a>) -> Option<SmallVec<[&'a str; 8]>> {
    let Value::Array(mut list) = answers else {
        return None;
    };
    if !list.all(|member| matches!(member, Value::Map(_) | Value::Empty)) {
        return None;
    }
    let mut keys: SmallVec<[&'a str; 8]> = SmallVec::new();
    for member in members(answers)
        .flatten()
        .filter(|member| !member.value.is_empty())
    {
        if !keys.contains(&member.key) {
            keys.push(member.key);
        }
    }
    let taken = |key: &&str| {
        let is = |path: &str| path.strip_prefix("dns.answers.") == Some(key);
        event.fields.iter().any(|field| is(field.key))
    };
    (!keys.is_empty() && !keys.iter().any(taken)).then_some(keys)
}

/// The IP addresses among values, as they are spelled.
pub(super) fn ip_literals<'a>(value: Value<'a>) -> SmallVec<[&'a str; 8]> {
    let is_ip = |text: &&str| text.parse::<std::net::IpAddr>().is_ok();
    match value {
        Value::Array(values) => values.filter_map(|v| v.as_str()).filter(is_ip).collect(),
        value => value
            .as_str()
            .filter(|text| is_ip(text))
            .into_iter()
            .collect(),
    }
}
