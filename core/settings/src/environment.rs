//! What a configuration may read from the outside: variables, files, URLs.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

/// Most bytes of one configuration text: file, variable or fetched page.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Where references and `--config` values are looked up.
pub trait Environment {
    /// The value of an environment variable; `None` when it is not set.
    ///
    /// # Errors
    /// A sentence when the variable is set but is not UTF-8.
    fn variable(&self, name: &str) -> Result<Option<String>, String>;

    /// The text of a file. Relative paths start at the working directory.
    ///
    /// # Errors
    /// When it cannot be read, is not UTF-8, or is larger than [`MAX_TEXT`].
    fn read_file(&self, path: &Path) -> io::Result<String>;

    /// The text behind an `http:` or `https:` URL; `None` when this program
    /// does not fetch configuration.
    fn fetch(&self, _url: &str) -> Option<Result<String, String>> {
        None
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(format!(
                "the environment variable \"{name}\" is not valid UTF-8"
            )),
        }
    }

    fn read_file(&self, path: &Path) -> io::Result<String> {
        let mut bytes = Vec::new();
        let limit = MAX_TEXT as u64 + 1;
        std::fs::File::open(path)?
            .take(limit)
            .read_to_end(&mut bytes)?;
        if bytes.len() > MAX_TEXT {
            return Err(io::Error::other("larger than 16 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::other("not valid UTF-8"))
    }
}

/// A made-up environment, for tests of components.
#[derive(Clone, Debug, Default)]
pub struct FixedEnvironment {
    /// Variables by name.
    pub variables: BTreeMap<String, String>,
    /// Files by path.
    pub files: BTreeMap<String, String>,
}

impl FixedEnvironment {
    /// Nothing set, no files.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With one more file.
    #[must_use]
    pub fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }
}

impl Environment for FixedEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variables.get(name).cloned())
    }

    fn read_file(&self, path: &Path) -> io::Result<String> {
        let found = path.to_str().and_then(|path| self.files.get(path));
        found
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}
