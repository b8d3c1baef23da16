//! What a storage extension offers.

use std::path::PathBuf;
use std::sync::Arc;

use super::log::DurableLog;
use crate::receiver::StartError;

/// Keeps logs in a directory. Offered by `file_storage` as `Arc<dyn Storage>`;
/// exporters name it in `sending_queue::storage` and `dead_letter::storage`.
pub trait Storage: Send + Sync {
    /// The log of a pipeline's queue (`logs/backup`), opened once and then
    /// shared.
    ///
    /// # Errors
    /// One line: the directory cannot be used, another process has the log, a
    /// newer program wrote it.
    fn queue(&self, pipeline: &str) -> Result<Arc<DurableLog>, StartError>;

    /// The logs that an exporter left behind each time it was removed from the
    /// pipeline, the oldest first, with their directories.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    fn set_aside(
        &self,
        pipeline: &str,
        exporter: &str,
    ) -> Result<Vec<(Arc<DurableLog>, PathBuf)>, StartError>;

    /// Where the queue goes that an exporter of this pipeline leaves behind.
    fn set_aside_directory(&self, pipeline: &str, exporter: &str) -> PathBuf;

    /// Where the files of refused records go.
    fn dead_letter_directory(&self) -> PathBuf;

    /// Pipelines that have a log here, configured or not.
    fn pipelines(&self) -> Vec<String>;
}

/// A component's or pipeline's id as the name of a directory: what is not a
/// letter, digit, `.`, `-` or `_` becomes `~` and four hexadecimal digits, as in
/// upstream's file_storage.
pub fn escape(id: &str) -> String {
    use std::fmt::Write as _;
    id.encode_utf16().fold(String::new(), |mut name, unit| {
        match char::from_u32(u32::from(unit)) {
            Some(safe) if safe.is_ascii_alphanumeric() || matches!(safe, '.' | '-' | '_') => {
                name.push(safe);
            }
            // writing into a String does not fail
            _ => drop(write!(name, "~{unit:04X}")),
        }
        name
    })
}

/// The id of which [`escape`] made this name; none if it made no such name.
pub fn unescape(name: &str) -> Option<String> {
    let mut units = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        match first {
            '~' => {
                units.push(u16::from_str_radix(rest.get(1..5)?, 16).ok()?);
                rest = rest.get(5..)?;
            }
            plain => {
                units.push(u16::try_from(u32::from(plain)).ok()?);
                rest = rest.get(plain.len_utf8()..)?;
            }
        }
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn ids_become_names_that_no_file_system_minds() {
        for (id, name) in [
            ("logs/a b", "logs~002Fa~0020b"),
            ("otlp_grpc", "otlp_grpc"),
            ("traces/\u{e9}", "traces~002F~00E9"),
        ] {
            assert_eq!(escape(id), name);
            assert_eq!(unescape(name).as_deref(), Some(id));
        }
        assert_eq!(unescape("a~1"), None);
        assert_eq!(unescape("logs~002Fa~2"), None);
    }
}
