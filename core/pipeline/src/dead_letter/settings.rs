//! `dead_letter`, a setting of every exporter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use otlp::Signal;
use serde::{Deserialize, Serialize};
use settings::{At, Validate};

use super::DeadLetter;
use crate::durable::Storage;
use crate::host::Host;
use crate::receiver::StartError;

/// Where refused records are kept: in the directory of a storage extension or in
/// one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// Storage extension; the files are in `dead_letter` of its directory.
    pub storage: Option<String>,
    /// Directory of the files.
    pub directory: Option<PathBuf>,
}

impl DeadLetterSettings {
    /// The setting, with the place that it has when nobody names one: `dead_letter`
    /// in `directory`.
    #[must_use]
    pub fn or_in(&self, directory: &Path) -> DeadLetterSettings {
        let mut settings = self.clone();
        if settings.storage.is_none() && settings.directory.is_none() {
            settings.directory = Some(directory.join("dead_letter"));
        }
        settings
    }

    /// The file of this exporter and signal; none without a place for it.
    ///
    /// # Errors
    /// When the storage extension is not there.
    pub fn open(
        &self,
        exporter: &str,
        signal: Signal,
        host: &Host,
    ) -> Result<Option<Arc<DeadLetter>>, StartError> {
        let directory = match (&self.storage, &self.directory) {
            (Some(id), _) => {
                let storage: Arc<dyn Storage> = host.offers.get(id, "storage")?;
                storage.dead_letter_directory()
            }
            (None, Some(directory)) => directory.clone(),
            (None, None) => return Ok(None),
        };
        Ok(Some(DeadLetter::new(&directory, exporter, signal)))
    }
}

impl Validate for DeadLetterSettings {
    fn validate(&self, at: &mut At<'_>) {
        if self.storage.is_some() && self.directory.is_some() {
            at.error(
                "directory",
                "cannot be combined with storage: set one of them",
            );
        }
    }
}
