//! What is wrong with a configuration, collected so that one run names all.

use crate::origin::Origin;
use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but probably not as meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// One problem, printed on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands, when it stands somewhere.
    pub origin: Option<Origin>,
    /// The setting, levels joined by `::`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, what was expected, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        // One problem is one line, whatever a parser put into its message.
        let mut lines = self.message.lines();
        f.write_str(lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| write!(f, " {}", line.trim()))
    }
}

/// Collects problems. `Display` prints the errors, one a line, sorted by
/// source and position; warnings are kept apart.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// No problems so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    /// Adds an error.
    pub fn error(&mut self, origin: Option<&Origin>, path: &str, message: impl fmt::Display) {
        self.add(Severity::Error, origin, path, message);
    }

    /// Adds a warning.
    pub fn warn(&mut self, origin: Option<&Origin>, path: &str, message: impl fmt::Display) {
        self.add(Severity::Warning, origin, path, message);
    }

    /// Adds a piece of information.
    pub fn info(&mut self, origin: Option<&Origin>, path: &str, message: impl fmt::Display) {
        self.add(Severity::Info, origin, path, message);
    }

    fn add(
        &mut self,
        severity: Severity,
        origin: Option<&Origin>,
        path: &str,
        message: impl fmt::Display,
    ) {
        self.found.push(Problem {
            severity,
            origin: origin.cloned(),
            path: path.to_owned(),
            message: message.to_string(),
        });
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|p| p.severity == Severity::Error)
    }

    /// The errors, sorted by source and position.
    pub fn errors(&self) -> Vec<&Problem> {
        self.sorted(Severity::Error)
    }

    /// The warnings, sorted by source and position.
    pub fn warnings(&self) -> Vec<&Problem> {
        self.sorted(Severity::Warning)
    }

    /// The pieces of information, sorted by source and position.
    pub fn infos(&self) -> Vec<&Problem> {
        self.sorted(Severity::Info)
    }

    fn sorted(&self, severity: Severity) -> Vec<&Problem> {
        let mut list: Vec<&Problem> = (self.found.iter())
            .filter(|p| p.severity == severity)
            .collect();
        // Problems without a place come last; the sort keeps the order of
        // finding for equal places.
        list.sort_by_key(|p| {
            let place = (p.origin.as_ref()).map(|o| (o.source.clone(), o.line, o.column));
            (place.is_none(), place)
        });
        list.dedup();
        list
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.errors().into_iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
