//! `pharos queue`: what waits in the sending queues on disk. Reads the files
//! without their lock, so a collector may run meanwhile; only `purge` needs the
//! queue for itself.

mod describe;
mod export;
mod places;
mod purge;
mod text;
mod verify;

use std::io::{self, ErrorKind, Write};

use wal::Inspection;

use self::places::{Place, Places};
use super::Failure;
use crate::command_line::{Queue, QueueAction};

pub(super) fn run(arguments: &Queue) -> Result<(), Failure> {
    match &arguments.action {
        QueueAction::List(list) => describe::list(&Places::find(&list.source)?, list.format),
        QueueAction::Inspect(inspect) => {
            let places = Places::find(&inspect.source)?;
            let chosen = places.chosen(inspect.queue.as_deref())?;
            describe::inspect(&places, &chosen, inspect.format)
        }
        QueueAction::Verify(verify) => {
            let places = Places::find(&verify.source)?;
            verify::run(&places.chosen(verify.queue.as_deref())?)
        }
        QueueAction::Export(arguments) => {
            let places = Places::find(&arguments.source)?;
            export::run(places.only(arguments.queue.as_deref())?, arguments)
        }
        QueueAction::Purge(arguments) => {
            let places = Places::find(&arguments.source)?;
            purge::run(places.only(Some(&arguments.queue))?, arguments)
        }
    }
}

/// Looks at the files of a queue.
fn look(place: &Place) -> Result<Inspection, Failure> {
    let disk = wal::OsDisk::read_only(&place.directory);
    let found = Inspection::open(std::sync::Arc::new(disk));
    found
        .map_err(|error| place.failure(error))?
        .ok_or_else(|| place.failure("there is no queue in this directory any more"))
}

/// Prints the output of a sub-command; a reader that has seen enough, such as
/// `head`, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}
