//! Rules that concern more than one setting.

use crate::node::Node;
use crate::problems::Problems;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// Settings that have rules beyond their types. All problems are reported,
/// none stops the checking of the rest.
///
/// ```
/// # use settings::{At, Validate};
/// # struct Tls { cert_file: Option<String>, key_file: Option<String> }
/// impl Validate for Tls {
///     fn validate(&self, at: &mut At<'_>) {
///         if self.cert_file.is_some() && self.key_file.is_none() {
///             at.error("cert_file", "needs key_file beside it");
///         }
///     }
/// }
/// ```
pub trait Validate {
    /// Reports every broken rule to `at`.
    fn validate(&self, at: &mut At<'_>);
}

/// A place in the configuration under which problems are reported.
pub struct At<'a> {
    root: &'a Node,
    prefix: &'a str,
    inside: String,
    problems: &'a mut Problems,
}

impl<'a> At<'a> {
    /// The place of a component: `root` is its body, `path` its name
    /// (`exporters::otlp`).
    pub fn new(root: &'a Node, path: &'a str, problems: &'a mut Problems) -> Self {
        Self {
            root,
            prefix: path,
            inside: String::new(),
            problems,
        }
    }

    /// Reports an error about a setting below this place. `key` is a path
    /// (`tls::cert_file`, list positions as numbers); empty for the place
    /// itself. The line is that of the key, or of the nearest thing around it
    /// that the user wrote.
    pub fn error(&mut self, key: &str, message: impl Display) {
        let inside = join(&self.inside, key);
        let path = join(self.prefix, &inside);
        self.problems
            .error(Some(self.root.locate(&inside)), &path, message);
    }

    /// Reports a warning in the same way.
    pub fn warn(&mut self, key: &str, message: impl Display) {
        let inside = join(&self.inside, key);
        let path = join(self.prefix, &inside);
        self.problems
            .warn(Some(self.root.locate(&inside)), &path, message);
    }

    /// Whether the user wrote this setting (null counts as not written).
    pub fn is_set(&self, key: &str) -> bool {
        let inside = join(&self.inside, key);
        let mut node = self.root;
        for step in inside.split("::").filter(|step| !step.is_empty()) {
            let next = match node.as_list() {
                Some(list) => step.parse::<usize>().ok().and_then(|i| list.get(i)),
                None => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => return false,
            }
        }
        !node.is_null()
    }

    /// Does `work` with `key` added to the place.
    pub fn within<R>(&mut self, key: &str, work: impl FnOnce(&mut At<'_>) -> R) -> R {
        let before = self.inside.len();
        self.inside = join(&self.inside, key);
        let result = work(self);
        self.inside.truncate(before);
        result
    }

    /// Checks the rules of a part that stands under `key`.
    pub fn check(&mut self, key: &str, part: &impl Validate) {
        self.within(key, |at| part.validate(at));
    }

    /// Checks the rules of an optional part, when it is there.
    pub fn check_some<T: Validate>(&mut self, key: &str, part: Option<&T>) {
        if let Some(part) = part {
            self.check(key, part);
        }
    }
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.is_empty()) {
        (true, _) => key.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}::{key}"),
    }
}

/// Decodes with the defaults of `T` at any depth, see
/// [`crate::decode_with_defaults`], and then checks the rules. `None` when either reports an error;
/// rules are only checked on settings that decoded without an error.
pub fn decode_valid<T: DeserializeOwned + Serialize + Validate>(
    node: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<T> {
    let decoded: T = crate::decode_with_defaults(node, path, problems)?;
    let before = problems.errors().len();
    decoded.validate(&mut At::new(node, path, problems));
    (problems.errors().len() == before).then_some(decoded)
}
