//! `pharos queue export`: telemetry out of a queue, without acknowledging it.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use otlp::Payload;
use pipeline::durable::decode;
use wal::{Entries, Read};

use super::places::Place;
use super::{look, print, text};
use crate::command_line::{self, ExportFormat, QueueExport};
use crate::commands::Failure;

/// Bytes of output that are written at once.
const BUFFER: usize = 256 << 10;

/// What came out.
#[derive(Default)]
struct Tally {
    entries: u64,
    items: u64,
    /// Entries that could not be read.
    left_out: u64,
}

pub(super) fn run(place: &Place, arguments: &QueueExport) -> Result<(), Failure> {
    let inspection = look(place)?;
    let entries = match &arguments.exporter {
        None => inspection.entries(0),
        Some(exporter) => inspection
            .entries_of(exporter)
            .ok_or_else(|| place.failure(format_args!("it has no exporter \"{exporter}\"")))?,
    };
    let tally = match &arguments.output {
        None => {
            let out = io::stdout();
            if out.is_terminal() && arguments.format == ExportFormat::Proto {
                return Err(Failure::new(
                    "protobuf is not for terminals: pass --output FILE, or --format json",
                ));
            }
            write(
                place,
                entries,
                arguments.format,
                out.lock(),
                "standard output",
            )?
        }
        Some(path) => {
            let name = path.display().to_string();
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            let file =
                file.map_err(|error| Failure::new(format!("cannot make {name}: {error}")))?;
            write(place, entries, arguments.format, file, &name)?
        }
    };
    if let Some(path) = &arguments.output {
        print(&format!(
            "{}, {} written to {}; the queue is as it was\n",
            text::counted(tally.entries, "entry", "entries"),
            text::counted(tally.items, "item", "items"),
            path.display()
        ))?;
    }
    match tally.left_out {
        0 => Ok(()),
        left_out => Err(place.failure(format_args!(
            "{} could not be read and are not in the output",
            text::counted(left_out, "entry", "entries")
        ))),
    }
}

/// Writes one request after the other. A reader that has seen enough is no
/// failure.
fn write(
    place: &Place,
    mut entries: Entries<'_>,
    format: ExportFormat,
    out: impl Write,
    name: &str,
) -> Result<Tally, Failure> {
    let mut out = BufWriter::with_capacity(BUFFER, out);
    let mut tally = Tally::default();
    let mut json = Vec::new();
    let written = loop {
        let payload = match entries.read().map_err(|error| place.failure(error))? {
            Read::End => break out.flush(),
            Read::Lost(lost) => {
                let range = text::range(lost.from, lost.to);
                command_line::warn(&format!("{range} cannot be read: damaged"));
                tally.left_out += lost.to - lost.from;
                continue;
            }
            Read::Entry(entry) => match decode(entry.tag, &entry.payload) {
                Ok(decoded) => decoded.payload,
                Err(why) => {
                    command_line::warn(&format!("entry {} is left out: {why}", entry.sequence));
                    tally.left_out += 1;
                    continue;
                }
            },
        };
        tally.entries += 1;
        tally.items += payload.items() as u64;
        if let Err(error) = request(&mut out, format, payload, &mut json) {
            break Err(error);
        }
    };
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to {name}: {error}")))
        }
        _ => Ok(tally),
    }
}

/// One request, as upstream's file exporter writes it: behind its length (4 bytes,
/// big endian), or as a line of JSON.
fn request(
    out: &mut impl Write,
    format: ExportFormat,
    payload: Payload,
    json: &mut Vec<u8>,
) -> io::Result<()> {
    match format {
        ExportFormat::Proto => {
            let bytes = payload.into_bytes();
            // an entry has at most 1 GiB
            out.write_all(&(bytes.len() as u32).to_be_bytes())?;
            out.write_all(&bytes)
        }
        ExportFormat::Json => {
            json.clear();
            otlp::json::write(&payload, json);
            json.push(b'\n');
            out.write_all(json)
        }
    }
}
