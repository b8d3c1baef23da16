//! From `--config` and `--set` to one expanded tree.

use crate::environment::Environment;
use crate::node::Node;
use crate::problems::Problems;

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

/// Reads all sources in order, merges them, applies the `--set` overrides
/// (`KEY=VALUE` each) and expands references. `None` when anything is wrong
/// enough that there is no tree; problems are added to `problems`.
pub fn load(
    sources: &[Source],
    overrides: &[String],
    environment: &dyn Environment,
    problems: &mut Problems,
) -> Option<Node> {
    let _ = (sources, overrides, environment);
    problems.error(None, "", "configuration loading is being built");
    None
}
