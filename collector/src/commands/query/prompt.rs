//! `pharos query` without a statement: a prompt with history, or statements from a pipe.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;

use lake_sql::{Format, QueryError, Session};
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor};
use tokio::runtime::Runtime;

use super::statements::Statements;
use super::{BUFFER, answer, fitted};
use crate::command_line::{self, Query};
use crate::commands::Failure;

const HELP: &str = "\
SQL ends with a semicolon and may have several lines.
.tables          lists the tables
.schema TABLE    lists the columns of a table
.format FORMAT   table, csv, json or ndjson
.help            this text
.quit            leaves, as Ctrl-D does
";

/// Statements that are remembered.
const HISTORY: usize = 1_000;

/// What goes on at the prompt.
struct Prompt<'a> {
    runtime: &'a Runtime,
    session: &'a Session,
    format: Format,
    explain: bool,
    /// Whether a person types.
    interactive: bool,
}

/// What a line leads to.
enum Next {
    Line,
    Quit,
}

/// Reads until the end of the input. Errors are printed and forgotten when a person types; from a
/// pipe the first one is the last.
pub(super) fn run(runtime: &Runtime, session: &Session, arguments: &Query) -> Result<(), Failure> {
    let interactive = std::io::stdin().is_terminal();
    let mut prompt = Prompt {
        runtime,
        session,
        format: arguments.format,
        explain: arguments.explain,
        interactive,
    };
    if !interactive {
        return prompt.pipe();
    }
    let builder = Config::builder().auto_add_history(false);
    let config = builder
        .max_history_size(HISTORY)
        .map_err(Failure::new)?
        .build();
    let mut editor = DefaultEditor::with_config(config).map_err(Failure::new)?;
    let history = history_file();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    command_line::print(&"Pharos query. `.help` helps, `.quit` leaves.\n");
    let done = prompt.read(&mut editor);
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        command_line::warn(&format!(
            "history is not kept in {}: {error}",
            path.display()
        ));
    }
    done
}

impl Prompt<'_> {
    fn read(&mut self, editor: &mut DefaultEditor) -> Result<(), Failure> {
        let mut statements = Statements::default();
        loop {
            let sign = if statements.is_empty() {
                "pharos> "
            } else {
                "   ...> "
            };
            match editor.readline(sign) {
                Ok(line) => {
                    if let Next::Quit = self.line(&line, &mut statements, Some(editor))? {
                        return Ok(());
                    }
                }
                // Ctrl-C forgets what was begun.
                Err(ReadlineError::Interrupted) => drop(statements.take()),
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => {
                    return Err(Failure::new(format!(
                        "cannot read from the terminal: {error}"
                    )));
                }
            }
        }
    }

    fn pipe(&mut self) -> Result<(), Failure> {
        let mut statements = Statements::default();
        for line in std::io::stdin().lines() {
            let line = line.map_err(|error| {
                Failure::new(format!("cannot read from standard input: {error}"))
            })?;
            if let Next::Quit = self.line(&line, &mut statements, None)? {
                return Ok(());
            }
        }
        // The last statement of a pipe needs no semicolon.
        let last = statements.take();
        if last.trim().is_empty() {
            Ok(())
        } else {
            self.settle(answer_of(self, &last))
        }
    }

    fn line(
        &mut self,
        line: &str,
        statements: &mut Statements,
        mut editor: Option<&mut DefaultEditor>,
    ) -> Result<Next, Failure> {
        let mut remember = |text: &str| {
            if let Some(editor) = editor.as_deref_mut() {
                // A history that is full or switched off is no reason to stop.
                let _ = editor.add_history_entry(text);
            }
        };
        if statements.is_empty() && line.trim_start().starts_with('.') {
            remember(line.trim());
            return self.command(line.trim());
        }
        statements.push(line);
        while let Some(statement) = statements.next() {
            remember(&format!("{statement};"));
            let done = answer_of(self, &statement);
            self.settle(done)?;
        }
        Ok(Next::Line)
    }

    fn command(&mut self, line: &str) -> Result<Next, Failure> {
        let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim().trim_end_matches(';');
        let done = match (command.trim_end_matches(';'), rest) {
            (".quit" | ".exit" | ".q", _) => return Ok(Next::Quit),
            (".help", _) => {
                command_line::print(&HELP);
                Ok(())
            }
            (".tables", _) => self.tables(),
            (".schema", "") => Err(QueryError::Failed(
                "write .schema TABLE; .tables lists the tables".to_owned(),
            )),
            (".schema", table) => self.schema(table),
            (".format", format) => match Format::from_str(format) {
                Ok(format) => {
                    self.format = format;
                    Ok(())
                }
                Err(error) => Err(QueryError::Failed(error)),
            },
            (other, _) => Err(QueryError::Failed(format!(
                "unknown command {other}: .help lists the commands"
            ))),
        };
        self.settle(done)?;
        Ok(Next::Line)
    }

    fn tables(&self) -> Result<(), QueryError> {
        let mut out = std::io::stdout();
        for table in self.runtime.block_on(self.session.tables())? {
            writeln!(out, "{} ({})", table.name, table.form.name())?;
        }
        Ok(())
    }

    fn schema(&self, table: &str) -> Result<(), QueryError> {
        let mut out = BufWriter::with_capacity(BUFFER, std::io::stdout());
        let columns = self.runtime.block_on(self.session.columns(table))?;
        let widest = |of: fn(&lake_sql::ColumnInfo) -> &str| {
            columns
                .iter()
                .map(|column| of(column).len())
                .max()
                .unwrap_or(0)
        };
        let (name, kind) = (widest(|column| &column.name), widest(|column| &column.kind));
        for column in &columns {
            let comment = column.comment.as_deref().unwrap_or_default();
            let line = format!("{:name$}  {:kind$}  {comment}", column.name, column.kind);
            writeln!(out, "{}", line.trim_end())?;
        }
        out.flush()?;
        Ok(())
    }

    /// At the prompt an error is said and forgotten.
    fn settle(&self, done: Result<(), QueryError>) -> Result<(), Failure> {
        match done {
            Err(error) if self.interactive && !error.is_broken_pipe() => {
                command_line::complain(&error);
                Ok(())
            }
            done => super::tolerate(done),
        }
    }
}

/// Runs a statement; Ctrl-C stops it and leaves the prompt alone.
fn answer_of(prompt: &Prompt<'_>, sql: &str) -> Result<(), QueryError> {
    if prompt.explain || !prompt.interactive {
        return answer(
            prompt.runtime,
            prompt.session,
            sql,
            prompt.format,
            prompt.explain,
        );
    }
    let mut out = BufWriter::with_capacity(BUFFER, std::io::stdout());
    prompt.runtime.block_on(async {
        let rows = async {
            let answer = prompt.session.run(sql).await?;
            lake_sql::write(answer, fitted(prompt.format), &mut out).await
        };
        tokio::select! {
            done = rows => done.map(drop),
            _ = tokio::signal::ctrl_c() => Err(QueryError::Failed("stopped".to_owned())),
        }
    })
}

/// `pharos/query_history` in the user's directory for data, which is made when it is missing.
fn history_file() -> Option<PathBuf> {
    let data = match std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME").filter(|path| !path.is_empty())?)
            .join(".local/share"),
    };
    let directory = data.join("pharos");
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory.join("query_history"))
}
