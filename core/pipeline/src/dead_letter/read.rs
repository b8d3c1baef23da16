//! Reads letters back, to be sent again.

use std::io::{self, BufRead};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use otlp::{Payload, Signal};
use serde::Deserialize;
use serde_json::Value;

/// A letter as it stands in a file, perhaps repaired by somebody.
#[derive(Debug)]
pub struct ReadLetter {
    /// The line, from 1.
    pub line: usize,
    /// The exporter that it was meant for.
    pub exporter: String,
    /// Why it was refused.
    pub reason: String,
    /// The records.
    pub payload: Payload,
}

/// A line that is no letter.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct UnreadableLetter {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// The letters of a file, in order.
pub struct Letters<R> {
    lines: R,
    line: usize,
    buffer: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    version: u32,
    signal: String,
    #[serde(default)]
    exporter: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    request: Option<Value>,
    #[serde(default)]
    payload: Option<String>,
}

impl<R: BufRead> Letters<R> {
    /// The letters of what `lines` reads.
    pub fn new(lines: R) -> Letters<R> {
        Letters {
            lines,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// The next letter, or what is wrong with its line; none at the end. Empty
    /// lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_next(&mut self) -> io::Result<Option<Result<ReadLetter, UnreadableLetter>>> {
        loop {
            self.buffer.clear();
            if self.lines.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            let line = self.line;
            let read = read(&self.buffer, line);
            return Ok(Some(
                read.map_err(|problem| UnreadableLetter { line, problem }),
            ));
        }
    }
}

fn read(text: &[u8], line: usize) -> Result<ReadLetter, String> {
    let letter: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if !(1..=super::VERSION).contains(&letter.version) {
        return Err(format!(
            "version {} was written by a newer program: this one reads up to {}",
            letter.version,
            super::VERSION
        ));
    }
    let signal = Signal::ALL
        .into_iter()
        .find(|signal| signal.name() == letter.signal);
    let signal = signal.ok_or_else(|| {
        format!(
            "signal \"{}\" is none of logs, traces, metrics",
            letter.signal
        )
    })?;
    let payload = match (letter.request, letter.payload) {
        (Some(request), _) => {
            let text = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
            otlp::json::read(signal, &text).map_err(|error| error.to_string())
        }
        (None, Some(payload)) => from_base64(signal, &payload),
        (None, None) => Err("it has neither request nor payload".to_owned()),
    };
    Ok(ReadLetter {
        line,
        exporter: letter.exporter,
        reason: letter.reason,
        payload: payload?,
    })
}

fn from_base64(signal: Signal, text: &str) -> Result<Payload, String> {
    let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
    Payload::validate(signal, Bytes::from(bytes)).map_err(|error| error.to_string())
}
