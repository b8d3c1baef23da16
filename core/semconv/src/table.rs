//! Every name the mapping knows: ECS fields, semconv attributes, targets and
//! the Beats fields, in one static table with a perfect-as-possible hash.
//!
//! `build.rs` makes the table from `data/ecs-to-otel.csv` (one row an ECS
//! field) and `data/otel-attributes.csv` (one row a semconv attribute).

use crate::hash;

/// One name of the table.
#[derive(Debug)]
pub struct Entry {
    /// The name, with dots.
    pub name: &'static str,
    /// Which vocabulary it belongs to. An ECS field that is a semconv attribute too is [`Source::Ecs`].
    pub source: Source,
    /// The ECS type of an ECS field, else the type in the semconv registry.
    pub kind: Type,
    /// What the semconv registry says of this very name.
    pub standing: Standing,
    /// Where a value of this name belongs.
    pub placement: Placement,
    /// How a value reaches its target.
    pub conversion: Conversion,
    /// Index of the target attribute; its own index when the name is kept as a target; [`NONE`] for fields
    /// that keep their ECS name and for those that become a field of the log record.
    pub(crate) target: u16,
    /// Index of the ECS (or Beats) field that a semconv attribute becomes on the way back.
    pub(crate) reverse: u16,
    /// A bit of its own when rules ask for this name, else 0.
    pub(crate) role: u32,
    /// Order in which fields are placed: of those that want one target the lowest comes first.
    pub rank: u8,
    /// The kinds of values (bits as in the scan of events) for which nothing has to be done: no conversion, no move,
    /// and nobody else wants the name.
    pub(crate) settled: u8,
    /// Whether rules ask what an event has under this name.
    pub(crate) asked: bool,
    /// Whether only ECS (or Beats) knows this name, so that a record that has it is an ECS event.
    pub marker: bool,
    /// Whether an object of this name is taken whole instead of being flattened.
    pub whole: bool,
}

/// No entry.
pub(crate) const NONE: u16 = u16::MAX;

/// The vocabulary of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A field of the Elastic Common Schema.
    Ecs,
    /// A `kubernetes.*` field that Beats write and ECS does not know.
    Beats,
    /// An attribute of the semantic conventions, or a target, that is no ECS field.
    Semconv,
}

/// What the semconv registry says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not in the registry.
    Unknown,
    /// Listed.
    Current,
    /// Listed by an entity: it describes what emits telemetry, and belongs on a resource.
    Entity,
    /// Deprecated.
    Deprecated,
}

/// Where a field belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// On the record, as an attribute or as one of its fields.
    Record,
    /// On the resource.
    Resource,
}

/// The type a value is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// Signed 64 bit integer.
    Int,
    /// Floating point.
    Double,
    /// Boolean.
    Bool,
    /// A time as ISO 8601 text.
    Date,
    /// List of texts.
    Strings,
    /// As it comes.
    Any,
}

/// How a value reaches its target. See `docs` of [`crate::to_otel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// No target: the ECS name and the ECS type stay.
    Keep,
    /// Taken as it comes, whole.
    Any,
    /// To text.
    String,
    /// To an integer.
    Int,
    /// To a floating point number.
    Double,
    /// To a boolean.
    Bool,
    /// To ISO 8601 text.
    Date,
    /// To a list of texts.
    Strings,
    /// To a list of exactly one text.
    OneString,
    /// To text in lower case.
    Lowercase,
    /// `host.architecture` to `host.arch`.
    Architecture,
    /// `host.os.type` to `os.type`.
    OsType,
    /// `cloud.service.name` to `cloud.platform`.
    CloudPlatform,
    /// The HTTP method, with its original when that differs.
    Method,
    /// `http.version` to `network.protocol.version`.
    HttpVersion,
    /// A point to latitude and longitude.
    GeoPoint,
    /// DNS answers to parallel arrays.
    DnsAnswers,
    /// `KEY=VALUE` to one attribute each.
    EnvVars,
    /// `container.labels`, which has no value of its own.
    ContainerLabels,
    /// To text, when the orchestrator is Kubernetes.
    KubernetesOnly,
    /// `timeUnixNano`.
    Time,
    /// `observedTimeUnixNano`.
    ObservedTime,
    /// `severityText` and `severityNumber`.
    Severity,
    /// `body`.
    Body,
    /// `eventName`.
    EventName,
    /// `traceId`.
    TraceId,
    /// `spanId`.
    SpanId,
    /// The name of the instrumentation scope.
    ScopeName,
}

