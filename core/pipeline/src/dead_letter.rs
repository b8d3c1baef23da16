//! Where records go that a destination will never take, so that somebody can
//! look at them, repair them and send them again.
//!
//! One file an exporter and signal, one line of JSON a letter:
//!
//! ```json
//! {"version":2,"time_unix_nano":"1769500000000000000","exporter":"delta","table":"otel_logs",
//!  "signal":"logs","items":1,"reason":"time_out_of_range","detail":"...","attempts":1,
//!  "request":{"resourceLogs":[]}}
//! ```
//!
//! `request` is an OTLP/JSON request. Version 1 had it as base64 of protobuf, in
//! `payload`; it is still read.

mod read;
mod settings;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use otlp::{Payload, Signal};
use parking_lot::Mutex;

pub use read::{Letters, ReadLetter, UnreadableLetter};
pub use settings::DeadLetterSettings;

use crate::durable::escape;
use crate::sink::SinkError;

/// Version of the format of a line.
const VERSION: u32 = 2;

/// The file of one exporter and signal. It is made with its first letter.
#[derive(Debug)]
pub struct DeadLetter {
    path: PathBuf,
    exporter: String,
    signal: Signal,
    file: Mutex<Option<File>>,
}

/// Records that were refused.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The table that refused them, of destinations that have several.
    pub table: Option<String>,
    /// One of a small fixed set of words.
    pub reason: String,
    /// One line for a person.
    pub detail: String,
    /// How often they were tried.
    pub attempts: u32,
    /// The records.
    pub payload: Payload,
}

impl DeadLetter {
    /// The file of `exporter` (its full id) in `directory`.
    pub fn new(directory: &Path, exporter: &str, signal: Signal) -> Arc<DeadLetter> {
        let name = format!("{}-{}.ndjson", escape(exporter), signal.name());
        Arc::new(DeadLetter {
            path: directory.join(name),
            exporter: exporter.to_owned(),
            signal,
            file: Mutex::default(),
        })
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes letters and waits until they are on stable storage. Blocks.
    ///
    /// # Errors
    /// That of the file system. Some of the letters may be in the file then.
    pub fn write(&self, letters: &[Letter], now_unix_nano: u64) -> io::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for letter in letters {
            self.line(letter, now_unix_nano, &mut lines)?;
        }
        let mut file = self.file.lock();
        let open = match file.take() {
            Some(open) => open,
            None => self.open()?,
        };
        let open = file.insert(open);
        open.write_all(&lines)?;
        open.sync_data()
    }

    /// As [`write`](Self::write), for a sink, which must not commit past records that
    /// nobody keeps.
    ///
    /// # Errors
    /// To be tried again, with the name of the file.
    pub fn keep(&self, letters: &[Letter], now_unix_nano: u64) -> Result<(), SinkError> {
        let written = self.write(letters, now_unix_nano);
        written.map_err(|error| SinkError::Later {
            after: None,
            why: format!(
                "cannot write the dead letter {}: {error}",
                self.path.display()
            )
            .into(),
        })
    }

    fn line(&self, letter: &Letter, now_unix_nano: u64, lines: &mut Vec<u8>) -> io::Result<()> {
        let head = serde_json::json!({
            "version": VERSION,
            "time_unix_nano": now_unix_nano.to_string(),
            "exporter": self.exporter,
            "table": letter.table,
            "signal": self.signal.name(),
            "items": letter.payload.items(),
            "reason": letter.reason,
            "detail": letter.detail,
            "attempts": letter.attempts,
        });
        serde_json::to_writer(&mut *lines, &head)?;
        // the request is put in as it is: it is JSON already
        lines.pop();
        lines.extend_from_slice(b",\"request\":");
        otlp::json::write(&letter.payload, lines);
        lines.extend_from_slice(b"}\n");
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        // its name must survive as well as its contents
        File::open(directory)?.sync_all()?;
        Ok(file)
    }
}
