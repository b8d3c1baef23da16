//! Opens logs in the directory.

use std::any::Any;
use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use pipeline::durable::{DurableLog, Storage, escape, unescape};
use pipeline::{Clock, Extension, Host, StartError};
use settings::ComponentId;
use wal::{OpenError, OsDisk};

use crate::config::Config;

/// How often a log is asked for that another process still has.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The extension.
pub(crate) struct FileStorage {
    shared: Arc<Directory>,
}

/// What it offers.
struct Directory {
    config: Config,
    id: String,
    clock: Mutex<Clock>,
    /// Logs that are open, by their directory.
    open: Mutex<HashMap<PathBuf, Arc<DurableLog>>>,
}

impl FileStorage {
    pub(crate) fn new(config: Config, id: &ComponentId) -> FileStorage {
        FileStorage {
            shared: Arc::new(Directory {
                config,
                id: id.to_string(),
                clock: Mutex::default(),
                open: Mutex::default(),
            }),
        }
    }
}

impl Extension for FileStorage {
    fn start(&self, host: Host) -> BoxFuture<'_, Result<(), StartError>> {
        *self.shared.clock.lock() = host.clock;
        Box::pin(std::future::ready(self.shared.prepare()))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        // Logs close when their last user lets them go, which may wait for the disk.
        let open = std::mem::take(&mut *self.shared.open.lock());
        Box::pin(async move {
            let closing = tokio_blocking(move || drop(open));
            closing.await;
        })
    }

    fn offers(&self) -> Vec<Arc<dyn Any + Send + Sync>> {
        let storage: Arc<dyn Storage> = Arc::clone(&self.shared) as Arc<dyn Storage>;
        vec![Arc::new(storage)]
    }
}

async fn tokio_blocking(work: impl FnOnce() + Send + 'static) {
    // a panic in there has been reported by its own thread
    let _ = tokio::task::spawn_blocking(work).await;
}

impl Directory {
    fn fails(&self, path: &Path, why: impl std::fmt::Display) -> StartError {
        StartError::new(format!(
            "extension \"{}\": {}: {why}",
            self.id,
            path.display()
        ))
    }

    /// The directory is there and can be written to.
    fn prepare(&self) -> Result<(), StartError> {
        let directory = &self.config.directory;
        match fs::metadata(directory) {
            Ok(found) if !found.is_dir() => {
                return Err(self.fails(directory, "is no directory"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.config.create_directory {
                    let why = "does not exist: make it, or set create_directory: true";
                    return Err(self.fails(directory, why));
                }
                self.make(directory)?;
            }
            Err(error) => return Err(self.fails(directory, error)),
        }
        let probe = directory.join(".writable");
        let written = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
        written
            .map_err(|error| self.fails(directory, format_args!("cannot be written to: {error}")))
    }

    fn make(&self, directory: &Path) -> Result<(), StartError> {
        let mode = self.config.mode().unwrap_or(0o750);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(directory);
        made.map_err(|error| self.fails(directory, format_args!("cannot be made: {error}")))
    }

    /// The log in `directory`, opened once.
    fn shared_log(&self, directory: PathBuf, name: &str) -> Result<Arc<DurableLog>, StartError> {
        let mut open = self.open.lock();
        if let Some(log) = open.get(&directory) {
            return Ok(Arc::clone(log));
        }
        let log = self.log(&directory, name)?;
        open.insert(directory, Arc::clone(&log));
        Ok(log)
    }

    /// Opens the log in `directory`, waiting for another process to let it go.
    fn log(&self, directory: &Path, name: &str) -> Result<Arc<DurableLog>, StartError> {
        self.make(directory)?;
        let clock = self.clock.lock().clone();
        let begun = Instant::now();
        let timeout: Duration = self.config.timeout.into();
        loop {
            let disk = OsDisk::new(directory).map_err(|error| self.fails(directory, error))?;
            match DurableLog::open(Arc::new(disk), name, clock.clone()) {
                Ok(log) => return Ok(log),
                Err(OpenError::Locked) if begun.elapsed() < timeout => {
                    std::thread::sleep(ASK_EVERY);
                }
                Err(error) => return Err(self.fails(directory, error)),
            }
        }
    }

    /// What an exporter left behind, with the number of the removal.
    fn set_aside_directories(&self, pipeline: &str, exporter: &str) -> Vec<(u32, PathBuf)> {
        let base = escape(exporter);
        let Ok(entries) = fs::read_dir(self.place("set_aside", &[pipeline])) else {
            return Vec::new();
        };
        let number = |name: &str| match name.strip_prefix(&base)? {
            "" => Some(1),
            // an escape has four digits
            later => later
                .strip_prefix('~')
                .filter(|n| n.len() < 4)?
                .parse()
                .ok(),
        };
        let numbered = |entry: fs::DirEntry| {
            let number = number(entry.file_name().to_str()?)?;
            Some((number, entry.path()))
        };
        entries.flatten().filter_map(numbered).collect()
    }

    fn place(&self, kind: &str, names: &[&str]) -> PathBuf {
        let mut place = self.config.directory.join(kind);
        place.extend(names.iter().map(|name| escape(name)));
        place
    }
}

impl Storage for Directory {
    fn queue(&self, pipeline: &str) -> Result<Arc<DurableLog>, StartError> {
        self.shared_log(self.place("queue", &[pipeline]), pipeline)
    }

    fn set_aside(
        &self,
        pipeline: &str,
        exporter: &str,
    ) -> Result<Vec<(Arc<DurableLog>, PathBuf)>, StartError> {
        let mut directories = self.set_aside_directories(pipeline, exporter);
        directories.sort_unstable();
        let logs = directories.into_iter().map(|(_, directory)| {
            let log = self.log(&directory, pipeline)?;
            Ok((log, directory))
        });
        logs.collect()
    }

    fn set_aside_directory(&self, pipeline: &str, exporter: &str) -> PathBuf {
        self.place("set_aside", &[pipeline, exporter])
    }

    fn dead_letter_directory(&self) -> PathBuf {
        self.place("dead_letter", &[])
    }

    fn pipelines(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.config.directory.join("queue")) else {
            return Vec::new();
        };
        let names = entries.flatten().filter(|entry| entry.path().is_dir());
        names
            .filter_map(|entry| unescape(entry.file_name().to_str()?))
            .collect()
    }
}
