//! Putting values in place of `${…}`. What a provider returns is never read
//! as a reference again, so that a secret with dollars survives; only where it
//! is a list or a mapping, that is a piece of configuration, are the strings
//! inside expanded in turn.

mod provider;

use crate::environment::Environment;
use crate::node::{Node, Value};
use crate::origin::{Origin, SourceKind, SourceName};
use crate::problems::Problems;
use crate::reference::{Reference, Segment, pieces};
use crate::yaml;
use provider::{Answer, Provider};
pub(crate) use provider::{fetch, read_file};
use std::sync::Arc;

/// Most references followed in one load.
pub const MAX_REFERENCES: usize = 10_000;
/// Most bytes of provider values and of strings made with them in one load.
pub const MAX_EXPANDED: usize = 128 * 1024 * 1024;

/// Expands every string of `root`. A reference that fails is reported and
/// becomes null.
pub(crate) fn expand(root: &mut Node, environment: &dyn Environment, problems: &mut Problems) {
    let mut expander = Expander {
        environment,
        problems,
        active: Vec::new(),
        depth: 0,
        references: 0,
        bytes: 0,
    };
    expander.node(root, "");
}

/// The value of an environment variable; the error is a sentence.
pub(crate) fn variable(
    environment: &dyn Environment,
    name: &str,
) -> Result<Option<String>, String> {
    provider::variable(environment, name).map(|answer| answer.text().map(str::to_owned))
}

struct Expander<'a> {
    environment: &'a dyn Environment,
    problems: &'a mut Problems,
    /// Pieces of configuration that are being expanded: a file that includes
    /// itself is found here.
    active: Vec<String>,
    /// Lists and mappings around the value that is being expanded.
    depth: usize,
    references: usize,
    bytes: usize,
}

/// Why a reference could not be followed; already a full sentence.
type Failed = String;

