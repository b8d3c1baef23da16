//! Bytes of staged files: in memory up to a cap that all files share, beyond it in temporary files.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Bytes that are in one piece in memory, which is also how much is asked for at a time (an upload
/// part). Growing to the size of a file in one piece would copy everything, again and again, into
/// memory that the system has to hand out first, and would hold up to twice the bytes.
pub(crate) const PIECE: usize = 8 << 20;

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

    /// Takes it in any case.
    fn overdraw(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A file that is being written. Writing never fails: where no temporary file can be written, the
/// rest stays in memory, beyond the cap.
pub struct Spill {
    cap: MemoryCap,
    place: Place,
    /// No temporary file could be made, and none is tried again.
    confined: bool,
}

enum Place {
    Memory(Pieces<Vec<u8>>),
    Disk {
        file: File,
        length: u64,
        /// What did not go into the file, behind it.
        rest: Pieces<Vec<u8>>,
    },
}

/// Bytes in pieces of [`PIECE`], but for the last one.
#[derive(Debug)]
pub struct Pieces<B> {
    pieces: Vec<B>,
    length: usize,
}

impl<B> Pieces<B> {
    const fn new() -> Self {
        Self {
            pieces: Vec::new(),
            length: 0,
        }
    }
}

impl Pieces<Vec<u8>> {
    fn append(&mut self, mut data: &[u8]) {
        self.length += data.len();
        while !data.is_empty() {
            let room = match self.pieces.last() {
                Some(last) => PIECE - last.len(),
                None => 0,
            };
            if room == 0 {
                // the first one grows: most files are small
                let capacity = if self.pieces.is_empty() { 0 } else { PIECE };
                self.pieces.push(Vec::with_capacity(capacity));
                continue;
            }
            let (now, later) = data.split_at(room.min(data.len()));
            if let Some(last) = self.pieces.last_mut() {
                last.extend_from_slice(now);
            }
            data = later;
        }
    }

    fn finish(self) -> Pieces<Bytes> {
        Pieces {
            pieces: self.pieces.into_iter().map(Bytes::from).collect(),
            length: self.length,
        }
    }
}

impl Pieces<Bytes> {
    /// Bytes `from..from + length` as far as there are so many, copied only if they
    /// are in more than one piece.
    fn cut(&self, from: u64, length: usize) -> Bytes {
        let start = usize::try_from(from).unwrap_or(usize::MAX).min(self.length);
        let end = start.saturating_add(length).min(self.length);
        if start == end {
            return Bytes::new();
        }
        let (first, last) = (start / PIECE, (end - 1) / PIECE);
        let in_piece = |number: usize| {
            let piece = &self.pieces[number];
            let begin = number * PIECE;
            piece.slice(start.saturating_sub(begin)..piece.len().min(end - begin))
        };
        if first == last {
            return in_piece(first);
        }
        let mut joined = Vec::with_capacity(end - start);
        (first..=last).for_each(|number| joined.extend_from_slice(&in_piece(number)));
        Bytes::from(joined)
    }
}

impl Spill {
    /// An empty file.
    pub fn new(cap: MemoryCap) -> Self {
        Self {
            cap,
            place: Place::Memory(Pieces::new()),
            confined: false,
        }
    }

    /// Bytes that were written.
    pub fn written(&self) -> usize {
        match &self.place {
            Place::Memory(bytes) => bytes.length,
            Place::Disk { length, rest, .. } => {
                usize::try_from(*length).unwrap_or(usize::MAX) + rest.length
            }
        }
    }

    /// The finished bytes.
    pub fn finish(mut self) -> StagedBytes {
        let place = std::mem::replace(&mut self.place, Place::Memory(Pieces::new()));
        match place {
            Place::Memory(bytes) => StagedBytes::Memory {
                charge: self.charge(bytes.length),
                bytes: bytes.finish(),
            },
            Place::Disk { file, length, rest } => StagedBytes::Disk {
                file: Arc::new(file),
                length,
                charge: self.charge(rest.length),
                rest: rest.finish(),
            },
        }
    }

    fn charge(&self, bytes: usize) -> Charge {
        Charge {
            cap: self.cap.clone(),
            bytes,
        }
    }

    /// Moves what is in memory to a temporary file, which vanishes when it is closed.
    fn move_to_disk(&mut self) -> std::io::Result<()> {
        if let Place::Memory(bytes) = &mut self.place {
            let file = tempfile::tempfile_in(&self.cap.directory)?;
            let mut length = 0;
            for piece in &bytes.pieces {
                file.write_all_at(piece, length)?;
                length += piece.len() as u64;
            }
            self.cap.give(bytes.length);
            self.place = Place::Disk {
                file,
                length,
                rest: Pieces::new(),
            };
        }
        Ok(())
    }

    /// Writes behind what the file has; what a failed attempt left there is written over.
    fn append(&mut self, data: &[u8]) {
        match &mut self.place {
            Place::Memory(bytes) => bytes.append(data),
            Place::Disk { file, length, rest } => {
                if rest.length == 0 {
                    match file.write_all_at(data, *length) {
                        Ok(()) => {
                            *length += data.len() as u64;
                            return;
                        }
                        Err(error) => complain(&self.cap, &error),
                    }
                }
                self.cap.overdraw(data.len());
                rest.append(data);
            }
        }
    }
}

fn complain(cap: &MemoryCap, error: &std::io::Error) {
    tracing::warn!(
        directory = %cap.directory.display(),
        %error,
        "A temporary file cannot be written: what it should hold stays in memory."
    );
}

impl Drop for Spill {
    fn drop(&mut self) {
        match &self.place {
            Place::Memory(bytes) | Place::Disk { rest: bytes, .. } => self.cap.give(bytes.length),
        }
    }
}

impl Write for Spill {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        if matches!(self.place, Place::Memory(_)) && !self.cap.take(data.len()) {
            if !self.confined
                && let Err(error) = self.move_to_disk()
            {
                complain(&self.cap, &error);
                self.confined = true;
            }
            if self.confined {
                self.cap.overdraw(data.len());
            }
        }
        self.append(data);
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
        bytes: Pieces<Bytes>,
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
        /// What is behind them in memory, because it could not be written.
        rest: Pieces<Bytes>,
        /// Held for its drop.
        #[allow(dead_code)]
        charge: Charge,
    },
}

