//! OTLP requests one behind the other, as upstream's `file` exporter writes them.

use std::io::Write;

use lake_table::StagedBytes;
use otlp::Payload;

use super::Compressed;

/// A file of requests.
pub(crate) struct OtlpFile {
    out: Compressed,
    /// JSON, a request a line; else protobuf behind its length.
    lines: bool,
    buffer: Vec<u8>,
}

impl OtlpFile {
    pub(super) fn new(lines: bool, out: Compressed) -> OtlpFile {
        OtlpFile {
            out,
            lines,
            buffer: Vec::new(),
        }
    }

    pub(super) fn append(&mut self, payload: &Payload) -> Result<(), String> {
        let written = match self.lines {
            true => self.line(payload),
            false => self.message(payload),
        };
        written.map_err(|error| error.to_string())
    }

    fn line(&mut self, payload: &Payload) -> std::io::Result<()> {
        self.buffer.clear();
        otlp::json::write(payload, &mut self.buffer);
        self.buffer.push(b'\n');
        self.out.write_all(&self.buffer)
    }

    fn message(&mut self, payload: &Payload) -> std::io::Result<()> {
        let length = u32::try_from(payload.size()).map_err(std::io::Error::other)?;
        self.out.write_all(&length.to_be_bytes())?;
        payload
            .segments()
            .try_for_each(|segment| self.out.write_all(segment))
    }

    pub(super) fn written(&self) -> usize {
        self.out.written()
    }

    pub(super) fn finish(self) -> Result<StagedBytes, String> {
        self.out.finish()
    }
}
