//! Command lines of the form `--name value`.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::Failure;

/// The arguments of a bench program. Each must be known, so that a misspelt one does not measure something else.
#[derive(Debug)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads those of this process; `known` are the names without dashes.
    ///
    /// # Errors
    /// An unknown name, or a name without a value.
    pub fn of_process(known: &[&str]) -> Result<Arguments, Failure> {
        Arguments::read(std::env::args().skip(1), known)
    }

    fn read(mut words: impl Iterator<Item = String>, known: &[&str]) -> Result<Arguments, Failure> {
        let mut values = BTreeMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").filter(|name| known.contains(name));
            let name =
                name.ok_or_else(|| format!("{word}: expected one of --{}", known.join(" --")))?;
            let value = words
                .next()
                .ok_or_else(|| format!("{word} needs a value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Arguments(values))
    }

    /// The value of `name`, or `default`.
    ///
    /// # Errors
    /// When the value cannot be read as what is asked for.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T, Failure> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The value of `name`, if it is given.
    ///
    /// # Errors
    /// When the value cannot be read as what is asked for.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("--{name} {text}: not a {}", std::any::type_name::<T>()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, Failure> {
        Arguments::read(line.split(' ').map(str::to_owned), &["to", "requests"])
    }

    #[test]
    fn values_are_read_and_defaults_stand_in() {
        let arguments = read("--requests 7").expect("known");
        assert_eq!(arguments.get("requests", 1_usize).expect("a number"), 7);
        assert_eq!(
            arguments.get("to", "here".to_owned()).expect("text"),
            "here"
        );
        assert!(arguments.optional::<String>("to").expect("text").is_none());
    }

    #[test]
    fn mistakes_are_named() {
        for (line, says) in [
            ("--request 7", "--request: expected one of"),
            ("--to", "--to needs a value"),
        ] {
            let error = read(line).expect_err("a mistake").to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = read("--requests many").and_then(|a| a.get("requests", 1_usize));
        assert!(
            error
                .expect_err("no number")
                .to_string()
                .contains("--requests many")
        );
    }
}
