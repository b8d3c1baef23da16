//! A disk that forgets what was not synced, for tests of everything that stands
//! on a log. A killed process keeps its page cache and therefore proves little.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, IoSlice};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};

/// What a disk writes at once, or tears.
const SECTOR: usize = 512;

/// A directory in memory whose machine can lose its power.
///
/// A crash keeps everything that was synced and, by the toss of a seeded coin, any
/// part of the rest: whole sectors, torn sectors, lengths, and a prefix of the
/// changes of names. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<Machine>>);

#[derive(Default)]
struct Machine {
    files: HashMap<u64, Content>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    changes: Vec<BTreeMap<String, u64>>,
    made: u64,
    /// Counts restarts; handles of earlier ones are dead.
    boot: u64,
    locked: bool,
    off: bool,
    fail_syncs: u32,
    syncs: u64,
    written: u64,
    short_writes: bool,
    capacity: Option<usize>,
    no_reserve: bool,
    crash_in: Option<u32>,
}

#[derive(Default, Clone)]
struct Content {
    durable: Vec<u8>,
    current: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl SimulatedDisk {
    /// The next `count` syncs fail, and what they should have stored is never
    /// stored by later ones: the system believes that it is clean.
    pub fn fail_syncs(&self, count: u32) {
        self.0.lock().fail_syncs = count;
    }

    /// Writes store only a part of what they are given.
    pub fn short_writes(&self, on: bool) {
        self.0.lock().short_writes = on;
    }

    /// The disk has room for so many bytes in all; none for as many as wanted.
    pub fn capacity(&self, bytes: Option<usize>) {
        self.0.lock().capacity = bytes;
    }

    /// Reserving space does nothing, as on file systems that cannot: the disk is
    /// then full in the middle of a write.
    pub fn no_reserve(&self, on: bool) {
        self.0.lock().no_reserve = on;
    }

    /// The machine loses its power before the next but `operations` change.
    pub fn crash_in(&self, operations: u32) {
        self.0.lock().crash_in = Some(operations);
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.lock().off
    }

    /// How many syncs of contents succeeded.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// How many bytes were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.lock().written
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.lock().used()
    }

    /// The power goes and comes back; faults are gone, and so is what the coin
    /// decides of what was not synced.
    pub fn crash(&self, seed: u64) {
        let mut coin = Coin(seed | 1);
        let mut machine = self.0.lock();
        let kept = coin.below(machine.changes.len() + 1);
        if kept > 0 {
            machine.durable_names = machine.changes[kept - 1].clone();
        }
        machine.names = machine.durable_names.clone();
        let named: BTreeSet<u64> = machine.names.values().copied().collect();
        machine.files.retain(|inode, _| named.contains(inode));
        let mut inodes: Vec<_> = machine.files.iter_mut().collect();
        inodes.sort_unstable_by_key(|(inode, _)| **inode);
        for (_, content) in inodes {
            content.crash(&mut coin);
        }
        *machine = Machine {
            files: std::mem::take(&mut machine.files),
            names: std::mem::take(&mut machine.names),
            durable_names: std::mem::take(&mut machine.durable_names),
            made: machine.made,
            boot: machine.boot + 1,
            syncs: machine.syncs,
            written: machine.written,
            ..Machine::default()
        };
    }

    /// Replaces the contents of a file, or makes it, durably: damage, or a
    /// snapshot.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut machine = self.0.lock();
        machine.made += 1;
        let inode = machine.made;
        let content = Content {
            durable: bytes.clone(),
            current: bytes,
            dirty: BTreeSet::new(),
        };
        machine.files.insert(inode, content);
        machine.names.insert(name.to_owned(), inode);
        machine.durable_names = machine.names.clone();
        machine.changes.clear();
    }

    /// The contents of a file, synced or not.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let machine = self.0.lock();
        let inode = machine.names.get(name)?;
        machine
            .files
            .get(inode)
            .map(|content| content.current.clone())
    }

    /// Removes a file durably, behind the log's back.
    pub fn take(&self, name: &str) {
        let mut machine = self.0.lock();
        machine.names.remove(name);
        machine.durable_names = machine.names.clone();
        machine.changes.clear();
    }
}

