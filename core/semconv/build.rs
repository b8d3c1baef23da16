//! Turns `data/*.csv` into the static table of `src/table.rs`.
//!
//! No dependencies, so that it costs a second and not a crate graph.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "src/hash.rs"]
mod hash;

/// Places in the hash table: a power of two, less than half full.
const SLOTS: usize = 8192;
/// No other entry.
const NONE: u16 = u16::MAX;

/// Names outside ECS that Beats write, with exact counterparts (mapping, section 10).
const BEATS: [&str; 10] = [
    "pod.name",
    "pod.uid",
    "node.name",
    "container.name",
    "deployment.name",
    "replicaset.name",
    "statefulset.name",
    "daemonset.name",
    "job.name",
    "cronjob.name",
];

/// Names that the mapper asks for by constant.
const NAMED: [&str; 44] = [
    "@timestamp",
    "client.address",
    "client.domain",
    "client.geo.location",
    "client.ip",
    "cloud.provider",
    "container.labels",
    "deployment.environment.name",
    "destination.address",
    "destination.domain",
    "destination.ip",
    "dns.answers",
    "error.type",
    "event.action",
    "event.created",
    "exception.type",
    "faas.name",
    "geo.location.lat",
    "geo.location.lon",
    "host.os.platform",
    "host.os.type",
    "http.request.method",
    "http.request.method_original",
    "log.level",
    "log.logger",
    "log.syslog.severity.code",
    "log.syslog.severity.name",
    "message",
    "network.protocol.name",
    "orchestrator.type",
    "os.name",
    "os.type",
    "process.env_vars",
    "server.address",
    "server.domain",
    "server.ip",
    "service.environment",
    "source.address",
    "source.domain",
    "source.geo.location",
    "source.ip",
    "span.id",
    "trace.id",
    "transaction.id",
];

/// Names whose presence rules ask for.
const ROLES: [&str; 10] = [
    "dns.answers",
    "dns.answers.data",
    "dns.resolved_ip",
    "error.message",
    "error.stack_trace",
    "error.type",
    "host.os.type",
    "log.syslog.severity.code",
    "log.syslog.severity.name",
    "transaction.id",
];

#[derive(Clone)]
struct Entry {
    source: &'static str,
    ecs_type: &'static str,
    standing: &'static str,
    placement: &'static str,
    conversion: String,
    target: String,
    /// Written when it is still free, by a rule of its own; here it only has to be a target.
    secondary: String,
    reverse: String,
    rank: u8,
    marker: bool,
    whole: bool,
}

struct Attribute {
    kind: String,
    deprecated: bool,
    entity: bool,
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/hash.rs");
    println!("cargo::rerun-if-changed=data");
    let registry = read_registry(&read_csv("data/otel-attributes.csv"));
    let mut entries = BTreeMap::new();
    add_fields(&mut entries, &read_csv("data/ecs-to-otel.csv"), &registry);
    add_beats(&mut entries);
    add_targets(&mut entries, &registry);
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(
        Path::new(&out).join("table.rs"),
        generate(&entries, &registry),
    )
    .expect("OUT_DIR is writable");
}

/// The records of a CSV file as maps from column to value. Quotes, no line breaks inside.
fn read_csv(path: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut lines = text.lines();
    let header = split_csv(lines.next().unwrap_or_default());
    lines
        .map(|line| header.iter().cloned().zip(split_csv(line)).collect())
        .collect()
}

fn split_csv(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("never empty").push(c),
        }
    }
    cells
}

fn read_registry(rows: &[BTreeMap<String, String>]) -> BTreeMap<String, Attribute> {
    rows.iter()
        .map(|row| {
            let attribute = Attribute {
                kind: row["type"].clone(),
                deprecated: !row["deprecated"].is_empty(),
                entity: !row["entity"].is_empty(),
            };
            (row["attribute"].clone(), attribute)
        })
        .collect()
}

