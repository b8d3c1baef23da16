//! A disk that forgets what was not synced, for tests of everything that stands
//! on a log. A killed process keeps its page cache and therefore proves little.

mod unsynced;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};
use unsynced::{Coin, Content, Names, SECTOR};

/// A directory in memory whose machine can lose its power.
///
/// A crash keeps everything that was synced and, by the toss of a seeded coin, any
/// part of the rest: whole sectors, torn sectors, lengths, and of each directory
/// a prefix of the changes of names. Clones are the same directory.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    machine: Arc<Mutex<Machine>>,
    /// None for the directory that is always there.
    path: Option<PathBuf>,
}

#[derive(Default)]
struct Machine {
    files: HashMap<u64, Content>,
    /// By number; 0 is always there.
    directories: HashMap<u64, Names<String>>,
    /// The numbers of the others. Together they are one directory.
    paths: Names<PathBuf>,
    made: u64,
    /// Counts restarts; handles of earlier ones are dead.
    boot: u64,
    /// Numbers of directories.
    locked: BTreeSet<u64>,
    off: bool,
    fail_syncs: u32,
    syncs: u64,
    written: u64,
    read: u64,
    short_writes: bool,
    capacity: Option<usize>,
    no_reserve: bool,
    crash_in: Option<u32>,
    panic_at_reads: u32,
}

impl SimulatedDisk {
    /// The next `count` syncs fail, and what they should have stored is never
    /// stored by later ones: the system believes that it is clean.
    pub fn fail_syncs(&self, count: u32) {
        self.machine.lock().fail_syncs = count;
    }

    /// Writes store only a part of what they are given.
    pub fn short_writes(&self, on: bool) {
        self.machine.lock().short_writes = on;
    }

    /// The disk has room for so many bytes in all; none for as many as wanted.
    pub fn capacity(&self, bytes: Option<usize>) {
        self.machine.lock().capacity = bytes;
    }

    /// Reserving space does nothing, as on file systems that cannot: the disk is
    /// then full in the middle of a write.
    pub fn no_reserve(&self, on: bool) {
        self.machine.lock().no_reserve = on;
    }

    /// The machine loses its power before the next but `operations` change.
    pub fn crash_in(&self, operations: u32) {
        self.machine.lock().crash_in = Some(operations);
    }

    /// The next `count` reads panic: a defect in whoever reads.
    pub fn panic_at_reads(&self, count: u32) {
        self.machine.lock().panic_at_reads = count;
    }

    /// How many panics of those asked for are to come.
    #[must_use]
    pub fn panics_left(&self) -> u32 {
        self.machine.lock().panic_at_reads
    }

    /// No fault is left that was asked for.
    pub fn calm(&self) {
        let mut machine = self.machine.lock();
        machine.fail_syncs = 0;
        machine.short_writes = false;
        machine.capacity = None;
        machine.no_reserve = false;
        machine.crash_in = None;
        machine.panic_at_reads = 0;
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.machine.lock().off
    }

    /// How many syncs of contents succeeded.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.machine.lock().syncs
    }

    /// How many bytes were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.machine.lock().written
    }

    /// How many bytes were read.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.machine.lock().read
    }

    /// Bytes of all files, each counted once however many names it has.
    #[must_use]
    pub fn used(&self) -> usize {
        self.machine.lock().used()
    }

    /// The power goes and comes back; faults are gone, and so is what the coin
    /// decides of what was not synced.
    pub fn crash(&self, seed: u64) {
        let mut coin = Coin(seed | 1);
        let mut machine = self.machine.lock();
        let machine = &mut *machine;
        machine.paths.crash(&mut coin);
        let named: BTreeSet<u64> = machine.paths.current.values().copied().collect();
        machine
            .directories
            .retain(|number, _| *number == 0 || named.contains(number));
        let mut directories: Vec<_> = machine.directories.iter_mut().collect();
        directories.sort_unstable_by_key(|(number, _)| **number);
        for (_, names) in directories {
            names.crash(&mut coin);
        }
        let named = machine.named();
        machine.files.retain(|inode, _| named.contains(inode));
        let mut inodes: Vec<_> = machine.files.iter_mut().collect();
        inodes.sort_unstable_by_key(|(inode, _)| **inode);
        for (_, content) in inodes {
            content.crash(&mut coin);
        }
        *machine = Machine {
            files: std::mem::take(&mut machine.files),
            directories: std::mem::take(&mut machine.directories),
            paths: std::mem::take(&mut machine.paths),
            made: machine.made,
            boot: machine.boot + 1,
            syncs: machine.syncs,
            written: machine.written,
            read: machine.read,
            ..Machine::default()
        };
    }

    /// Replaces the contents of a file, or makes it, durably: damage, or a
    /// snapshot. Other names of the file keep what it was.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut machine = self.machine.lock();
        machine.made += 1;
        let inode = machine.made;
        let content = Content {
            durable: bytes.clone(),
            current: bytes,
            dirty: BTreeSet::new(),
        };
        machine.files.insert(inode, content);
        if let Ok(names) = machine.names(self.path.as_deref()) {
            names.current.insert(name.to_owned(), inode);
            names.sync();
        }
    }

    /// The contents of a file, synced or not.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let mut machine = self.machine.lock();
        let inode = machine.inode(self.path.as_deref(), name).ok()?;
        machine
            .files
            .get(&inode)
            .map(|content| content.current.clone())
    }

    /// Removes a file durably, behind the log's back.
    pub fn take(&self, name: &str) {
        let mut machine = self.machine.lock();
        if let Ok(names) = machine.names(self.path.as_deref()) {
            names.current.remove(name);
            names.sync();
        }
    }

    /// Another directory of the same machine, whether it exists or not.
    #[must_use]
    pub fn beside(&self, path: &Path) -> Self {
        Self {
            machine: Arc::clone(&self.machine),
            path: Some(path.to_owned()),
        }
    }

    /// The paths of the other directories.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        let machine = self.machine.lock();
        machine.paths.current.keys().cloned().collect()
    }

    fn handle(&self, inode: u64, boot: u64) -> Arc<dyn DiskFile> {
        Arc::new(Handle(self.clone(), inode, boot))
    }
}

