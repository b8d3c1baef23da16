//! What can go wrong with a query, in one line that says what to do.

use std::io;

use deltalake::arrow::error::ArrowError;
use deltalake::datafusion::common::{Column, DataFusionError, SchemaError};
use deltalake::datafusion::sql::sqlparser::parser::ParserError;
use lake_table::text::TextError;
use settings::nearest;

/// Names that a message lists before it says how many more there are.
const LISTED: usize = 40;
/// Near names that a message lists.
const NEAR: usize = 3;

/// Why a query has no answer. Always one line.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is no SQL.
    #[error("{0}")]
    Syntax(String),
    /// The lakes hold no table at all.
    #[error("no table yet at {0}: send something first")]
    NoTables(String),
    /// No lake has a table of that name.
    #[error("{0}")]
    UnknownTable(String),
    /// No table of the query has a column of that name.
    #[error("{0}")]
    UnknownColumn(String),
    /// The statement would write.
    #[error("pharos query only reads: {0}")]
    NotAQuery(String),
    /// The query needs more memory than it may have, even with temporary files.
    #[error("the query needs more than its {} MiB of memory ({problem}): allow more with --memory, or ask for fewer rows or columns", limit >> 20)]
    Memory {
        /// Bytes it may have.
        limit: usize,
        /// What asked for more.
        problem: String,
    },
    /// A lake cannot be reached or its location is wrong.
    #[error("{0}")]
    Location(String),
    /// A table cannot be read.
    #[error("table {table} cannot be read: {problem}")]
    Table {
        /// Its name.
        table: String,
        /// Why.
        problem: String,
    },
    /// The query failed for another reason.
    #[error("{0}")]
    Failed(String),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl From<TextError> for QueryError {
    fn from(error: TextError) -> QueryError {
        match error {
            TextError::Arrow(error) => error.into(),
            TextError::Output(error) => QueryError::Output(error),
        }
    }
}

impl From<ArrowError> for QueryError {
    /// While values are printed.
    fn from(error: ArrowError) -> QueryError {
        QueryError::Failed(one_line(&error.to_string()))
    }
}

impl QueryError {
    /// Whether the reader of the answer went away, as `head` does.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, QueryError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What a message about an error of DataFusion needs to know.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Columns of the tables that the query names.
    pub(crate) columns: Vec<String>,
    /// Bytes that the query may have.
    pub(crate) memory: usize,
}

impl Scope {
    /// The error as a person wants to read it.
    pub(crate) fn explain(&self, error: &DataFusionError) -> QueryError {
        use DataFusionError as E;
        match error {
            E::Context(_, inner) | E::Diagnostic(_, inner) => self.explain(inner),
            E::Shared(inner) => self.explain(inner),
            E::Collection(all) if !all.is_empty() => self.explain(&all[0]),
            E::SQL(parser, _) => QueryError::Syntax(syntax(parser)),
            E::SchemaError(problem, _) => self.schema(problem),
            E::ResourcesExhausted(problem) => QueryError::Memory {
                limit: self.memory,
                problem: one_line(shortage(problem)),
            },
            E::External(inner) => match inner.downcast_ref::<DataFusionError>() {
                Some(inner) => self.explain(inner),
                None => QueryError::Failed(storage(&inner.to_string())),
            },
            E::ArrowError(inner, _) => QueryError::Failed(one_line(&inner.to_string())),
            E::Plan(problem)
            | E::Execution(problem)
            | E::NotImplemented(problem)
            | E::Configuration(problem) => QueryError::Failed(one_line(problem)),
            other => QueryError::Failed(storage(&other.strip_backtrace())),
        }
    }

    fn schema(&self, problem: &SchemaError) -> QueryError {
        match problem {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let mut known: Vec<String> = valid_fields
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect();
                if known.is_empty() {
                    known.clone_from(&self.columns);
                }
                QueryError::UnknownColumn(unknown_column(field, known))
            }
            other => QueryError::Failed(one_line(&other.to_string())),
        }
    }
}

