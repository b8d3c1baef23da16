//! `pharos query`: SQL over the lake, as one statement or at a prompt.

mod lakes;
mod prompt;
mod statements;

use std::io::{BufWriter, IsTerminal, Read, Write};
use std::thread::available_parallelism;

use lake_sql::{Format, QueryError, Session, SessionSettings};
use tokio::runtime::{Builder, Runtime};

use super::Failure;
use crate::command_line::Query;

/// Bytes of output that are written at once.
const BUFFER: usize = 64 << 10;

pub(super) fn run(arguments: &Query) -> Result<(), Failure> {
    let threads = available_parallelism().map_or(1, usize::from);
    let settings = SessionSettings {
        memory: arguments.memory.as_usize(),
        threads,
    };
    let session = Session::new(lakes::sources(arguments)?, settings);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    let done = match arguments.sql.as_deref() {
        None => return prompt::run(&runtime, &session, arguments),
        Some("-") => {
            let mut sql = String::new();
            let read = std::io::stdin().read_to_string(&mut sql);
            read.map_err(|error| {
                Failure::new(format!(
                    "cannot read the statement from standard input: {error}"
                ))
            })?;
            answer(
                &runtime,
                &session,
                &sql,
                arguments.format,
                arguments.explain,
            )
        }
        Some(sql) => answer(&runtime, &session, sql, arguments.format, arguments.explain),
    };
    // Files that are still being read ahead are nobody's business any more.
    runtime.shutdown_background();
    tolerate(done)
}

/// Runs one statement and prints its answer, or what it would read.
fn answer(
    runtime: &Runtime,
    session: &Session,
    sql: &str,
    format: Format,
    explain: bool,
) -> Result<(), QueryError> {
    let mut out = BufWriter::with_capacity(BUFFER, std::io::stdout());
    if explain {
        let explanation = runtime.block_on(session.explain(sql))?;
        write!(out, "{explanation}")?;
        out.flush()?;
        return Ok(());
    }
    runtime.block_on(async {
        let answer = session.run(sql).await?;
        lake_sql::write(answer, fitted(format), &mut out).await?;
        Ok(())
    })
}

/// A table knows how wide the terminal is, if it is printed to one.
fn fitted(format: Format) -> Format {
    match format {
        Format::Table { .. } if std::io::stdout().is_terminal() => Format::Table {
            width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        },
        other => other,
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn tolerate(done: Result<(), QueryError>) -> Result<(), Failure> {
    match done {
        Err(error) if !error.is_broken_pipe() => Err(Failure::new(error)),
        _ => Ok(()),
    }
}