impl Machine {
    /// Every change of the disk comes by here.
    fn change(&mut self, boot: u64) -> io::Result<()> {
        match &mut self.crash_in {
            Some(0) => self.off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.alive(boot)
    }

    fn alive(&self, boot: u64) -> io::Result<()> {
        if self.off || boot != self.boot {
            return Err(io::Error::other("the machine is off"));
        }
        Ok(())
    }

    /// The files that have a name somewhere.
    fn named(&self) -> BTreeSet<u64> {
        let directories = self.directories.values();
        directories
            .flat_map(|names| names.current.values().copied())
            .collect()
    }

    fn used(&self) -> usize {
        let named = self.named();
        let files = named.iter().filter_map(|inode| self.files.get(inode));
        files.map(|c| c.current.len()).sum()
    }

    /// The number of a directory.
    fn number(&self, path: Option<&Path>) -> io::Result<u64> {
        match path {
            None => Ok(0),
            Some(path) => {
                let number = self.paths.current.get(path).copied();
                number.ok_or_else(|| io::ErrorKind::NotFound.into())
            }
        }
    }

    fn names(&mut self, path: Option<&Path>) -> io::Result<&mut Names<String>> {
        let number = self.number(path)?;
        Ok(self.directories.entry(number).or_default())
    }

    /// How much of `more` bytes still fits.
    fn room(&self, more: usize) -> usize {
        match self.capacity {
            None => more,
            Some(capacity) => capacity.saturating_sub(self.used()).min(more),
        }
    }

    fn sync_fails(&mut self) -> bool {
        let fails = self.fail_syncs > 0;
        self.fail_syncs = self.fail_syncs.saturating_sub(1);
        fails
    }

    fn inode(&mut self, path: Option<&Path>, name: &str) -> io::Result<u64> {
        let inode = self.names(path)?.current.get(name).copied();
        inode.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Makes names durable.
    fn sync<N: Ord + Clone>(
        &mut self,
        boot: u64,
        names: impl FnOnce(&mut Self) -> io::Result<&mut Names<N>>,
    ) -> io::Result<()> {
        self.change(boot)?;
        if self.sync_fails() {
            return Err(io::Error::other("the disk did not store the directory"));
        }
        names(self)?.sync();
        Ok(())
    }
}

struct Guard {
    machine: Arc<Mutex<Machine>>,
    boot: u64,
    directory: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut machine = self.machine.lock();
        if machine.boot == self.boot {
            machine.locked.remove(&self.directory);
        }
    }
}

impl Disk for SimulatedDisk {
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let mut machine = self.machine.lock();
        let directory = machine.number(self.path.as_deref())?;
        if !machine.locked.insert(directory) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Guard {
            machine: Arc::clone(&self.machine),
            boot: machine.boot,
            directory,
        }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        machine.made += 1;
        let inode = machine.made;
        machine.names(self.path.as_deref())?.change(|names| {
            names.insert(name.to_owned(), inode);
        });
        machine.files.insert(inode, Content::default());
        Ok(self.handle(inode, boot))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.alive(boot)?;
        let inode = machine.inode(self.path.as_deref(), name)?;
        Ok(self.handle(inode, boot))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        let inode = machine.inode(self.path.as_deref(), from)?;
        machine.names(self.path.as_deref())?.change(|names| {
            names.remove(from);
            names.insert(to.to_owned(), inode);
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        machine.inode(self.path.as_deref(), name)?;
        machine.names(self.path.as_deref())?.change(|names| {
            names.remove(name);
        });
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut machine = self.machine.lock();
        machine.alive(machine.boot)?;
        let names = machine.names(self.path.as_deref())?;
        Ok(names.current.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.sync(boot, |machine| machine.names(self.path.as_deref()))
    }

    fn directory(&self, path: &Path) -> io::Result<Arc<dyn Disk>> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.alive(boot)?;
        if machine.number(Some(path)).is_err() {
            machine.change(boot)?;
            machine.made += 1;
            let number = machine.made;
            machine.directories.insert(number, Names::default());
            machine.paths.change(|paths| {
                paths.insert(path.to_owned(), number);
            });
            machine.sync(boot, |machine| Ok(&mut machine.paths))?;
        }
        Ok(Arc::new(self.beside(path)))
    }

    fn has_directory(&self, path: &Path) -> io::Result<bool> {
        let machine = self.machine.lock();
        machine.alive(machine.boot)?;
        Ok(machine.number(Some(path)).is_ok())
    }

    fn link(&self, name: &str, directory: &Path) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        let inode = machine.inode(self.path.as_deref(), name)?;
        let there = machine.names(Some(directory))?;
        if there.current.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        there.change(|names| {
            names.insert(name.to_owned(), inode);
        });
        Ok(())
    }