/// One entry for each ECS field.
fn add_fields(
    entries: &mut BTreeMap<String, Entry>,
    rows: &[BTreeMap<String, String>],
    registry: &BTreeMap<String, Attribute>,
) {
    for row in rows {
        let name = &row["ecs_field"];
        let mapped = !matches!(row["relation"].as_str(), "none" | "na" | "metric");
        let (conversion, rank) = match row["conversion"].split_once("; rank ") {
            Some((conversion, rank)) => (conversion, rank.parse().expect("rank is a digit")),
            None => (row["conversion"].as_str(), 1),
        };
        let mut targets = row["otel_name"].split('|');
        let target = targets.next().unwrap_or_default();
        let conversion = if mapped {
            conversion_of(name, conversion, registry.get(target))
        } else {
            "Keep".to_owned()
        };
        let attribute = matches!(row["placement"].as_str(), "resource" | "attribute");
        let known = registry.get(name).is_some_and(|a| !a.deprecated);
        // Before all others: what it leaves behind decides who may have `dns.answers`.
        let rank = if conversion == "DnsAnswers" { 0 } else { rank };
        let entry = Entry {
            source: "Ecs",
            ecs_type: ecs_type(&row["ecs_type"]),
            standing: standing(registry.get(name)),
            placement: if row["placement"] == "resource" {
                "Resource"
            } else {
                "Record"
            },
            whole: matches!(conversion.as_str(), "Any" | "Body" | "GeoPoint"),
            conversion,
            target: if mapped && attribute {
                target.to_owned()
            } else {
                String::new()
            },
            secondary: if attribute {
                targets.next().unwrap_or_default().to_owned()
            } else {
                String::new()
            },
            reverse: String::new(),
            rank,
            marker: !known && (!mapped || name != target),
        };
        entries.insert(name.clone(), entry);
    }
    // The reverse direction: rank 1 rows, first target.
    let backwards: Vec<_> = entries
        .iter()
        .filter(|(_, e)| e.rank == 1 && !e.target.is_empty())
        .map(|(name, e)| (name.clone(), e.target.clone()))
        .collect();
    for (name, target) in backwards {
        let entry = entries.entry(target).or_insert_with(literal);
        // `dns.answers` is a field and the target of another: the other wins.
        entry.reverse = name;
    }
    if let Some(answers) = entries.get_mut("dns.answers") {
        answers.reverse = "dns.resolved_ip".to_owned();
    }
}

fn ecs_type(name: &str) -> &'static str {
    match name {
        "keyword" | "wildcard" | "match_only_text" | "ip" | "constant_keyword" => "String",
        "long" | "integer" => "Int",
        "float" | "double" | "scaled_float" => "Double",
        "boolean" => "Bool",
        "date" => "Date",
        "object" | "flattened" | "nested" | "geo_point" => "Any",
        other => panic!("data/ecs-to-otel.csv: unknown ecs_type `{other}`"),
    }
}

fn registry_type(attribute: Option<&Attribute>) -> &'static str {
    match attribute.map(|a| a.kind.as_str()) {
        Some("int" | "enum[int]") => "Int",
        Some("double") => "Double",
        Some("boolean") => "Bool",
        Some("string[]" | "int[]" | "template[string[]]") => "Strings",
        Some("any") | None => "Any",
        Some("string" | "enum[string]" | "template[string]") => "String",
        Some(other) => panic!("data/otel-attributes.csv: unknown type `{other}`"),
    }
}

fn standing(attribute: Option<&Attribute>) -> &'static str {
    match attribute {
        None => "Unknown",
        Some(a) if a.deprecated => "Deprecated",
        Some(a) if a.entity => "Entity",
        Some(_) => "Current",
    }
}

