//! What is on a disk, what of it was synced, and what a crash leaves.

use std::collections::{BTreeMap, BTreeSet};

/// What a disk writes at once, or tears.
pub(super) const SECTOR: usize = 512;

/// What has which name.
#[derive(Clone)]
pub(super) struct Names<N> {
    pub(super) current: BTreeMap<N, u64>,
    pub(super) durable: BTreeMap<N, u64>,
    pub(super) changes: Vec<BTreeMap<N, u64>>,
}

impl<N> Default for Names<N> {
    fn default() -> Self {
        Self {
            current: BTreeMap::new(),
            durable: BTreeMap::new(),
            changes: Vec::new(),
        }
    }
}

impl<N: Ord + Clone> Names<N> {
    pub(super) fn change(&mut self, change: impl FnOnce(&mut BTreeMap<N, u64>)) {
        change(&mut self.current);
        self.changes.push(self.current.clone());
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.current.clone();
        self.changes.clear();
    }

    pub(super) fn crash(&mut self, coin: &mut Coin) {
        let kept = coin.below(self.changes.len() + 1);
        if kept > 0 {
            self.durable = self.changes.swap_remove(kept - 1);
        }
        self.current = self.durable.clone();
        self.changes.clear();
    }
}

#[derive(Default, Clone)]
pub(super) struct Content {
    pub(super) durable: Vec<u8>,
    pub(super) current: Vec<u8>,
    pub(super) dirty: BTreeSet<usize>,
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

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.current.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let bytes = self.sector(&self.current, sector);
            self.store(sector, &bytes);
        }
    }

    pub(super) fn crash(&mut self, coin: &mut Coin) {
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

/// A small generator, so that a seed replays.
pub(super) struct Coin(pub(super) u64);

impl Coin {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
