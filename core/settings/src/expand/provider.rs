//! Where the text of a reference comes from.

use crate::environment::{Environment, MAX_TEXT};
use std::fmt;
use std::io;
use std::path::Path;

/// The schemes of references and of `--config`, sorted.
pub(crate) const SCHEMES: [&str; 5] = ["env", "file", "http", "https", "yaml"];

/// What a reference points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Env(String),
    File(String),
    Yaml(String),
    Url(String),
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The text; the variable's name, when it is one; whether it is empty.
    Text(String, Option<String>, bool),
    /// The text after `:-`, because the variable is not set.
    Default(String),
    /// The variable of this name is not set.
    Unset(String),
}

impl Answer {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text, ..) | Self::Default(text) => Some(text),
            Self::Unset(_) => None,
        }
    }
}

impl Provider {
    /// What stands between `${` and `}`: `scheme:opaque`, or the name of a
    /// variable.
    pub(crate) fn of(uri: &str) -> Result<Self, String> {
        let Some((scheme, opaque)) = uri.split_once(':') else {
            return Ok(Self::Env(uri.to_owned()));
        };
        match scheme {
            "env" => Ok(Self::Env(opaque.to_owned())),
            "file" => Ok(Self::File(opaque.to_owned())),
            "yaml" => Ok(Self::Yaml(opaque.to_owned())),
            "http" | "https" => Ok(Self::Url(uri.to_owned())),
            _ => {
                let near = match crate::nearest(scheme, SCHEMES) {
                    Some(near) => format!("; did you mean \"{near}\"?"),
                    None => String::new(),
                };
                let known = SCHEMES.join(", ");
                Err(format!(
                    "unknown scheme \"{scheme}\"{near} (known: {known})"
                ))
            }
        }
    }

    pub(crate) fn ask(&self, environment: &dyn Environment) -> Result<Answer, String> {
        match self {
            Self::Env(name) => variable(environment, name),
            Self::Yaml(text) => Ok(Answer::Text(text.clone(), None, false)),
            Self::File(path) => {
                let text = read_file(environment, path)?;
                let trimmed = without_newline(&text).to_owned();
                Ok(Answer::Text(trimmed, None, false))
            }
            Self::Url(url) => fetch(environment, url).map(|text| Answer::Text(text, None, false)),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Yaml(text) => write!(f, "yaml:{text}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// `env:NAME:-default` and `NAME:-default`, as name and (the beginning of)
/// the default.
pub(crate) fn variable_with_default(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("env:").unwrap_or(text);
    text.split_once(":-")
        .filter(|(name, _)| !name.contains(':'))
}

pub(crate) fn variable(environment: &dyn Environment, name: &str) -> Result<Answer, String> {
    if !is_variable_name(name) {
        return Err(format!(
            "\"{name}\" is not the name of an environment variable (letters, digits and _); write $${{…}} for a literal ${{…}}"
        ));
    }
    Ok(match environment.variable(name)? {
        Some(text) => {
            let empty = text.is_empty();
            Answer::Text(text, Some(name.to_owned()), empty)
        }
        None => Answer::Unset(name.to_owned()),
    })
}

fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    (bytes.next()).is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads a configuration file; the error is a sentence with the path.
pub(crate) fn read_file(environment: &dyn Environment, path: &str) -> Result<String, String> {
    let text = environment
        .read_file(Path::new(path))
        .map_err(|error| format!("cannot read the file \"{path}\": {}", cause(&error)))?;
    match text.len() > MAX_TEXT {
        true => Err(format!("the file \"{path}\" is larger than 16 MiB")),
        false => Ok(text),
    }
}

/// The words of an I/O error without the number of the system's error.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => {
            let text = error.to_string();
            match text.find(" (os error") {
                Some(at) => text[..at].to_owned(),
                None => text,
            }
        }
    }
}

/// Reads a URL through the environment's fetcher.
pub(crate) fn fetch(environment: &dyn Environment, url: &str) -> Result<String, String> {
    match environment.fetch(url) {
        Some(answer) => answer.map_err(|why| format!("cannot fetch \"{url}\": {why}")),
        None => Err(format!(
            "\"{url}\" is not fetched: this build reads configuration from files and variables only; download it to a file first"
        )),
    }
}

/// Without one line break at the end.
fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
