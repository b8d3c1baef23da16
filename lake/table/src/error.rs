//! Errors, shaped by what the caller does next.

use std::time::Duration;

use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use deltalake::logstore::object_store::Error as StoreError;
use deltalake::{DeltaTableError, ObjectStoreError};

/// What went wrong with a table, in one line.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The storage or other writers got in the way: do the same again, with the same files.
    #[error("table `{table}`: {problem}")]
    Retry {
        /// The table.
        table: String,
        /// What happened.
        problem: String,
        /// Not before this time has passed.
        after: Duration,
    },
    /// Nothing changes until a person changes something.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Another process commits under the same log id: stop, or each skips the other's data.
    #[error(
        "table `{table}`: another process commits as `{app_id}` (it is at {stored}, this one at {ours}); two collectors must not share one log id: give each its own storage directory"
    )]
    Owned {
        /// The table.
        table: String,
        /// The application id of the transactions.
        app_id: String,
        /// The sequence that the table has.
        stored: i64,
        /// The sequence that was to be committed.
        ours: i64,
    },
    /// Rows could not be encoded or written to a file; giving the same entries again may only help
    /// when the cause was the disk of the temporary files.
    #[error("table `{table}`: {problem}")]
    Data {
        /// The table.
        table: String,
        /// What happened.
        problem: String,
    },
}

/// Why a table cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A column has another type, is missing, or has a name that we cannot write beside.
    #[error(
        "table `{table}` at {location}: column `{column}`: expected {expected}, found {found}; use another table name or location"
    )]
    ForeignSchema {
        /// The table.
        table: String,
        /// Where it is.
        location: String,
        /// The first column that differs.
        column: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The bucket does not exist.
    #[error("{location}: bucket `{bucket}` does not exist; create it or correct `location`")]
    MissingBucket {
        /// Where the table should be.
        location: String,
        /// The bucket.
        bucket: String,
    },
    /// The directory cannot be written.
    #[error(
        "{path}: cannot write: {problem}; make the directory writable for this user or correct `location`"
    )]
    Unwritable {
        /// The directory.
        path: String,
        /// What the system says.
        problem: String,
    },
    /// No credentials were found.
    #[error(
        "{location}: no credentials: {problem}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role"
    )]
    NoCredentials {
        /// Where the table should be.
        location: String,
        /// What was tried.
        problem: String,
    },
    /// The credentials do not suffice.
    #[error("{location}: access denied: {problem}")]
    Denied {
        /// Where the table is.
        location: String,
        /// What the storage says.
        problem: String,
    },
    /// There are files, but not those of a Delta table.
    #[error(
        "{location} is not a Delta table but holds files (`{file}`); use an empty directory or another location"
    )]
    NotATable {
        /// The location.
        location: String,
        /// One of the files.
        file: String,
    },
    /// The table needs features that this program does not have.
    #[error("table `{table}` at {location} cannot be written by this version: {problem}")]
    Protocol {
        /// The table.
        table: String,
        /// Where it is.
        location: String,
        /// Which feature.
        problem: String,
    },
    /// The location or a storage option makes no sense.
    #[error("{location}: {problem}")]
    Location {
        /// As given.
        location: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Who an error is about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) table: String,
    /// The location as a person wrote it.
    pub(crate) location: String,
}

impl Subject {
    pub(crate) fn retry(&self, problem: impl ToString, after: Duration) -> TableError {
        TableError::Retry {
            table: self.table.clone(),
            problem: one_line(&problem.to_string()),
            after,
        }
    }

    pub(crate) fn data(&self, problem: impl ToString) -> TableError {
        TableError::Data {
            table: self.table.clone(),
            problem: one_line(&problem.to_string()),
        }
    }

    /// The error for a failed storage operation or commit that did not land.
    pub(crate) fn classify(&self, error: &DeltaTableError) -> TableError {
        match error {
            DeltaTableError::ObjectStore { source } => self.storage(source),
            DeltaTableError::Transaction { source } => self.transaction(source),
            DeltaTableError::KernelError(kernel) => self.kernel(kernel),
            DeltaTableError::SchemaMismatch { .. }
            | DeltaTableError::InvalidData { .. }
            | DeltaTableError::Arrow { .. } => self.data(error),
            DeltaTableError::InvalidTableLocation(_) => Refused::Location {
                location: self.location.clone(),
                problem: one_line(&error.to_string()),
            }
            .into(),
            other => self.by_text(other),
        }
    }

    fn kernel(&self, error: &(dyn std::error::Error + 'static)) -> TableError {
        // The kernel wraps the storage's error; look for it in the chain.
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(storage) = error.downcast_ref::<ObjectStoreError>() {
                return self.storage(storage);
            }
            cause = error.source();
        }
        self.by_text(error)
    }

    /// The error for a failed storage operation.
    pub(crate) fn storage(&self, error: &StoreError) -> TableError {
        match error {
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                Refused::Denied {
                    location: self.location.clone(),
                    problem: one_line(&chain(error)),
                }
                .into()
            }
            StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
                Refused::Location {
                    location: self.location.clone(),
                    problem: format!(
                        "the storage lacks conditional writes, without which nothing is stored exactly once: {}",
                        one_line(&chain(error))
                    ),
                }
                .into()
            }
            other => self.by_text(other),
        }
    }

    /// Some causes are only told in words.
    fn by_text(&self, error: &dyn std::error::Error) -> TableError {
        let text = one_line(&chain(error));
        let location = self.location.clone();
        let lower = text.to_lowercase();
        if lower.contains("nosuchbucket") || lower.contains("bucket does not exist") {
            let bucket = bucket_of(&location).to_owned();
            return Refused::MissingBucket { location, bucket }.into();
        }
        if lower.contains("read-only file system") || lower.contains("permission denied") {
            return Refused::Unwritable {
                path: location,
                problem: text,
            }
            .into();
        }
        if lower.contains("accessdenied")
            || lower.contains("invalidaccesskeyid")
            || lower.contains("signaturedoesnotmatch")
        {
            return Refused::Denied {
                location,
                problem: text,
            }
            .into();
        }
        if lower.contains("credential") || lower.contains("169.254.169.254") {
            return Refused::NoCredentials {
                location,
                problem: text,
            }
            .into();
        }
        self.retry(text, Duration::from_secs(1))
    }

    fn transaction(&self, error: &TransactionError) -> TableError {
        match error {
            TransactionError::ObjectStore { source } => self.storage(source),
            TransactionError::UnsupportedTableFeatures(_)
            | TransactionError::TableFeaturesRequired(_)
            | TransactionError::DeltaTableAppendOnly
            | TransactionError::CommitConflict(
                CommitConflictError::ProtocolChanged(_)
                | CommitConflictError::UnsupportedWriterVersion(_)
                | CommitConflictError::UnsupportedReaderVersion(_),
            ) => Refused::Protocol {
                table: self.table.clone(),
                location: self.location.clone(),
                problem: one_line(&error.to_string()),
            }
            .into(),
            other => self.retry(other, Duration::from_secs(1)),
        }
    }
}

/// The bucket in `s3://bucket/prefix`.
fn bucket_of(location: &str) -> &str {
    let rest = location
        .split_once("://")
        .map_or(location, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// The error and its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

fn one_line(text: &str) -> String {
    const LIMIT: usize = 500;
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LIMIT {
        let end = (0..=LIMIT)
            .rev()
            .find(|&i| line.is_char_boundary(i))
            .unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}
