//! Why the log is our own: the work of a sending queue on it, on redb and on fjall.
//!
//! `wal_choice STORE ENTRY_BYTES CLIENTS SECONDS DIRECTORY`, with STORE `wal`,
//! `redb` or `fjall`. Each client hands over an entry, waits until it is synced, and
//! hands over the next; what was answered is done with and is removed. All three
//! write what waits as one group with one sync: redb and fjall behind a thread that
//! does for them what the log does by itself.
//!
//! Prints entries and MiB a second, CPU milliseconds a thousand entries, and bytes
//! written to the disk for each byte that was accepted (`write_bytes` of
//! `/proc/self/io`, which includes what is compacted until the end).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use redb::{Durability, TableDefinition};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// From this size on fjall keeps values apart from its tree, as its manual advises.
const LARGE: usize = 4096;

/// A place for entries.
trait Store: Send + Sync {
    /// Returns when the entry is on stable storage; what was answered before may be
    /// removed.
    fn append(&self, entry: Bytes) -> Result<()>;
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, bytes, clients, seconds, directory] = &arguments[..] else {
        return Err(
            "usage: wal_choice wal|redb|fjall ENTRY_BYTES CLIENTS SECONDS DIRECTORY".into(),
        );
    };
    let (bytes, clients): (usize, usize) = (bytes.parse()?, clients.parse()?);
    let length = Duration::from_secs(seconds.parse()?);
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory)?;
    let place: Box<dyn Store> = match store.as_str() {
        "wal" => Box::new(Wal::open(&directory)?),
        "redb" => Box::new(Grouped::new(Redb::open(&directory)?)),
        "fjall" => Box::new(Grouped::new(Fjall::open(&directory, bytes)?)),
        other => return Err(format!("no store {other}").into()),
    };
    let (written, busy, begun) = (written_bytes()?, cpu_seconds()?, Instant::now());
    let entries = work(&*place, bytes, clients, length)?;
    let taken = begun.elapsed().as_secs_f64();
    drop(place);
    let busy = cpu_seconds()? - busy;
    let accepted = entries as f64 * bytes as f64;
    let written = (written_bytes()? - written) as f64;
    println!(
        "store={store} entry={bytes} clients={clients} entries={entries} entries_per_s={:.0} mib_per_s={:.1} \
         cpu_ms_per_1000={:.1} written_per_byte={:.2}",
        entries as f64 / taken,
        accepted / taken / f64::from(1 << 20),
        busy * 1e6 / entries as f64,
        written / accepted
    );
    Ok(())
}

/// All clients until the time is over; answers how many entries were accepted.
fn work(store: &dyn Store, bytes: usize, clients: usize, length: Duration) -> Result<u64> {
    // bytes that do not compress, of which each entry is another window
    let noise = noise(16 << 20);
    let (over, entries) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let client = |number: usize| {
            let (noise, over, entries) = (&noise, &over, &entries);
            scope.spawn(move || -> Result<()> {
                let mut at = number * 7919;
                while !over.load(Ordering::Relaxed) {
                    at = (at + bytes + 13) % (noise.len() - bytes);
                    store.append(noise.slice(at..at + bytes))?;
                    entries.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        };
        let clients: Vec<_> = (0..clients).map(client).collect();
        thread::sleep(length);
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
        Ok(entries.load(Ordering::Relaxed))
    })
}

fn noise(length: usize) -> Bytes {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.into()
}

/// What this process has had written to disks.
fn written_bytes() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/io")?;
    let line = text.lines().find_map(|l| l.strip_prefix("write_bytes: "));
    Ok(line.ok_or("no write_bytes in /proc/self/io")?.parse()?)
}

/// User and system time of this process.
fn cpu_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(") ").next().unwrap_or_default();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|n| n.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

struct Wal {
    log: wal::Log,
    cursor: wal::Cursor,
}