/// The variant of `Conversion` that a row asks for.
fn conversion_of(name: &str, conversion: &str, target: Option<&Attribute>) -> String {
    let named = match name {
        "@timestamp" => "Time",
        "event.created" => "ObservedTime",
        "event.action" => "EventName",
        "log.logger" => "ScopeName",
        "labels" => "Keep",
        "orchestrator.cluster.id" | "orchestrator.cluster.name" => "KubernetesOnly",
        _ => match conversion {
            "body" => "Body",
            "severity table" => "Severity",
            "hex id 32" => "TraceId",
            "hex id 16" => "SpanId",
            "whole value" => "Any",
            "date->ISO 8601 string" => "Date",
            "lowercase" => "Lowercase",
            "http method split" => "Method",
            "http version" => "HttpVersion",
            "string->string[1]" => "OneString",
            "geo_point->lat,lon" => "GeoPoint",
            "objects->parallel arrays" => "DnsAnswers",
            "KEY=VALUE[]->template" => "EnvVars",
            "map->template" => "ContainerLabels",
            "none" | "scalar->string[]" | "string->int" => registry_type(target),
            other if other.starts_with("enum map host.arch") => "Architecture",
            other if other.starts_with("enum map os.type") => "OsType",
            other if other.starts_with("enum map cloud.platform") => "CloudPlatform",
            other => panic!("data/ecs-to-otel.csv: {name}: unknown conversion `{other}`"),
        },
    };
    named.to_owned()
}

fn literal() -> Entry {
    Entry {
        source: "Semconv",
        ecs_type: "Any",
        standing: "Unknown",
        placement: "Record",
        conversion: "Keep".to_owned(),
        target: String::new(),
        secondary: String::new(),
        reverse: String::new(),
        rank: 1,
        marker: false,
        whole: false,
    }
}

fn add_beats(entries: &mut BTreeMap<String, Entry>) {
    let mut add = |name: String, target: String| {
        let mut entry = literal();
        entry.source = "Beats";
        entry.placement = "Resource";
        entry.conversion = "Any".to_owned();
        entry.marker = true;
        entry.target.clone_from(&target);
        entries.insert(name.clone(), entry);
        entries.entry(target).or_insert_with(literal).reverse = name;
    };
    for tail in BEATS {
        add(format!("kubernetes.{tail}"), format!("k8s.{tail}"));
    }
    add(
        "kubernetes.namespace".to_owned(),
        "k8s.namespace.name".to_owned(),
    );
}

/// Entries for registry attributes and targets that are not ECS fields.
fn add_targets(entries: &mut BTreeMap<String, Entry>, registry: &BTreeMap<String, Attribute>) {
    let targets: Vec<String> = entries
        .values()
        .flat_map(|e| [e.target.clone(), e.secondary.clone()])
        .filter(|name| !name.is_empty())
        .collect();
    for name in targets.iter().chain(registry.keys()) {
        let attribute = registry.get(name);
        let entry = entries.entry(name.clone()).or_insert_with(literal);
        if entry.source == "Semconv" {
            let entity = attribute.is_some_and(|a| a.entity && !a.deprecated);
            // In the browser entity, but here it describes the client of one request.
            if entity && name != "user_agent.original" {
                entry.placement = "Resource";
            }
            entry.standing = standing(attribute);
            entry.ecs_type = registry_type(attribute);
            if targets.contains(name) {
                entry.target.clone_from(name);
            }
        }
    }
}

