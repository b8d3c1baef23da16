//! From `--config` and `--set` to one expanded tree.

use crate::environment::Environment;
use crate::expand::{expand, fetch, read_file, variable};
use crate::merge::merge;
use crate::node::{Entry, Map, Node, Value};
use crate::origin::{Origin, SourceKind, SourceName};
use crate::problems::Problems;
use crate::yaml;
use std::sync::Arc;

/// One `--config` value as given on the command line: a path, or a URI with
/// the scheme `file:`, `env:`, `yaml:`, `http:` or `https:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// A value as given.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Reads all sources in order, lays each over those before it, then the
/// `--set` overrides (`KEY=VALUE` each), and then expands references. What is
/// wrong is added to `problems`; the tree may be there all the same, so that
/// its other mistakes can be found in the same run: look at
/// [`Problems::has_errors`] before using it. `None` when there is no tree.
pub fn load(
    sources: &[Source],
    overrides: &[String],
    environment: &dyn Environment,
    problems: &mut Problems,
) -> Option<Node> {
    if sources.is_empty() {
        problems.error(None, "", "no configuration given: pass --config <file>");
        return None;
    }
    let mut merged: Option<Node> = None;
    let mut order = 0;
    let mut lay = |layer: Option<Node>, warn: bool, problems: &mut Problems| {
        let Some(layer) = layer else { return };
        match &mut merged {
            Some(base) => merge(base, layer, "", warn, problems),
            None => merged = Some(layer),
        }
    };
    for source in sources {
        lay(read(source, order, environment, problems), true, problems);
        order += 1;
    }
    for text in overrides {
        lay(overridden(text, order, problems), false, problems);
        order += 1;
    }
    let mut tree = merged?;
    if tree.as_map().is_none_or(Map::is_empty) {
        if !problems.has_errors() {
            problems.error(Some(&tree.origin), "", "the configuration is empty");
        }
        return None;
    }
    expand(&mut tree, environment, problems);
    Some(tree)
}

/// One source as a mapping of sections.
fn read(
    source: &Source,
    order: usize,
    environment: &dyn Environment,
    problems: &mut Problems,
) -> Option<Node> {
    let (kind, text) = match text_of(source.as_str(), environment) {
        Ok(found) => found,
        Err(why) => {
            problems.error(None, "", why);
            return None;
        }
    };
    let name = Arc::new(SourceName { order, kind });
    let node = yaml::parse(&text, &name, problems)?;
    match node.value {
        Value::Map(map) => Some(unfolded(map, node.origin, problems)),
        Value::Null => Some(Node::new(Value::Map(Map::new()), node.origin)),
        _ => {
            let message = format!(
                "expected a mapping of sections (receivers, processors, exporters, connectors, extensions, service), got {}",
                crate::decode::described(&node)
            );
            problems.error(Some(&node.origin), "", message);
            None
        }
    }
}

/// The text of a `--config` value and what to call it.
fn text_of(given: &str, environment: &dyn Environment) -> Result<(SourceKind, String), String> {
    let file = |path: &str| {
        read_file(environment, path).map(|text| (SourceKind::File(path.to_owned()), text))
    };
    let Some((scheme, rest)) = given.split_once(':').filter(|(s, _)| is_scheme(s)) else {
        return file(given);
    };
    match scheme {
        "file" => file(rest),
        "yaml" => Ok((SourceKind::Inline, rest.to_owned())),
        "env" => {
            match variable(environment, rest).map_err(|why| format!("--config {given}: {why}"))? {
                Some(text) => Ok((SourceKind::Env(rest.to_owned()), text)),
                None => Err(format!(
                    "--config {given}: the environment variable \"{rest}\" is not set"
                )),
            }
        }
        "http" | "https" => Ok((
            SourceKind::Url(given.to_owned()),
            fetch(environment, given).map_err(|why| format!("--config {given}: {why}"))?,
        )),
        _ => Err(format!(
            "--config {given}: unknown scheme \"{scheme}\" (known: env, file, http, https, yaml); for a file of that name write file:{given}"
        )),
    }
}

/// Two characters at least: one letter before a colon is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
}

/// `a::b: 1` at the top of a source means `a: {b: 1}`.
fn unfolded(map: Map, origin: Origin, problems: &mut Problems) -> Node {
    let mut whole = Node::new(Value::Map(Map::new()), origin);
    for entry in map.into_entries() {
        let steps: Vec<&str> = entry.key.split("::").collect();
        if steps.len() > yaml::MAX_DEPTH || steps.iter().any(|step| step.trim().is_empty()) {
            let message = format!("the key \"{}\" has an empty part or too many", entry.key);
            problems.error(Some(&entry.origin), "", message);
            continue;
        }
        let layer = nested(&steps, &entry.origin, entry.node);
        merge(&mut whole, layer, "", true, problems);
    }
    whole
}

/// `node` under the keys `steps`, outermost first.
fn nested(steps: &[&str], origin: &Origin, node: Node) -> Node {
    steps.iter().rev().fold(node, |inside, step| {
        let mut map = Map::new();
        map.push(Entry {
            key: (*step).to_owned(),
            origin: origin.clone(),
            node: inside,
        });
        Node::new(Value::Map(map), origin.clone())
    })
}

/// `a.b.c=value`; the value is YAML.
fn overridden(text: &str, order: usize, problems: &mut Problems) -> Option<Node> {
    let Some((key, value)) = text.split_once('=') else {
        let message =
            format!("--set {text}: expected KEY=VALUE, as in --set processors.batch.timeout=2s");
        problems.error(None, "", message);
        return None;
    };
    let name = Arc::new(SourceName {
        order,
        kind: SourceKind::Set(key.to_owned()),
    });
    let path = key.replace('.', "::");
    let steps: Vec<&str> = path.split("::").map(str::trim).collect();
    if steps.len() > yaml::MAX_DEPTH || steps.iter().any(|step| step.is_empty()) {
        let message = format!("--set {text}: the key has an empty part or too many");
        problems.error(None, "", message);
        return None;
    }
    let node = yaml::parse(value, &name, problems)?;
    Some(nested(&steps, &Origin::start_of(name), node))
}

#[cfg(test)]
mod tests;