impl Expander<'_> {
    fn node(&mut self, node: &mut Node, path: &str) {
        let inside = usize::from(matches!(node.value, Value::Map(_) | Value::List(_)));
        self.depth += inside;
        self.content(node, path);
        self.depth -= inside;
    }

    fn content(&mut self, node: &mut Node, path: &str) {
        match &mut node.value {
            Value::Map(map) => {
                for entry in map.entries_mut() {
                    let below = match path.is_empty() {
                        true => entry.key.clone(),
                        false => format!("{path}::{}", entry.key),
                    };
                    self.node(&mut entry.node, &below);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &format!("{path}::{index}"));
                }
            }
            Value::String(text) if text.contains('$') => {
                let text = std::mem::take(text);
                let origin = node.origin.clone();
                match self.string(&text, &origin, path) {
                    Ok(expanded) => *node = expanded,
                    Err(why) => {
                        self.problems.error(Some(&origin), path, why);
                        node.value = Value::Null;
                        node.text = None;
                    }
                }
            }
            _ => {}
        }
    }

    fn string(&mut self, text: &str, origin: &Origin, path: &str) -> Result<Node, Failed> {
        let found = pieces(text)?;
        if found.unclosed {
            let message = "\"${\" is never closed by \"}\" and is taken as text; write \"$${\" if that is meant";
            self.problems.warn(Some(origin), path, message);
        }
        if let [Segment::Reference(reference)] = found.segments.as_slice() {
            return self.whole(reference, origin, path);
        }
        let text = self.join(&found.segments, origin, path)?;
        let first = found.segments.iter().find_map(|segment| match segment {
            Segment::Reference(reference) => Some(&reference.written),
            Segment::Text(_) => None,
        });
        let origin = first.map_or_else(|| origin.clone(), |written| origin.through(written));
        Ok(Node::new(Value::String(text), origin))
    }

    /// The text of segments, references replaced.
    fn join(
        &mut self,
        segments: &[Segment],
        origin: &Origin,
        path: &str,
    ) -> Result<String, Failed> {
        let mut joined = String::new();
        for segment in segments {
            match segment {
                Segment::Text(text) => joined.push_str(text),
                Segment::Reference(reference) => {
                    let (answer, _) = self.follow(reference, origin, path)?;
                    joined.push_str(answer.text().unwrap_or_default());
                }
            }
        }
        self.charge(joined.len())?;
        Ok(joined)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Failed> {
        self.bytes += bytes;
        match self.bytes > MAX_EXPANDED {
            true => Err(format!(
                "references bring more than {MAX_EXPANDED} bytes in all"
            )),
            false => Ok(()),
        }
    }

    /// Asks the provider of a reference.
    fn follow(
        &mut self,
        reference: &Reference,
        origin: &Origin,
        path: &str,
    ) -> Result<(Answer, Provider), Failed> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(format!("more than {MAX_REFERENCES} references"));
        }
        let failed = |why: String| format!("{}: {why}", reference.written);
        // A default is only looked at when it is needed, so that references
        // in it do not warn for nothing.
        if let Some(Segment::Text(first)) = reference.inner.first()
            && let Some((name, first_default)) = provider::variable_with_default(first)
        {
            let answer = provider::variable(self.environment, name).map_err(failed)?;
            let answer = match answer {
                Answer::Unset(_) => {
                    let mut default = vec![Segment::Text(first_default.to_owned())];
                    default.extend_from_slice(&reference.inner[1..]);
                    Answer::Default(self.join(&default, origin, path)?)
                }
                set => {
                    self.charge(set.text().map_or(0, str::len))?;
                    self.report(&set, origin, path);
                    set
                }
            };
            return Ok((answer, Provider::Env(name.to_owned())));
        }
        let uri = self.join(&reference.inner, origin, path)?;
        let provider = Provider::of(&uri).map_err(failed)?;
        let answer = provider.ask(self.environment).map_err(failed)?;
        self.charge(answer.text().map_or(0, str::len))?;
        self.report(&answer, origin, path);
        Ok((answer, provider))
    }

    fn report(&mut self, answer: &Answer, origin: &Origin, path: &str) {
        match answer {
            Answer::Unset(name) => {
                let message = format!(
                    "the environment variable \"{name}\" is not set; the setting is left empty"
                );
                self.problems.warn(Some(origin), path, message);
            }
            Answer::Text(_, Some(name), true) => {
                let message = format!("the environment variable \"{name}\" is set but empty");
                self.problems.info(Some(origin), path, message);
            }
            _ => {}
        }
    }

    /// A reference that is a whole value: its text is YAML, and is kept as
    /// well for settings that are strings.
    fn whole(
        &mut self,
        reference: &Reference,
        origin: &Origin,
        path: &str,
    ) -> Result<Node, Failed> {
        let (answer, provider) = self.follow(reference, origin, path)?;
        let through = origin.through(&reference.written);
        let mut node = match &answer {
            Answer::Unset(_) => Node::new(Value::Null, through),
            // `${env:X:-}` asks for the empty string.
            Answer::Default(text) if text.is_empty() => {
                let mut node = Node::new(Value::String(String::new()), through);
                node.text = Some(Arc::from(""));
                node
            }
            Answer::Default(text) | Answer::Text(text, ..) => value_of(text, &provider, &through),
        };
        node.from_reference = true;
        if matches!(&node.value, Value::String(text) if text.contains("${")) {
            let message = format!(
                "the value of {} contains \"${{\" and is used as it stands: references in values are not expanded",
                reference.written
            );
            self.problems.info(Some(origin), path, message);
        }
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            let id = provider.to_string();
            if self.active.contains(&id) {
                return Err(format!("{} refers to itself", reference.written));
            }
            if self.depth + yaml::height(&node) > yaml::MAX_DEPTH {
                let written = &reference.written;
                return Err(format!(
                    "{written} would nest deeper than {} levels",
                    yaml::MAX_DEPTH
                ));
            }
            self.active.push(id);
            self.node(&mut node, path);
            self.active.pop();
        }
        Ok(node)
    }
}

/// The YAML value of a provider's text. Text that is no YAML is a string.
fn value_of(text: &str, provider: &Provider, through: &Origin) -> Node {
    let source = match provider {
        Provider::File(path) => Arc::new(SourceName {
            order: through.source.order,
            kind: SourceKind::File(path.clone()),
        }),
        _ => through.source.clone(),
    };
    let raw = text.trim();
    let mut quiet = Problems::new();
    let parsed = yaml::parse(text, &source, &mut quiet).filter(|_| !quiet.has_errors());
    let Some(mut node) = parsed else {
        let mut node = Node::new(Value::String(raw.to_owned()), through.clone());
        node.text = Some(Arc::from(raw));
        return node;
    };
    let scalar = !matches!(node.value, Value::List(_) | Value::Map(_));
    if scalar || !matches!(provider, Provider::File(_)) {
        place_all(&mut node, through);
    }
    let plain = node.text.is_some();
    match &mut node.value {
        // Quotes and block scalars say exactly which text is meant. Anything
        // else is taken as it stands: a `#` or a line break in a secret is
        // part of it.
        Value::String(value) if !plain => node.text = Some(Arc::from(value.as_str())),
        Value::String(value) => {
            *value = raw.to_owned();
            node.text = Some(Arc::from(raw));
        }
        _ => node.text = Some(Arc::from(raw)),
    }
    node
}

/// Values from a variable have no place of their own: the reference's.
fn place_all(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place_all(item, origin)),
        Value::Map(map) => {
            for entry in map.entries_mut() {
                entry.origin = origin.clone();
                place_all(&mut entry.node, origin);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
