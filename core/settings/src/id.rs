//! Names of components and pipelines: `otlp`, `otlp/internal`, `logs/app`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// Most bytes of the name after the slash.
const MAX_NAME: usize = 1024;
/// Most characters of the type before the slash.
const MAX_KIND: usize = 63;

/// The id of a component: `type` or `type/name`, upstream's rules. The type is
/// a letter followed by letters, digits and `_`, at most 63 in all; the name
/// is 1 to 1024 bytes without spaces, control characters and symbols. Spaces
/// around either are dropped; the first slash splits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    kind: String,
    name: String,
}

/// Why a text is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("the id must not be empty")]
    Empty,
    /// Nothing before the slash.
    #[error("in \"{0}\" the part before / should not be empty")]
    NoKind(String),
    /// Nothing after the slash.
    #[error("in \"{0}\" the part after / should not be empty")]
    NoName(String),
    /// The type has characters that it must not have, or is too long.
    #[error(
        "invalid character(s) in type \"{0}\": a type starts with a letter and has letters, digits and _ only, at most 63"
    )]
    Kind(String),
    /// The name has characters that it must not have.
    #[error(
        "invalid character(s) in name \"{0}\": no spaces, control characters or symbols such as + = < > | ~ ^ $ `"
    )]
    Name(String),
    /// The name is too long.
    #[error("the name of a component must not be longer than 1024 bytes, this one has {0}")]
    LongName(usize),
    /// A pipeline of an unknown signal.
    #[error("\"{0}\" is not a pipeline: expected traces, metrics or logs, optionally followed by /name{hint}", hint = signal_hint(.0))]
    Signal(String),
}

fn signal_hint(id: &str) -> String {
    let kind = id.split('/').next().unwrap_or_default().trim();
    if kind == "profiles" {
        return "; profiles are not supported".to_owned();
    }
    match crate::nearest(kind, ["traces", "metrics", "logs"]) {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None => String::new(),
    }
}

/// Unicode categories Z (space), C (other) and S (symbol).
static FORBIDDEN: LazyLock<Option<regex::Regex>> =
    LazyLock::new(|| regex::Regex::new(r"[\p{Z}\p{C}\p{S}]").ok());

impl ComponentId {
    /// An id of a type without a name.
    ///
    /// # Errors
    /// When the type breaks the rules.
    pub fn of_kind(kind: &str) -> Result<Self, IdError> {
        let id: Self = kind.parse()?;
        match id.name.is_empty() {
            true => Ok(id),
            false => Err(IdError::Kind(kind.to_owned())),
        }
    }

    /// The type: which component it is.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name after the slash; empty without one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same name under another type, for deprecated aliases.
    ///
    /// # Errors
    /// When the type breaks the rules.
    pub fn with_kind(&self, kind: &str) -> Result<Self, IdError> {
        check_kind(kind)?;
        Ok(Self {
            kind: kind.to_owned(),
            name: self.name.clone(),
        })
    }
}

fn check_kind(kind: &str) -> Result<(), IdError> {
    let mut bytes = kind.bytes();
    let good = kind.len() <= MAX_KIND
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match good {
        true => Ok(()),
        false => Err(IdError::Kind(kind.to_owned())),
    }
}

fn check_name(name: &str) -> Result<(), IdError> {
    if name.len() > MAX_NAME {
        return Err(IdError::LongName(name.len()));
    }
    let bad = FORBIDDEN.as_ref().is_none_or(|r| r.is_match(name));
    match bad {
        true => Err(IdError::Name(name.to_owned())),
        false => Ok(()),
    }
}

impl FromStr for ComponentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        if kind.is_empty() {
            return Err(match name {
                Some(_) => IdError::NoKind(text.to_owned()),
                None => IdError::Empty,
            });
        }
        check_kind(kind)?;
        if name.is_some_and(str::is_empty) {
            return Err(IdError::NoName(text.to_owned()));
        }
        let name = name.unwrap_or_default();
        check_name(name)?;
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        match self.name.is_empty() {
            true => Ok(()),
            false => write!(f, "/{}", self.name),
        }
    }
}