fn generate(entries: &BTreeMap<String, Entry>, registry: &BTreeMap<String, Attribute>) -> String {
    let index: BTreeMap<&str, u16> = entries
        .keys()
        .zip(0..)
        .map(|(name, i)| (name.as_str(), i))
        .collect();
    let id = |name: &str| {
        if name.is_empty() {
            NONE
        } else {
            *index
                .get(name)
                .unwrap_or_else(|| panic!("no entry `{name}`"))
        }
    };
    let mut out = String::new();
    let _ = writeln!(out, "pub(crate) const COUNT: usize = {};", entries.len());
    let _ = writeln!(
        out,
        "pub(super) static ENTRIES: [Entry; {}] = [",
        entries.len()
    );
    let contested: Vec<&str> = entries
        .iter()
        .flat_map(|(name, e)| {
            [&e.target, &e.secondary]
                .into_iter()
                .filter(move |target| *target != name)
        })
        .map(String::as_str)
        .collect();
    for (name, e) in entries {
        let _ = writeln!(
            out,
            "Entry {{ name: {name:?}, source: Source::{}, kind: Type::{}, standing: Standing::{}, placement: Placement::{}, conversion: Conversion::{}, target: {}, reverse: {}, rank: {}, marker: {}, whole: {}, role: {}, settled: {}, asked: {} }},",
            e.source,
            e.ecs_type,
            e.standing,
            e.placement,
            e.conversion,
            id(&e.target),
            id(&e.reverse),
            e.rank,
            e.marker,
            e.whole,
            role(name),
            settled(name, e, &contested),
            is_asked(name),
        );
    }
    out.push_str("];\n");
    let _ = writeln!(
        out,
        "pub(super) static SLOTS: [u32; {SLOTS}] = {:?};",
        fill_slots(entries)
    );
    let whole = entries.iter().filter(|(_, e)| e.whole);
    let lengths = whole.fold(0u64, |bits, (name, _)| {
        assert!(name.len() < 64, "{name}: too long for `WHOLE_LENGTHS`");
        bits | 1 << name.len()
    });
    let _ = writeln!(
        out,
        "/// A bit for each length that the name of a field taken whole has.\npub(super) const WHOLE_LENGTHS: u64 = {lengths};"
    );
    let templates: Vec<String> = registry
        .iter()
        .filter(|(_, a)| a.kind.starts_with("template") && a.entity && !a.deprecated)
        .map(|(name, _)| format!("{name}."))
        .collect();
    let _ = writeln!(
        out,
        "pub(super) static ENTITY_TEMPLATES: [&str; {}] = {templates:?};",
        templates.len()
    );
    out.push_str("/// Entries that rules ask for by name.\npub(crate) mod id {\n");
    for name in NAMED {
        let _ = writeln!(
            out,
            "pub(crate) const {}: u16 = {};",
            constant(name),
            id(name)
        );
    }
    out.push_str("}\n/// Their bits in `Entry::role`.\npub(crate) mod role {\n");
    for name in ROLES {
        let _ = writeln!(
            out,
            "pub(crate) const {}: u32 = {};",
            constant(name),
            role(name)
        );
    }
    out.push_str("}\n");
    out
}

fn constant(name: &str) -> String {
    name.trim_start_matches('@')
        .replace('.', "_")
        .to_uppercase()
}

/// One bit for each name that rules ask for.
fn role(name: &str) -> u32 {
    ROLES
        .iter()
        .position(|named| *named == name)
        .map_or(0, |at| 1 << at)
}

/// Whether rules ask for what an event has under this name; those who ask by prefix are in `table::is_asked`.
fn is_asked(name: &str) -> bool {
    NAMED.contains(&name) || name.starts_with("client.geo.") || name.starts_with("dns.answers.")
}

/// The kinds of values that stay exactly as they are under this name: one bit each, as `Kinds` in `event.rs`.
fn settled(name: &str, e: &Entry, contested: &[&str]) -> u8 {
    let kind = match (e.conversion.as_str(), e.target.as_str()) {
        ("Keep", "") => e.ecs_type,
        (conversion, target) if target == name && !contested.contains(&name) => conversion,
        _ => return 0,
    };
    if e.placement == "Resource" {
        return 0;
    }
    match (e.source, kind) {
        ("Semconv", "Keep") | ("Beats", _) => 0,
        ("Semconv", _) | (_, "Any") => 0b111_1111,
        (_, "String" | "Date") => 1,
        (_, "Bool") => 2,
        (_, "Int") => 4,
        (_, "Double") => 8,
        _ => 0,
    }
}

/// Open addressing with linear probing: fingerprint in the high half, index + 1 in the low half.
fn fill_slots(entries: &BTreeMap<String, Entry>) -> Vec<u32> {
    let mut slots = vec![0u32; SLOTS];
    for (name, i) in entries.keys().zip(1u32..) {
        let h = hash::known(name.as_bytes());
        let mut at = h as usize % SLOTS;
        while slots[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        slots[at] = ((h >> 48) as u32) << 16 | i;
    }
    slots
}