#[rustfmt::skip]
#[allow(clippy::unreadable_literal)]
mod generated {
    use super::{Conversion, Entry, Placement, Source, Standing, Type};
    include!(concat!(env!("OUT_DIR"), "/table.rs"));
}
pub(crate) use generated::{COUNT, id, role};
use generated::{ENTITY_TEMPLATES, ENTRIES, SLOTS, WHOLE_LENGTHS};

/// The entry of a name. Most names of a record cost one probe.
#[inline]
pub fn lookup(name: &str) -> Option<&'static Entry> {
    find(name).map(entry)
}

/// Whether an object of this name is taken whole instead of being flattened.
#[inline(always)]
pub(crate) fn is_whole(name: &[u8]) -> bool {
    // hardly any name has the length of one of them
    name.len() < 64 && WHOLE_LENGTHS >> name.len() & 1 != 0 && is_entry_whole(name)
}

#[inline(never)]
fn is_entry_whole(name: &[u8]) -> bool {
    let entry = std::str::from_utf8(name).ok().and_then(lookup);
    entry.is_some_and(|entry| entry.whole)
}

/// [`find`], or [`NONE`], for a name that is probably that of an entry.
#[inline(always)]
pub(crate) fn find_guessed(name: &str, guess: u16) -> u16 {
    match ENTRIES.get(usize::from(guess)) {
        Some(entry) if is_same(entry.name.as_bytes(), name.as_bytes()) => guess,
        _ => find(name).unwrap_or(NONE),
    }
}

/// Names are too short for the price of a call of `memcmp`.
#[inline(always)]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(end), Some(other)) => {
            let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            let differences = words.fold(0, |differences, (a, b)| {
                differences | (u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b))
            });
            differences == 0 && end == other
        }
        _ => a == b,
    }
}

/// Whether rules ask what an event has under names like this one, which [`find`] may not know.
#[inline]
pub(crate) fn is_asked(name: &str) -> bool {
    name.starts_with("client.geo.") || name.starts_with("dns.answers.")
}

/// The index of a name.
#[inline(always)]
pub(crate) fn find(name: &str) -> Option<u16> {
    let hash = hash::known(name.as_bytes());
    let fingerprint = (hash >> 48) as u32;
    let mut at = hash as usize % SLOTS.len();
    loop {
        let slot = *SLOTS.get(at)?;
        if slot == 0 {
            return None;
        }
        if slot >> 16 == fingerprint {
            let index = (slot & 0xFFFF) as u16 - 1;
            if is_same(entry(index).name.as_bytes(), name.as_bytes()) {
                return Some(index);
            }
        }
        at = (at + 1) % SLOTS.len();
    }
}

/// The entry of an index that came from the table.
#[inline]
pub(crate) fn entry(index: u16) -> &'static Entry {
    &ENTRIES[usize::from(index)]
}

/// All entries, ordered by name.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter()
}

impl Entry {
    /// The attribute that a value of this name becomes; `None` when it keeps its name or becomes a field of
    /// the log record.
    pub fn target(&self) -> Option<&'static Entry> {
        (self.target != NONE).then(|| entry(self.target))
    }

    /// The ECS field that this attribute becomes on the way back.
    pub fn reverse(&self) -> Option<&'static Entry> {
        (self.reverse != NONE).then(|| entry(self.reverse))
    }
}