/// What a pipeline carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// `traces`, `metrics` or `logs`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of a pipeline: `traces`, `metrics` or `logs`, optionally `/name`
/// with the rules of component names. Lower case only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    signal: Signal,
    name: String,
}

impl PipelineId {
    /// What the pipeline carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The name after the slash; empty without one.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for PipelineId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id: ComponentId = text.parse()?;
        let signal = match id.kind() {
            "traces" => Signal::Traces,
            "metrics" => Signal::Metrics,
            "logs" => Signal::Logs,
            _ => return Err(IdError::Signal(text.to_owned())),
        };
        Ok(Self {
            signal,
            name: id.name,
        })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signal.as_str())?;
        match self.name.is_empty() {
            true => Ok(()),
            false => write!(f, "/{}", self.name),
        }
    }
}

macro_rules! as_text {
    ($type:ty, $expecting:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

as_text!(ComponentId, "a component id such as \"otlp/internal\"");
as_text!(PipelineId, "a pipeline id such as \"logs/app\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_upstream() {
        for (text, kind, name) in [
            ("otlp", "otlp", ""),
            ("otlp/a", "otlp", "a"),
            (" otlp / a ", "otlp", "a"),
            ("a1_B/x.y-z/w", "a1_B", "x.y-z/w"),
            ("k/größe_測試", "k", "größe_測試"),
            ("k//", "k", "/"),
            ("k/#1", "k", "#1"),
        ] {
            let id: ComponentId = text.parse().unwrap();
            assert_eq!((id.kind(), id.name()), (kind, name), "{text}");
        }
        let longest = format!("k/{}", "x".repeat(1024));
        assert_eq!(longest.parse::<ComponentId>().unwrap().to_string(), longest);
        assert!("x".repeat(63).parse::<ComponentId>().is_ok());
    }

    #[test]
    fn bad_ids_are_shown() {
        let kind = |text: &str| IdError::Kind(text.to_owned());
        let name = |text: &str| IdError::Name(text.to_owned());
        for (text, error) in [
            ("", IdError::Empty),
            ("  ", IdError::Empty),
            ("/a", IdError::NoKind("/a".to_owned())),
            ("otlp/", IdError::NoName("otlp/".to_owned())),
            ("otlp/ ", IdError::NoName("otlp/ ".to_owned())),
            ("1x", kind("1x")),
            ("ot-lp", kind("ot-lp")),
            ("öl", kind("öl")),
            ("a/b c", name("b c")),
            ("a/b+c", name("b+c")),
            ("a/$x", name("$x")),
            ("a/b\u{7}", name("b\u{7}")),
            ("a/`", name("`")),
        ] {
            assert_eq!(text.parse::<ComponentId>(), Err(error), "{text:?}");
        }
        assert_eq!(
            "x".repeat(64).parse::<ComponentId>(),
            Err(kind(&"x".repeat(64)))
        );
        let long = format!("k/{}", "x".repeat(1025));
        assert_eq!(long.parse::<ComponentId>(), Err(IdError::LongName(1025)));
        assert_eq!(
            "otlp/".parse::<ComponentId>().unwrap_err().to_string(),
            "in \"otlp/\" the part after / should not be empty"
        );
    }

    #[test]
    fn pipelines_are_signals() {
        let id: PipelineId = "logs/app".parse().unwrap();
        assert_eq!((id.signal(), id.name()), (Signal::Logs, "app"));
        assert_eq!(
            "traces".parse::<PipelineId>().unwrap().to_string(),
            "traces"
        );
        for (text, message) in [
            (
                "Logs",
                "\"Logs\" is not a pipeline: expected traces, metrics or logs, optionally followed by /name; did you mean \"logs\"?",
            ),
            (
                "profiles",
                "\"profiles\" is not a pipeline: expected traces, metrics or logs, optionally followed by /name; profiles are not supported",
            ),
            (
                "events/a",
                "\"events/a\" is not a pipeline: expected traces, metrics or logs, optionally followed by /name",
            ),
        ] {
            assert_eq!(text.parse::<PipelineId>().unwrap_err().to_string(), message);
        }
    }
}