fn unknown_column(field: &Column, mut known: Vec<String>) -> String {
    known.dedup();
    // `url.path` reads as column `path` of the table `url`.
    let written = field.flat_name().replace('"', "");
    let near = match near(&field.name, &known) {
        near if near.is_empty() => near_parts(&field.name, &known),
        near => near,
    };
    let hint = if near.is_empty() {
        match &*list(&known) {
            "" => String::new(),
            columns => format!("; there are: {columns}"),
        }
    } else {
        format!("; near it: {}", near.join(", "))
    };
    let attribute = if known.iter().any(|name| name == "attributes") {
        format!(" (an attribute is read as attributes['{written}'])")
    } else {
        String::new()
    };
    format!("unknown column {written}{hint}{attribute}")
}

/// The nearest of `known`, best first.
pub(crate) fn near(word: &str, known: &[String]) -> Vec<String> {
    let mut left: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    while found.len() < NEAR
        && let Some(best) = nearest(word, left.iter().copied())
    {
        found.push(best.to_owned());
        left.retain(|name| *name != best);
    }
    found
}

/// Names that contain the word, or that the word contains.
fn near_parts(word: &str, known: &[String]) -> Vec<String> {
    let word = word.to_lowercase();
    let part = |name: &&String| {
        word.len() > 2 && (name.contains(&word) || name.len() > 2 && word.contains(name.as_str()))
    };
    known.iter().filter(part).take(NEAR).cloned().collect()
}

/// `a, b, c and 7 more`
pub(crate) fn list(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `syntax error at line 1, column 8: expected ...`
fn syntax(error: &ParserError) -> String {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => one_line(text),
        ParserError::RecursionLimitExceeded => return "syntax error: nested too deeply".to_owned(),
    };
    let position = text
        .rsplit_once(" at Line: ")
        .and_then(|(problem, position)| {
            let (line, column) = position.split_once(", Column: ")?;
            Some((
                problem.to_owned(),
                line.to_owned(),
                column.trim().to_owned(),
            ))
        });
    match position {
        Some((problem, line, column)) => {
            format!(
                "syntax error at line {line}, column {column}: {}",
                lower_first(&problem)
            )
        }
        None => format!("syntax error: {}", lower_first(&text)),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

/// The sentence that says what ran out, without who has how much of it.
fn shortage(problem: &str) -> &str {
    let failed = problem
        .find("Failed to allocate")
        .map_or(problem, |at| &problem[at..]);
    failed.split(" with ").next().unwrap_or(failed)
}

/// The text without line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The text of an error of a store: of S3's XML only what it says, `NoSuchBucket: The specified
/// bucket does not exist`.
pub(crate) fn storage(text: &str) -> String {
    let said = |tag: &str| {
        let (_, after) = text.split_once(&format!("<{tag}>"))?;
        Some(after.split_once(&format!("</{tag}>"))?.0)
    };
    match (said("Code"), said("Message")) {
        (Some(code), Some(message)) => one_line(&format!("{code}: {message}")),
        (Some(code), None) => code.to_owned(),
        _ => one_line(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_taken_out_of_the_parsers_words() {
        let error = ParserError::ParserError(
            "Expected: an SQL statement, found: selec at Line: 1, Column: 3".into(),
        );
        assert_eq!(
            syntax(&error),
            "syntax error at line 1, column 3: expected: an SQL statement, found: selec"
        );
        let error =
            ParserError::TokenizerError("Unterminated string literal at Line: 2, Column: 9".into());
        assert_eq!(
            syntax(&error),
            "syntax error at line 2, column 9: unterminated string literal"
        );
    }

    #[test]
    fn of_a_stores_answer_only_what_it_says_is_kept() {
        let xml = "Server returned non-2xx status code: 404 Not Found: <?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><Resource>/x</Resource></Error>";
        assert_eq!(
            storage(xml),
            "NoSuchBucket: The specified bucket does not exist"
        );
        assert_eq!(storage("connection\nrefused"), "connection refused");
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..LISTED + 2).map(|n| format!("c{n}")).collect();
        assert!(list(&names).ends_with("c39 and 2 more"), "{}", list(&names));
    }
}
