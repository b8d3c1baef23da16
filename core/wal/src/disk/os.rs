//! The disk of the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile};

/// How many parts one `pwritev` takes on every system (`IOV_MAX`).
const PARTS: usize = 1024;

/// Name of the file whose lock keeps a second process out.
const LOCK: &str = "lock";

/// A directory of a real file system.
///
/// Files are made readable for their owner only. The lock is `flock`, which ends
/// with the process and therefore needs no cleaning up after a crash.
#[derive(Debug)]
pub struct OsDisk {
    directory: PathBuf,
    read_only: bool,
}

impl OsDisk {
    /// Uses `directory`, which is made when it is missing.
    pub fn new(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        make_durably(&directory)?;
        Ok(Self {
            directory,
            read_only: false,
        })
    }

    /// Uses `directory` to look only: makes nothing, opens files for reading, and
    /// refuses everything else, the lock as well.
    pub fn read_only(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            read_only: true,
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn open_with(&self, name: &str, options: &mut OpenOptions) -> io::Result<Arc<dyn DiskFile>> {
        let file = options
            .read(true)
            .write(!self.read_only)
            .mode(0o600)
            .open(self.directory.join(name))?;
        Ok(Arc::new(OsFile(file)))
    }

    fn may_change(&self) -> io::Result<()> {
        if self.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }
}

/// Makes a directory and those above it, each with a name that is durable.
fn make_durably(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = parent_of(directory);
    make_durably(parent)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

impl Disk for OsDisk {
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        self.may_change()?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.directory.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.may_change()?;
        self.open_with(name, OpenOptions::new().create(true).truncate(true))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(name, &mut OpenOptions::new())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.may_change()?;
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.may_change()?;
        fs::remove_file(self.directory.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            // a name that is not text is none of ours
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn directory(&self, path: &Path) -> io::Result<Arc<dyn Disk>> {
        self.may_change()?;
        Ok(Arc::new(Self::new(path)?))
    }

    fn has_directory(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(found) => Ok(found.is_dir()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn link(&self, name: &str, directory: &Path) -> io::Result<()> {
        self.may_change()?;
        fs::hard_link(self.directory.join(name), directory.join(name))
    }

    fn rename_directory(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.may_change()?;
        fs::rename(from, to)?;
        File::open(parent_of(to))?.sync_all()?;
        File::open(parent_of(from))?.sync_all()
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.may_change()?;
        fs::remove_dir_all(path)
    }
}

struct OsFile(File);

impl DiskFile for OsFile {
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let parts = &parts[..parts.len().min(PARTS)];
        Ok(rustix::io::pwritev(&self.0, parts, offset)?)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn preallocate(&self, bytes: u64) -> io::Result<()> {
        let none = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&self.0, none, 0, bytes) {
            Ok(()) => Ok(()),
            // some network and overlay file systems cannot: a full disk then shows
            // at the write instead of at the roll, which the log survives as well
            Err(error)
                if error == rustix::io::Errno::OPNOTSUPP || error == rustix::io::Errno::NOSYS =>
            {
                self.0.set_len(bytes)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
