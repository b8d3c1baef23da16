//! Finished files on their way to their names.

use futures::stream::{self, TryStreamExt};
use lake_table::{Placed, StagedBytes, Storage};
use pipeline::SinkError;

use crate::ledger::{AT_ONCE, Ledger, RecordedFile, sink_error};
use crate::open_files::ClosedFile;

/// How the location is written to.
pub(crate) enum Writer {
    /// For a log that is read again after a restart: all files of a flush, or none.
    Once(Ledger),
    /// For a log that ends with this process: nobody comes back to half a flush.
    Plain(Storage),
}

/// What the paths of files are made of.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The signal's name, and that of the folder below the location.
    pub(crate) signal: &'static str,
    /// The log, and the exporter where one log feeds several.
    pub(crate) origin: String,
}

impl Names {
    /// `logs/year=2026/logs-<origin>-<first>-<last>.parquet`; a second file of the same flush in
    /// the same folder has `-2` behind its last entry.
    fn path(&self, (first, last): (u64, u64), file: &ClosedFile, extension: &str) -> String {
        let Names { signal, origin } = self;
        let folder = match &*file.folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let part = match file.part {
            1 => String::new(),
            part => format!("-{part}"),
        };
        format!("{signal}/{folder}{signal}-{origin}-{first}-{last}{part}.{extension}")
    }
}

/// All files of some neighbouring entries, kept until they have landed.
pub(crate) struct Flush {
    first: u64,
    last: u64,
    files: Vec<FlushFile>,
    decided: bool,
}

struct FlushFile {
    record: RecordedFile,
    bytes: StagedBytes,
    uploaded: bool,
    placed: bool,
}

impl Flush {
    pub(crate) fn new(
        names: &Names,
        range: (u64, u64),
        files: Vec<ClosedFile>,
        extension: &str,
        writer: &Writer,
    ) -> Flush {
        let files = files.into_iter().map(|file| FlushFile {
            record: RecordedFile {
                staged: match writer {
                    Writer::Once(ledger) => ledger.staged_path(),
                    Writer::Plain(_) => String::new(),
                },
                path: names.path(range, &file, extension),
                bytes: file.bytes.len(),
            },
            bytes: file.bytes,
            uploaded: false,
            placed: false,
        });
        Flush {
            first: range.0,
            last: range.1,
            files: files.collect(),
            decided: false,
        }
    }

    /// Brings all files to the location. May be repeated after any error, and goes on where it was.
    ///
    /// # Errors
    /// When one of them is not known to be there.
    pub(crate) async fn land(&mut self, writer: &mut Writer) -> Result<(), SinkError> {
        match writer {
            _ if self.files.is_empty() => Ok(()),
            Writer::Plain(storage) => self.write(storage).await,
            Writer::Once(ledger) => {
                self.stage(ledger.storage()).await?;
                let records: Vec<_> = self.files.iter().map(|file| file.record.clone()).collect();
                if !self.decided {
                    ledger.decide(self.first, self.last, &records).await?;
                    self.decided = true;
                }
                self.place(ledger.storage()).await?;
                ledger.forget(&records).await;
                Ok(())
            }
        }
    }

    async fn write(&mut self, storage: &Storage) -> Result<(), SinkError> {
        let files = self.files.iter_mut().filter(|file| !file.placed);
        stream::iter(files.map(Ok))
            .try_for_each_concurrent(AT_ONCE, |file| async move {
                let written = storage.upload_new(&file.record.path, &file.bytes).await;
                written.map_err(sink_error)?;
                file.placed = true;
                Ok(())
            })
            .await
    }

    async fn stage(&mut self, storage: &Storage) -> Result<(), SinkError> {
        let files = self.files.iter_mut().filter(|file| !file.uploaded);
        stream::iter(files.map(Ok))
            .try_for_each_concurrent(AT_ONCE, |file| async move {
                let staged = storage.upload(&file.record.staged, &file.bytes).await;
                staged.map_err(sink_error)?;
                file.uploaded = true;
                Ok(())
            })
            .await
    }

    async fn place(&mut self, storage: &Storage) -> Result<(), SinkError> {
        let files = self.files.iter_mut().filter(|file| !file.placed);
        stream::iter(files.map(Ok))
            .try_for_each_concurrent(AT_ONCE, |file| async move {
                let RecordedFile { staged, path, .. } = &file.record;
                match storage.copy_new(staged, path).await.map_err(sink_error)? {
                    Placed::New | Placed::Already => file.placed = true,
                    Placed::NoSource => {
                        file.uploaded = false;
                        return Err(SinkError::Later {
                            after: None,
                            why: format!("{staged} was removed by somebody else").into(),
                        });
                    }
                }
                Ok(())
            })
            .await
    }
}