impl Wal {
    fn open(directory: &Path) -> Result<Wal> {
        let disk = wal::OsDisk::new(directory)?;
        let observer = |event: &wal::Event| eprintln!("{event}");
        let log = wal::Log::open(Arc::new(disk), wal::Options::default(), Arc::new(observer))?;
        let cursor = log.cursor("consumer", wal::Start::Oldest)?;
        Ok(Wal { log, cursor })
    }
}

impl Store for Wal {
    fn append(&self, entry: Bytes) -> Result<()> {
        let position = self.log.append_and_wait(wal::Append {
            payload: vec![entry],
            ..wal::Append::default()
        })?;
        Ok(self.cursor.acknowledge(position)?)
    }
}

/// A store that takes groups.
trait Backend: Send + 'static {
    /// Adds the entries under `first` and the numbers behind it and removes those in
    /// `gone`, with one sync.
    fn commit(&mut self, first: u64, entries: &[Bytes], gone: std::ops::Range<u64>) -> Result<()>;
}

/// One thread that writes what waits as one group.
struct Grouped {
    door: Option<Sender<(Bytes, SyncSender<bool>)>>,
    writer: Option<thread::JoinHandle<()>>,
}

impl Grouped {
    fn new(backend: impl Backend) -> Grouped {
        let (door, waiting) = mpsc::channel();
        Grouped {
            door: Some(door),
            writer: Some(thread::spawn(move || write(backend, &waiting))),
        }
    }
}

fn write(mut backend: impl Backend, waiting: &Receiver<(Bytes, SyncSender<bool>)>) {
    let (mut first, mut before) = (1, 1);
    while let Ok(one) = waiting.recv() {
        let group = std::iter::once(one).chain(waiting.try_iter());
        let (entries, answers): (Vec<_>, Vec<_>) = group.unzip();
        let done = backend.commit(first, &entries, before..first);
        if let Err(error) = &done {
            eprintln!("{error}");
        }
        (before, first) = (first, first + entries.len() as u64);
        for answer in answers {
            // a client that is gone needs none
            let _ = answer.send(done.is_ok());
        }
    }
}

impl Store for Grouped {
    fn append(&self, entry: Bytes) -> Result<()> {
        let (answer, stored) = mpsc::sync_channel(1);
        let door = self.door.as_ref().ok_or("closed")?;
        door.send((entry, answer))?;
        match stored.recv()? {
            true => Ok(()),
            false => Err("the store refused".into()),
        }
    }
}

impl Drop for Grouped {
    fn drop(&mut self) {
        self.door = None;
        if let Some(writer) = self.writer.take() {
            // it has said what went wrong
            let _ = writer.join();
        }
    }
}

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("queue");

struct Redb(redb::Database);

impl Redb {
    fn open(directory: &Path) -> Result<Redb> {
        let database = redb::Database::create(directory.join("queue.redb"))?;
        Ok(Redb(database))
    }
}

impl Backend for Redb {
    fn commit(&mut self, first: u64, entries: &[Bytes], gone: std::ops::Range<u64>) -> Result<()> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for number in gone {
                table.remove(number)?;
            }
            for (number, entry) in (first..).zip(entries) {
                table.insert(number, &entry[..])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Fjall {
    fn open(directory: &Path, bytes: usize) -> Result<Fjall> {
        let database = Database::builder(directory).open()?;
        let keyspace = database.keyspace("queue", || {
            let apart = (bytes >= LARGE).then(KvSeparationOptions::default);
            KeyspaceCreateOptions::default().with_kv_separation(apart)
        })?;
        Ok(Fjall { database, keyspace })
    }
}

impl Backend for Fjall {
    fn commit(&mut self, first: u64, entries: &[Bytes], gone: std::ops::Range<u64>) -> Result<()> {
        let mut batch = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        for number in gone {
            // each key is written once, so this is enough
            batch.remove_weak(&self.keyspace, number.to_be_bytes());
        }
        for (number, entry) in (first..).zip(entries) {
            batch.insert(&self.keyspace, number.to_be_bytes(), &entry[..]);
        }
        Ok(batch.commit()?)
    }
}
