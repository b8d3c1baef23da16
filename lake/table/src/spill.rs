//! Bytes of staged files: in memory up to a cap that all files share, beyond it in temporary files.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// The cap.
#[derive(Clone, Debug)]
pub struct MemoryCap {
    used: Arc<AtomicUsize>,
    limit: usize,
    directory: PathBuf,
}

impl MemoryCap {
    /// At most `limit` bytes in memory; temporary files are made in `directory`.
    pub fn new(limit: usize, directory: PathBuf) -> Self {
        Self {
            used: Arc::new(AtomicUsize::new(0)),
            limit,
            directory,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                Some(used + bytes).filter(|&used| used <= self.limit)
            });
        taken.is_ok()
    }

    fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A file that is being written.
pub struct Spill {
    cap: MemoryCap,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    Disk { file: File, length: u64 },
}

impl Spill {
    /// An empty file.
    pub fn new(cap: MemoryCap) -> Self {
        Self {
            cap,
            place: Place::Memory(Vec::new()),
        }
    }

    /// Bytes that were written.
    pub fn written(&self) -> usize {
        match &self.place {
            Place::Memory(bytes) => bytes.len(),
            Place::Disk { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
        }
    }

    /// The finished bytes.
    pub fn finish(mut self) -> StagedBytes {
        let place = std::mem::replace(&mut self.place, Place::Memory(Vec::new()));
        match place {
            Place::Memory(bytes) => StagedBytes::Memory {
                charge: Charge {
                    cap: self.cap.clone(),
                    bytes: bytes.len(),
                },
                bytes: Bytes::from(bytes),
            },
            Place::Disk { file, length } => StagedBytes::Disk {
                file: Arc::new(file),
                length,
            },
        }
    }

    /// Moves what is in memory to a temporary file, which vanishes when it is closed.
    fn move_to_disk(&mut self) -> std::io::Result<()> {
        if let Place::Memory(bytes) = &mut self.place {
            let mut file = tempfile::tempfile_in(&self.cap.directory)?;
            file.write_all(bytes)?;
            let bytes = std::mem::take(bytes);
            self.cap.give(bytes.len());
            self.place = Place::Disk {
                file,
                length: bytes.len() as u64,
            };
        }
        Ok(())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if let Place::Memory(bytes) = &self.place {
            self.cap.give(bytes.len());
        }
    }
}

impl Write for Spill {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        if matches!(self.place, Place::Memory(_)) && !self.cap.take(data.len()) {
            self.move_to_disk()?;
        }
        match &mut self.place {
            Place::Memory(bytes) => bytes.extend_from_slice(data),
            Place::Disk { file, length } => {
                file.write_all(data)?;
                *length += data.len() as u64;
            }
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Gives memory back to the cap when the bytes are dropped.
#[derive(Debug)]
pub struct Charge {
    cap: MemoryCap,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.cap.give(self.bytes);
    }
}

/// The bytes of a finished file, kept until it is committed.
#[derive(Debug)]
pub enum StagedBytes {
    /// In memory.
    Memory {
        /// All of them.
        bytes: Bytes,
        /// Held for its drop.
        #[allow(dead_code)]
        charge: Charge,
    },
    /// In a temporary file.
    Disk {
        /// It has no name any more.
        file: Arc<File>,
        /// Bytes that were written.
        length: u64,
    },
}

impl StagedBytes {
    /// How many.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory { bytes, .. } => bytes.len() as u64,
            Self::Disk { length, .. } => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes `from..from + length`, without copying when they are in memory.
    pub(crate) async fn read(&self, from: u64, length: usize) -> std::io::Result<Bytes> {
        match self {
            Self::Memory { bytes, .. } => {
                let start = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(length).min(bytes.len());
                Ok(bytes.slice(start..end))
            }
            Self::Disk { file, .. } => {
                let file = file.clone();
                tokio::task::spawn_blocking(move || read_at(&file, from, length))
                    .await
                    .map_err(std::io::Error::other)?
            }
        }
    }
}

fn read_at(mut file: &File, from: u64, length: usize) -> std::io::Result<Bytes> {
    use std::io::Read;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_exceeds_the_cap_goes_to_disk_and_reads_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let cap = MemoryCap::new(100, directory.path().to_owned());
        let mut small = Spill::new(cap.clone());
        small.write_all(&[1; 60]).unwrap();
        let mut large = Spill::new(cap.clone());
        large.write_all(&[2; 30]).unwrap();
        large.write_all(&[3; 30]).unwrap();
        let (small, large) = (small.finish(), large.finish());
        assert!(matches!(small, StagedBytes::Memory { .. }));
        assert!(matches!(large, StagedBytes::Disk { length: 60, .. }));
        assert_eq!(&large.read(29, 2).await.unwrap()[..], &[2, 3]);
        assert_eq!(large.read(58, 100).await.unwrap().len(), 2);
        assert_eq!(cap.used.load(Ordering::Relaxed), 60);
        drop(small);
        assert_eq!(cap.used.load(Ordering::Relaxed), 0);
    }
}