impl StagedBytes {
    /// How many.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory { bytes, .. } => bytes.length as u64,
            Self::Disk { length, rest, .. } => *length + rest.length as u64,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes `from..from + length`, without copying when they are in one piece in memory.
    pub(crate) async fn read(&self, from: u64, length: usize) -> std::io::Result<Bytes> {
        match self {
            Self::Memory { bytes, .. } => Ok(bytes.cut(from, length)),
            Self::Disk {
                file,
                length: on_disk,
                rest,
                ..
            } => {
                let here = on_disk.saturating_sub(from).min(length as u64);
                let (file, here) = (file.clone(), usize::try_from(here).unwrap_or(length));
                let read = tokio::task::spawn_blocking(move || read_at(&file, from, here));
                let mut bytes = read.await.map_err(std::io::Error::other)??;
                let behind = (from + here as u64).saturating_sub(*on_disk);
                bytes.extend_from_slice(&rest.cut(behind, length - here));
                Ok(Bytes::from(bytes))
            }
        }
    }
}

fn read_at(file: &File, from: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
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

    #[tokio::test]
    async fn large_files_are_in_pieces_that_read_as_one() {
        let cap = MemoryCap::new(usize::MAX, PathBuf::new());
        let mut spill = Spill::new(cap);
        // a length that no piece is a multiple of
        let block: Vec<u8> = (0..=250).cycle().take(3 << 20 | 7).collect();
        for _ in 0..7 {
            spill.write_all(&block).unwrap();
        }
        let bytes = spill.finish();
        let length = 7 * block.len();
        assert_eq!(bytes.len(), length as u64);
        let expected = block.repeat(7);
        let end = length as u64;
        for (from, length) in [
            (0, PIECE),
            (0, length),
            (PIECE as u64 - 3, 6),
            (PIECE as u64, PIECE),
            (2 * PIECE as u64 - 1, PIECE),
            (end - 5, 9),
            (end, 1),
            (end + 1, 1),
        ] {
            let start = (from as usize).min(expected.len());
            let end = (start + length).min(expected.len());
            assert!(
                bytes.read(from, length).await.unwrap() == expected[start..end],
                "{from} {length}"
            );
        }
    }

    #[tokio::test]
    async fn without_a_temporary_file_it_stays_in_memory_beyond_the_cap() {
        let cap = MemoryCap::new(10, PathBuf::from("/nowhere/at/all"));
        let mut spill = Spill::new(cap.clone());
        spill.write_all(&[1; 8]).unwrap();
        spill.write_all(&[2; 8]).unwrap();
        let bytes = spill.finish();
        assert_eq!(&bytes.read(7, 2).await.unwrap()[..], &[1, 2]);
        assert_eq!(cap.used.load(Ordering::Relaxed), 16);
        drop(bytes);
        assert_eq!(cap.used.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_does_not_fit_on_the_disk_any_more_is_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let cap = MemoryCap::new(0, directory.path().to_owned());
        let mut spill = Spill::new(cap.clone());
        spill.write_all(&[1; 30]).unwrap();
        let Place::Disk { file, .. } = &mut spill.place else {
            panic!("the cap is 0");
        };
        // a file that cannot be written any more, as on a full disk
        *file = File::open(format!(
            "/proc/self/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(file)
        ))
        .unwrap();
        spill.write_all(&[2; 30]).unwrap();
        assert_eq!(
            (spill.written(), cap.used.load(Ordering::Relaxed)),
            (60, 30)
        );
        let bytes = spill.finish();
        assert_eq!(bytes.len(), 60);
        assert_eq!(&bytes.read(29, 2).await.unwrap()[..], &[1, 2]);
        assert_eq!(&bytes.read(58, 9).await.unwrap()[..], &[2, 2]);
        assert_eq!(bytes.read(0, 100).await.unwrap().len(), 60);
        drop(bytes);
        assert_eq!(cap.used.load(Ordering::Relaxed), 0);
    }
}
