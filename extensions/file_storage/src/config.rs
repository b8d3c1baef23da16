//! Settings of `file_storage`, under upstream's names and defaults.

use std::path::PathBuf;

use pipeline::registry::ExtensionConfig;
use pipeline::{Extension, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, ComponentId, Duration, Validate};

use crate::open::FileStorage;

/// Where queues and dead letters are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The directory. It must exist unless `create_directory` is on.
    pub directory: PathBuf,
    /// Makes the directory when it is missing.
    pub create_directory: bool,
    /// Permissions of a directory that is made, in octal digits.
    pub directory_permissions: String,
    /// How long to wait for another process to let a queue go.
    pub timeout: Duration,
    /// Not used: what is answered was always synced.
    pub fsync: Option<bool>,
    /// Not used: a damaged file is set aside by itself, the rest is kept.
    pub recreate: Option<bool>,
    /// Not used: files that are done with are removed as a whole.
    pub compaction: Compaction,
}

/// `compaction`: accepted, without meaning here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compaction {
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_start: Option<bool>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_rebound: Option<bool>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_transaction_size: Option<ByteSize>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebound_needed_threshold_mib: Option<u64>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebound_trigger_threshold_mib: Option<u64>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_interval: Option<Duration>,
    /// Not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup_on_start: Option<bool>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            directory: PathBuf::from("/var/lib/otelcol/file_storage"),
            create_directory: false,
            directory_permissions: "0750".to_owned(),
            timeout: Duration::from_secs(1),
            fsync: None,
            recreate: None,
            compaction: Compaction::default(),
        }
    }
}

impl Config {
    /// `directory_permissions` as a mode.
    pub(crate) fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.directory_permissions, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.directory.as_os_str().is_empty() {
            at.error("directory", "must not be empty");
        }
        if self.mode().is_none() {
            at.error(
                "directory_permissions",
                "must be octal permissions such as 0750",
            );
        }
        if self.fsync == Some(false) {
            at.warn(
                "fsync",
                "is ignored: data are synced before a sender is answered, and many senders share one sync",
            );
        }
        if self.recreate.is_some() {
            at.warn(
                "recreate",
                "is ignored: unreadable files are set aside by themselves and counted, the rest is kept",
            );
        }
        if self.compaction != Compaction::default() {
            at.warn(
                "compaction",
                "is ignored: space is given back in whole files as soon as they are delivered",
            );
        }
    }
}

impl ExtensionConfig for Config {
    fn build(&self, id: &ComponentId) -> Result<Box<dyn Extension>, StartError> {
        Ok(Box::new(FileStorage::new(self.clone(), id)))
    }
}