    fn rename_directory(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        let number = machine.number(Some(from))?;
        if machine.number(Some(to)).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        machine.paths.change(|paths| {
            paths.remove(from);
            paths.insert(to.to_owned(), number);
        });
        machine.sync(boot, |machine| Ok(&mut machine.paths))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.machine.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        // its files go first, and a crash can come in between
        machine.names(Some(path))?.change(BTreeMap::clear);
        machine.change(boot)?;
        machine.paths.change(|paths| {
            paths.remove(path);
        });
        Ok(())
    }
}

struct Handle(SimulatedDisk, u64, u64);

impl Handle {
    fn panic_if_asked(&self) {
        let mut machine = self.0.machine.lock();
        if machine.panic_at_reads > 0 {
            machine.panic_at_reads -= 1;
            panic!("the test asked for a panic at this read");
        }
    }

    fn with<T>(
        &self,
        change: bool,
        act: impl FnOnce(&mut Machine, &mut Content) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut machine = self.0.machine.lock();
        if change {
            machine.change(self.2)?;
        }
        machine.alive(self.2)?;
        let mut content = machine.files.remove(&self.1).unwrap_or_default();
        // what it has counts as used, although it is out of the table
        let capacity = machine.capacity;
        if capacity.is_some() && machine.named().contains(&self.1) {
            machine.capacity = capacity.map(|c| c.saturating_sub(content.current.len()));
        }
        let done = act(&mut machine, &mut content);
        machine.capacity = capacity;
        machine.files.insert(self.1, content);
        done
    }
}

impl DiskFile for Handle {
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.with(true, |machine, content| {
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            let start = offset as usize;
            let mut length = bytes.len();
            if machine.short_writes && length > 1 {
                length = length / 2 + 1;
            }
            let beyond = (start + length).saturating_sub(content.current.len());
            let room = machine.room(beyond);
            length -= beyond - room;
            if length == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if content.current.len() < start + length {
                content.current.resize(start + length, 0);
            }
            content.current[start..start + length].copy_from_slice(&bytes[..length]);
            content
                .dirty
                .extend(start / SECTOR..=(start + length - 1) / SECTOR);
            machine.written += length as u64;
            Ok(length)
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.panic_if_asked();
        self.with(false, |machine, content| {
            let start = (offset as usize).min(content.current.len());
            let length = buffer.len().min(content.current.len() - start);
            buffer[..length].copy_from_slice(&content.current[start..start + length]);
            machine.read += length as u64;
            Ok(length)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(true, |machine, content| {
            if machine.sync_fails() {
                content.dirty.clear();
                return Err(io::Error::other("the disk did not store the data"));
            }
            content.sync();
            machine.syncs += 1;
            Ok(())
        })
    }

    fn preallocate(&self, bytes: u64) -> io::Result<()> {
        self.with(true, |machine, content| {
            let more = (bytes as usize).saturating_sub(content.current.len());
            if machine.no_reserve {
                return Ok(());
            }
            if machine.room(more) < more {
                return Err(io::ErrorKind::StorageFull.into());
            }
            content.current.resize(content.current.len() + more, 0);
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.with(true, |_, content| {
            let bytes = bytes as usize;
            content.current.resize(bytes, 0);
            content.dirty.retain(|sector| sector * SECTOR < bytes);
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with(false, |_, content| Ok(content.current.len() as u64))
    }
}
