//! Where records go that a table cannot hold: lines of JSON in a local file,
//! on stable storage before the commit that passes over them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otlp::Signal;
use settings::ComponentId;

/// Version of the format of a line.
const VERSION: u32 = 1;

/// A file that is made with its first line.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    path: PathBuf,
    exporter: String,
    signal: Signal,
    file: Option<File>,
}

/// One refused part of an entry.
pub(crate) struct Letter<'a> {
    pub(crate) table: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) detail: String,
    pub(crate) payload: &'a otlp::Payload,
    pub(crate) time_unix_nano: u64,
}

impl DeadLetter {
    pub(crate) fn new(directory: PathBuf, exporter: &ComponentId, signal: Signal) -> DeadLetter {
        let exporter = exporter.to_string();
        let name = format!("{}-{}.ndjson", exporter.replace('/', "~"), signal.name());
        DeadLetter {
            path: directory.join(name),
            exporter,
            signal,
            file: None,
        }
    }

    /// Writes letters and waits until they are on stable storage.
    pub(crate) fn write(&mut self, letters: &[Letter<'_>]) -> io::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for letter in letters {
            let payload: Vec<u8> = letter
                .payload
                .segments()
                .flat_map(|segment| segment.iter().copied())
                .collect();
            let line = serde_json::json!({
                "version": VERSION,
                "time_unix_nano": letter.time_unix_nano.to_string(),
                "exporter": self.exporter,
                "table": letter.table,
                "signal": self.signal.name(),
                "items": letter.payload.items(),
                "reason": letter.reason,
                "detail": letter.detail,
                "attempts": 1,
                "payload": STANDARD.encode(payload),
            });
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        let file = self.open()?;
        file.write_all(&lines)?;
        file.sync_data()
    }

    fn open(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                if let Some(directory) = self.path.parent() {
                    fs::create_dir_all(directory)?;
                }
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path)?
            }
        };
        Ok(self.file.insert(file))
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }
}