impl Content {
    fn sector(&self, bytes: &[u8], sector: usize) -> Vec<u8> {
        let start = (sector * SECTOR).min(bytes.len());
        let end = (start + SECTOR).min(bytes.len());
        bytes[start..end].to_vec()
    }

    fn store(&mut self, sector: usize, bytes: &[u8]) {
        let start = sector * SECTOR;
        let room = self.durable.len().saturating_sub(start).min(bytes.len());
        if room > 0 {
            self.durable[start..start + room].copy_from_slice(&bytes[..room]);
        }
    }

    fn sync(&mut self) {
        self.durable.resize(self.current.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let bytes = self.sector(&self.current, sector);
            self.store(sector, &bytes);
        }
    }

    fn crash(&mut self, coin: &mut Coin) {
        if coin.below(2) == 0 {
            self.durable.resize(self.current.len(), 0);
        }
        // often all or nothing survives, sometimes a mixture
        let mood = coin.below(4);
        for sector in std::mem::take(&mut self.dirty) {
            let bytes = self.sector(&self.current, sector);
            let kept = match (mood, coin.below(3)) {
                (0, _) | (2 | 3, 0) => 0,
                (1, _) | (2, _) | (3, 1) => bytes.len(),
                _ => coin.below(bytes.len() + 1),
            };
            self.store(sector, &bytes[..kept]);
        }
        self.current = self.durable.clone();
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

    fn used(&self) -> usize {
        let named = self.names.values();
        named
            .filter_map(|inode| self.files.get(inode))
            .map(|c| c.current.len())
            .sum()
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

    fn renamed(&mut self) {
        let names = self.names.clone();
        self.changes.push(names);
    }

    fn inode(&self, name: &str) -> io::Result<u64> {
        let inode = self.names.get(name).copied();
        inode.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct Guard(SimulatedDisk, u64);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut machine = self.0.0.lock();
        if machine.boot == self.1 {
            machine.locked = false;
        }
    }
}

impl Disk for SimulatedDisk {
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let mut machine = self.0.lock();
        if machine.locked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        machine.locked = true;
        Ok(Box::new(Guard(self.clone(), machine.boot)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut machine = self.0.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        machine.made += 1;
        let inode = machine.made;
        machine.files.insert(inode, Content::default());
        machine.names.insert(name.to_owned(), inode);
        machine.renamed();
        Ok(Arc::new(Handle(self.clone(), inode, boot)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let machine = self.0.lock();
        machine.alive(machine.boot)?;
        let inode = machine.inode(name)?;
        Ok(Arc::new(Handle(self.clone(), inode, machine.boot)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut machine = self.0.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        let inode = machine.inode(from)?;
        machine.names.remove(from);
        machine.names.insert(to.to_owned(), inode);
        machine.renamed();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut machine = self.0.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        machine.inode(name)?;
        machine.names.remove(name);
        machine.renamed();
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let machine = self.0.lock();
        machine.alive(machine.boot)?;
        Ok(machine.names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut machine = self.0.lock();
        let boot = machine.boot;
        machine.change(boot)?;
        if machine.sync_fails() {
            return Err(io::Error::other("the disk did not store the directory"));
        }
        machine.durable_names = machine.names.clone();
        machine.changes.clear();
        Ok(())
    }
}

struct Handle(SimulatedDisk, u64, u64);

impl Handle {
    fn with<T>(
        &self,
        change: bool,
        act: impl FnOnce(&mut Machine, &mut Content) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut machine = self.0.0.lock();
        if change {
            machine.change(self.2)?;
        }
        machine.alive(self.2)?;
        let mut content = machine.files.remove(&self.1).unwrap_or_default();
        let free = machine.names.values().any(|&inode| inode == self.1);
        // what it has counts as used, although it is out of the table
        let capacity = machine.capacity;
        if free {
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
        self.with(false, |_, content| {
            let start = (offset as usize).min(content.current.len());
            let length = buffer.len().min(content.current.len() - start);
            buffer[..length].copy_from_slice(&content.current[start..start + length]);
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

/// A small generator, so that a seed replays.
struct Coin(u64);

impl Coin {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
