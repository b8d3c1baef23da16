//! Which parts of a dead letter were replayed, kept beside it.
//!
//! A part is written down before it is sent, so that a replay that was cut off
//! goes on with the same bytes under the same identity, although letters were
//! added to the file since.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// A range of bytes that is replayed as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) pipeline: String,
    pub(super) from: u64,
    pub(super) to: u64,
    /// Digest of the bytes.
    sha1: String,
    /// What a store knows this part by.
    pub(super) id: String,
    pub(super) done: bool,
}

/// What is known of one file.
pub(super) struct Progress {
    file: PathBuf,
    beside: PathBuf,
    parts: Vec<Part>,
}

impl Progress {
    /// Reads what stands beside `file`.
    pub(super) fn load(file: &Path) -> io::Result<Progress> {
        let mut name = file.as_os_str().to_owned();
        name.push(".replayed");
        let beside = PathBuf::from(name);
        let parts = match fs::read(&beside) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                let place = beside.display();
                io::Error::other(format!(
                    "{place} is not readable ({error}); remove it to replay everything"
                ))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Progress {
            file: file.to_owned(),
            beside,
            parts,
        })
    }

    /// What is to be replayed now; none if nothing is left.
    pub(super) fn next(&mut self, pipeline: &str, again: bool) -> io::Result<Option<Part>> {
        let length = fs::metadata(&self.file)?.len();
        let mut own: Vec<Part> = Vec::new();
        for part in self.parts.iter().filter(|part| part.pipeline == pipeline) {
            own.push(part.clone());
        }
        let unchanged = !again && self.is_unchanged(&own, length)?;
        if !unchanged {
            // somebody repaired it, or wants all of it once more
            self.parts.retain(|part| part.pipeline != pipeline);
            own.clear();
        }
        if let Some(open) = own.iter().find(|part| !part.done) {
            return Ok(Some(open.clone()));
        }
        let from = own.last().map_or(0, |part| part.to);
        if from >= length {
            return Ok(None);
        }
        let sha1 = self.digest(from, length)?;
        let unique = match again {
            true => format!("-{}", uuid::Uuid::now_v7().simple()),
            false => String::new(),
        };
        let part = Part {
            pipeline: pipeline.to_owned(),
            from,
            to: length,
            id: format!("{sha1}-{from}{unique}"),
            sha1,
            done: false,
        };
        self.parts.push(part.clone());
        self.store()?;
        Ok(Some(part))
    }

    /// Everything of `part` is delivered.
    pub(super) fn done(&mut self, part: &Part) -> io::Result<()> {
        let found = self.parts.iter_mut().find(|known| known.id == part.id);
        if let Some(known) = found.filter(|known| known.pipeline == part.pipeline) {
            known.done = true;
        }
        self.store()
    }

    fn is_unchanged(&self, parts: &[Part], length: u64) -> io::Result<bool> {
        for part in parts {
            if part.to > length || self.digest(part.from, part.to)? != part.sha1 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn digest(&self, from: u64, to: u64) -> io::Result<String> {
        use std::io::Seek;
        let mut file = File::open(&self.file)?;
        file.seek(io::SeekFrom::Start(from))?;
        let mut rest = BufReader::new(file.take(to - from));
        let (mut digest, mut buffer) = (Sha1::new(), vec![0; 1 << 16]);
        loop {
            match rest.read(&mut buffer)? {
                0 => break,
                read => digest.update(&buffer[..read]),
            }
        }
        let digest = digest.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn store(&self) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.parts)?;
        let temporary = self.beside.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(file: &Path, text: &str) {
        let open = fs::OpenOptions::new().create(true).append(true).open(file);
        open.expect("opens")
            .write_all(text.as_bytes())
            .expect("writes");
    }

    fn next(file: &Path, again: bool) -> Option<Part> {
        let mut progress = Progress::load(file).expect("loads");
        progress.next("logs", again).expect("reads")
    }

    fn finish(file: &Path, part: &Part) {
        let mut progress = Progress::load(file).expect("loads");
        progress.done(part).expect("stores");
    }

    #[test]
    fn what_was_replayed_is_not_replayed_again_and_what_came_since_is() {
        let folder = tempfile::tempdir().expect("makes");
        let file = folder.path().join("a.ndjson");
        append(&file, "one\ntwo\n");
        let first = next(&file, false).expect("all of it");
        assert_eq!((first.from, first.to), (0, 8));
        append(&file, "three\n");
        // cut off: the same bytes under the same name
        assert_eq!(next(&file, false), Some(first.clone()));
        finish(&file, &first);
        let second = next(&file, false).expect("the rest");
        assert_eq!((second.from, second.to), (8, 14));
        finish(&file, &second);
        assert_eq!(next(&file, false), None);
        let again = next(&file, true).expect("all of it");
        assert_eq!((again.from, again.to), (0, 14));
        assert_ne!(again.id, first.id);
    }

    #[test]
    fn a_repaired_file_is_replayed_whole() {
        let folder = tempfile::tempdir().expect("makes");
        let file = folder.path().join("a.ndjson");
        append(&file, "broken\n");
        let first = next(&file, false).expect("all of it");
        finish(&file, &first);
        fs::write(&file, "mended\n").expect("writes");
        let second = next(&file, false).expect("all of it");
        assert_eq!(second.from, 0);
        assert_ne!(second.id, first.id);
    }
}
