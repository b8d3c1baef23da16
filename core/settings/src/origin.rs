//! Where a piece of configuration came from.

use std::fmt;
use std::sync::Arc;

/// What kind of place a text of configuration was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A file, named as the user named it.
    File(String),
    /// `--set KEY=VALUE`; the key as the user wrote it.
    Set(String),
    /// `--config=env:NAME`.
    Env(String),
    /// `--config=yaml:…`.
    Inline,
    /// A URL read by a fetcher.
    Url(String),
    /// Nothing the user wrote: built by the program itself.
    Program,
}

/// One text of configuration and its place in the order of loading.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName {
    /// Position in the order of loading: problems are sorted by it.
    pub order: usize,
    /// What was read.
    pub kind: SourceKind,
}

/// The position of a node or a key, one-based, as editors count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The text it stands in.
    pub source: Arc<SourceName>,
    /// Line, from 1; 0 when the source has no lines.
    pub line: u32,
    /// Column in characters, from 1; 0 when the source has no columns.
    pub column: u32,
    /// The reference (`${env:X}`) whose result this is, as written; the
    /// position is then that of the reference.
    pub reference: Option<Arc<str>>,
}

impl Origin {
    /// An origin for nodes that the program makes itself.
    pub fn program() -> Self {
        Self::start_of(Arc::new(SourceName {
            order: usize::MAX,
            kind: SourceKind::Program,
        }))
    }

    /// The first character of a source.
    pub fn start_of(source: Arc<SourceName>) -> Self {
        Self {
            source,
            line: 1,
            column: 1,
            reference: None,
        }
    }

    /// The same position, marked as the result of a reference.
    #[must_use]
    pub fn through(&self, reference: &str) -> Self {
        Self {
            reference: Some(Arc::from(reference)),
            ..self.clone()
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        match &self.source.kind {
            SourceKind::File(path) => write!(f, "{path}:{line}:{column}")?,
            SourceKind::Url(url) => write!(f, "{url}:{line}:{column}")?,
            SourceKind::Env(name) => write!(f, "env:{name}:{line}:{column}")?,
            SourceKind::Inline => write!(f, "yaml:{line}:{column}")?,
            SourceKind::Set(key) => write!(f, "--set {key}")?,
            SourceKind::Program => write!(f, "built-in")?,
        }
        match &self.reference {
            Some(reference) => write!(f, " (from {reference})"),
            None => Ok(()),
        }
    }
}