/// What a name without an entry means because of how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Nothing: a custom field of the record.
    Custom,
    /// An instance of an entity's template, or below an ECS object of the resource.
    Resource,
    /// `labels.<key>`
    Label,
    /// `container.labels.<key>`
    ContainerLabel,
    /// `.lat` or `.lon` below `client.geo.location` (0) or `source.geo.location` (1).
    Point(u8),
}

/// The family of a name that [`find`] does not know.
#[inline]
pub(crate) fn family(name: &str) -> Family {
    match name.as_bytes() {
        [b'l', b'a', b'b', b'e', b'l', b's', b'.', ..] => Family::Label,
        [b'c' | b'g' | b'h' | b'k' | b'o' | b's', ..] => family_by_prefix(name),
        _ => Family::Custom,
    }
}

fn family_by_prefix(name: &str) -> Family {
    if name.starts_with("container.labels.") {
        return Family::ContainerLabel;
    }
    match name {
        "client.geo.location.lat" | "client.geo.location.lon" => return Family::Point(0),
        "source.geo.location.lat" | "source.geo.location.lon" => return Family::Point(1),
        _ => {}
    }
    let below_object = ["host.geo.location.", "observer.geo.location."];
    let resource = below_object
        .iter()
        .chain(&ENTITY_TEMPLATES)
        .any(|prefix| name.starts_with(prefix));
    if resource {
        Family::Resource
    } else {
        Family::Custom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (index, entry) in ENTRIES.iter().enumerate() {
            assert_eq!(find(entry.name), Some(index as u16));
            assert_eq!(find(&format!("{}x", entry.name)), None);
        }
        assert_eq!(find(""), None);
        assert!(ENTRIES.len() > 3_000);
    }

    #[test]
    fn every_row_of_both_files_has_an_entry() {
        let fields = include_str!("../data/ecs-to-otel.csv").lines().skip(1);
        let attributes = include_str!("../data/otel-attributes.csv").lines().skip(1);
        let mut rows = 0;
        for line in fields.chain(attributes) {
            let name = line.split(',').next().unwrap();
            assert!(find(name).is_some(), "{name}");
            rows += 1;
        }
        assert_eq!(rows, 2612 + 943);
    }

    #[test]
    fn a_mapped_field_is_on_the_resource_exactly_when_its_target_is_an_entity_attribute() {
        for entry in ENTRIES.iter().filter(|e| e.source == Source::Ecs) {
            let Some(target) = entry.target() else {
                continue;
            };
            let entity =
                target.standing == Standing::Entity && target.name != "user_agent.original";
            let resource = entry.placement == Placement::Resource;
            assert_eq!(entity, resource, "{}", entry.name);
        }
    }

    #[test]
    fn no_target_is_deprecated_except_gen_ai() {
        for entry in ENTRIES.iter() {
            if let Some(target) = entry.target() {
                let moved = target.name.starts_with("gen_ai.");
                // A semconv name that is in the input stays what it is.
                let mapped = entry.source == Source::Ecs;
                assert!(
                    !mapped || moved || target.standing != Standing::Deprecated,
                    "{}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn names_that_semconv_has_too_do_not_make_an_event() {
        for name in [
            "http.request.method",
            "service.name",
            "url.full",
            "gen_ai.request.model",
            "dns.answers",
        ] {
            assert!(!lookup(name).unwrap().marker, "{name}");
        }
        for name in [
            "@timestamp",
            "event.action",
            "error.message",
            "tags",
            "ecs.version",
            "client.ip",
        ] {
            assert!(lookup(name).unwrap().marker, "{name}");
        }
    }

    #[test]
    fn prefixes_have_families() {
        assert_eq!(family("labels.a"), Family::Label);
        assert_eq!(family("container.labels.a"), Family::ContainerLabel);
        assert_eq!(family("k8s.pod.label.app"), Family::Resource);
        assert_eq!(family("host.geo.location.lat"), Family::Resource);
        assert_eq!(family("host.custom"), Family::Custom);
        assert_eq!(family("source.geo.location.lon"), Family::Point(1));
        assert_eq!(family("http.request.header.x"), Family::Custom);
    }
}
