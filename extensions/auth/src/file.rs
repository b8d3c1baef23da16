//! A secret in a file that may change while the collector runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;

/// The lines of a file, read again when the file changes. A file that cannot
/// be read keeps what was read before.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    changed: Option<SystemTime>,
    lines: Vec<String>,
}

impl WatchedFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<WatchedFile, String> {
        let lines = lines_of(path)
            .map_err(|error| format!("cannot read \"{}\": {error}", path.display()))?;
        let read = Read {
            changed: changed(path),
            lines,
        };
        Ok(WatchedFile {
            path: path.to_owned(),
            read: Mutex::new(read),
        })
    }

    /// Looks at the lines as they are now.
    pub(crate) fn with_lines<R>(&self, look: impl FnOnce(&[String]) -> R) -> R {
        let mut read = self.read.lock();
        let now = changed(&self.path);
        if now.is_some() && now != read.changed {
            match lines_of(&self.path) {
                Ok(lines) => {
                    *read = Read {
                        changed: now,
                        lines,
                    }
                }
                Err(error) => tracing::warn!(
                    path = %self.path.display(),
                    %error,
                    "Cannot read the changed file; what it said before still counts"
                ),
            }
        }
        look(&read.lines)
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The lines without surrounding blanks; empty ones and comments are left out.
fn lines_of(path: &Path) -> std::io::Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}
