//! What the log asks of a disk, so that tests can give it one that forgets.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

mod os;

pub use os::OsDisk;

/// One directory that belongs to one log.
///
/// Nothing is durable by itself: contents become durable with
/// [`DiskFile::sync_data`], names (created, renamed, removed) with
/// [`Disk::sync_dir`]. The log assumes no order between the two.
pub trait Disk: Send + Sync + 'static {
    /// Takes the directory for this process until the guard is dropped.
    ///
    /// Fails with [`io::ErrorKind::WouldBlock`] when somebody else has it.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;

    /// Makes an empty file, replacing one of that name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing in place.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing `to` atomically.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes names durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Another directory of the same file system, for another log; made with its
    /// parents, durably, when it is missing.
    fn directory(&self, path: &Path) -> io::Result<Arc<dyn Disk>>;

    /// Whether there is a directory at `path`.
    fn has_directory(&self, path: &Path) -> io::Result<bool>;

    /// Gives a file the same name in another directory as well (a hard link): one
    /// file with two names, of which each can be removed.
    fn link(&self, name: &str, directory: &Path) -> io::Result<()>;

    /// Renames a directory to a name that is free; durable when it returns.
    fn rename_directory(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a directory and the files in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: Send + Sync {
    /// Writes the parts one behind the other from `offset` and answers how many
    /// bytes were written, which may be fewer than given.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Reads into `buffer` from `offset`; fewer bytes than asked for are allowed,
    /// none means the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes the contents durable, and the length as far as needed to read them.
    fn sync_data(&self) -> io::Result<()>;

    /// Reserves space for the first `bytes` bytes and makes the file that long;
    /// what was never written reads as zeros.
    fn preallocate(&self, bytes: u64) -> io::Result<()>;

    /// Cuts or extends the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// The length in bytes.
    fn size(&self) -> io::Result<u64>;
}

/// Writes all parts, continuing after short writes.
pub(crate) fn write_all_at(
    file: &dyn DiskFile,
    mut offset: u64,
    mut parts: &mut [IoSlice<'_>],
) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match file.write_at(offset, parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                offset += written as u64;
                IoSlice::advance_slices(&mut parts, written);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends; answers how much was read.
pub(crate) fn read_full_at(
    file: &dyn DiskFile,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(offset + filled as u64, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
