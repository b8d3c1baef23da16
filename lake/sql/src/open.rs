//! Opens one table for one statement.

use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::execution::SessionState;
use deltalake::logstore::LogStoreRef;
use deltalake::logstore::object_store::path::Path;

use crate::error::{QueryError, storage};
use crate::parquet;
use crate::source::{Form, TableInfo};

/// What a statement is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Rows: the log is replayed once, with the statement's conditions.
    Rows,
    /// An account of what would be read: all files are listed too.
    Account,
}

/// A data file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Below the table.
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// A table at one version.
pub(crate) struct Opened {
    pub(crate) info: TableInfo,
    pub(crate) provider: Arc<dyn TableProvider>,
    /// Version of a Delta table, for an account.
    pub(crate) version: Option<u64>,
    /// All files, for an account.
    pub(crate) files: Vec<DataFile>,
}

impl Opened {
    /// The table's folder, from the root of its store.
    pub(crate) fn root(&self) -> Path {
        Path::from_url_path(self.info.url.path()).unwrap_or_default()
    }
}

/// Opens the newest version.
pub(crate) async fn open(
    info: TableInfo,
    log_store: LogStoreRef,
    state: &SessionState,
    purpose: Purpose,
) -> Result<Opened, QueryError> {
    let table = info.name.clone();
    let unreadable = |problem: String| QueryError::Table {
        table: table.clone(),
        problem: storage(&problem),
    };
    match info.form {
        Form::Delta => delta(info, log_store, purpose).await.map_err(unreadable),
        Form::Parquet => {
            let (provider, files) = parquet::open(&info, &log_store, state)
                .await
                .map_err(unreadable)?;
            Ok(Opened {
                info,
                provider,
                version: None,
                files,
            })
        }
    }
}

async fn delta(
    info: TableInfo,
    log_store: LogStoreRef,
    purpose: Purpose,
) -> Result<Opened, String> {
    let mut table = DeltaTable::new(log_store);
    let mut files = Vec::new();
    if purpose == Purpose::Account {
        table.load().await.map_err(|error| error.to_string())?;
        let state = table.snapshot().map_err(|error| error.to_string())?;
        files = state
            .snapshot()
            .log_data()
            .iter()
            .map(|file| DataFile {
                path: file.path().into_owned(),
                bytes: u64::try_from(file.size()).unwrap_or(0),
            })
            .collect();
    }
    let version = table.version();
    let provider = table
        .table_provider()
        .build()
        .await
        .map_err(|error| error.strip_backtrace())?;
    Ok(Opened {
        info,
        provider: Arc::new(provider),
        version,
        files,
    })
}
