//! Committing files once.
//!
//! delta-rs does not make commits idempotent by itself: when the answer of a commit that landed is
//! lost, it is committed again, or refused as a conflict with itself; and it never compares the
//! versions of application transactions. So after every error the table is read again, and the
//! version that it has for our application id decides.

use std::time::Duration;

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{
    CommitBuilder, CommitConflictError, CommitProperties, TransactionError,
};
use deltalake::kernel::{Action, Add, Transaction as Txn};
use deltalake::protocol::{DeltaOperation, SaveMode};
use lake_layout::PARTITION;

use crate::error::TableError;
use crate::table::{Open, Table, now_millis};

/// Position up to which an application's data are in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who commits: `<log id>/<table>`. One living process at a time.
    pub app_id: String,
    /// Sequence of the last entry that the files cover; rises from commit to commit.
    pub version: i64,
}

/// How a commit ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The files are in this version of the table.
    Committed {
        /// The version.
        version: u64,
    },
    /// The table had the transaction already: now through an answer that was lost, or from before.
    AlreadyCommitted {
        /// The sequence that the table has.
        sequence: i64,
    },
}

/// Commits that are tried at once before the caller is asked to wait.
const ROUNDS: usize = 4;

/// What to do about a commit that did not land.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The table moved on in a way that does not concern the files: the same again.
    Again,
    /// The schema may have changed: compare, then the same again.
    Compare,
    /// Somebody else has our application id.
    Owned,
    /// Lost many races.
    Wait(Duration),
    /// Tell the caller.
    Stop,
}

/// The error table of the reference: matched on types, never on words.
fn next(error: &DeltaTableError) -> Next {
    match error {
        DeltaTableError::Transaction { source } => match source {
            TransactionError::CommitConflict(conflict) => match conflict {
                CommitConflictError::ConcurrentTransaction => Next::Owned,
                CommitConflictError::MetadataChanged => Next::Compare,
                // Once more against the new protocol; delta-rs refuses if it cannot write it.
                CommitConflictError::ProtocolChanged(_) => Next::Compare,
                CommitConflictError::ConcurrentDeleteRead
                | CommitConflictError::ConcurrentDeleteDelete
                | CommitConflictError::ConcurrentAppend => Next::Again,
                _ => Next::Stop,
            },
            TransactionError::MaxCommitAttempts(_) => Next::Wait(Duration::from_secs(2)),
            TransactionError::VersionAlreadyExists(_) => Next::Again,
            _ => Next::Stop,
        },
        DeltaTableError::VersionAlreadyExists(_) => Next::Again,
        _ => Next::Stop,
    }
}

impl Table {
    /// Adds files that are in the store, unless the table has the transaction already.
    ///
    /// May be repeated with the same files after any error: they land once. A commit of no files
    /// only moves the transaction forward.
    ///
    /// # Errors
    /// [`TableError::Retry`] when it did not land and may be tried again, [`TableError::Refused`]
    /// when the table cannot take it, [`TableError::Owned`] when another process uses the id.
    pub async fn commit(
        &self,
        adds: &[Add],
        transaction: &Transaction,
    ) -> Result<Outcome, TableError> {
        let mut open = self.open.lock().await;
        // The next attempt would land on top of what the other one has brought.
        if open.foreign.contains(&transaction.app_id) {
            return Err(self.owned(&open, transaction));
        }
        if let Some(sequence) = self.landed(&mut open, transaction, false).await? {
            return Ok(Outcome::AlreadyCommitted { sequence });
        }
        let mut last = None;
        for _ in 0..ROUNDS {
            let error = match self.attempt(&mut open, adds, Some(transaction)).await {
                Ok(version) => {
                    open.transactions
                        .insert(transaction.app_id.clone(), transaction.version);
                    return Ok(Outcome::Committed { version });
                }
                Err(error) => error,
            };
            tracing::debug!(table = self.name(), error = %error, "commit failed; reading the table again");
            self.reload(&mut open).await?;
            if let Some(sequence) = self.landed(&mut open, transaction, true).await? {
                return Ok(Outcome::AlreadyCommitted { sequence });
            }
            match next(&error) {
                Next::Again => {}
                Next::Compare => self.conform(&mut open).await?,
                Next::Owned => {
                    open.foreign.insert(transaction.app_id.clone());
                    return Err(self.owned(&open, transaction));
                }
                Next::Wait(after) => return Err(self.subject.retry(&error, after)),
                Next::Stop => return Err(self.subject.classify(&error)),
            }
            last = Some(error);
        }
        Err(self.met_others(last))
    }

    fn met_others(&self, last: Option<DeltaTableError>) -> TableError {
        let problem = last.map_or_else(String::new, |error| error.to_string());
        self.subject.retry(
            format!("{ROUNDS} commits in a row met other writers: {problem}"),
            Duration::from_secs(1),
        )
    }

    /// Takes the next version of the table with a commit of nothing.
    ///
    /// What an earlier run has sent may be on its way still: a store carries it out when nobody
    /// waits for the answer any more. It is for one version, which existed or was the next one when it
    /// was sent; so behind this commit it has either landed, and is seen, or never will.
    ///
    /// # Errors
    /// [`TableError::Retry`] and [`TableError::Refused`] as [`commit`](Self::commit).
    pub async fn fence(&self) -> Result<(), TableError> {
        let mut open = self.open.lock().await;
        let mut last = None;
        for _ in 0..ROUNDS {
            let Err(error) = self.attempt(&mut open, &[], None).await else {
                return Ok(());
            };
            self.reload(&mut open).await?;
            match next(&error) {
                Next::Again | Next::Owned => {}
                Next::Compare => self.conform(&mut open).await?,
                Next::Wait(after) => return Err(self.subject.retry(&error, after)),
                Next::Stop => return Err(self.subject.classify(&error)),
            }
            last = Some(error);
        }
        Err(self.met_others(last))
    }

    /// The sequence that the table has for an application id.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn sequence(&self, app_id: &str) -> Result<Option<i64>, TableError> {
        let mut open = self.open.lock().await;
        self.look_up(&mut open, app_id).await
    }

    /// The stored sequence when it is not below the transaction's. In the good case it is known;
    /// looking it up replays all commits since the last checkpoint.
    async fn landed(
        &self,
        open: &mut Open,
        transaction: &Transaction,
        look: bool,
    ) -> Result<Option<i64>, TableError> {
        let known = open.transactions.get(&transaction.app_id).copied();
        let stored = match known {
            Some(sequence) if !look => Some(sequence),
            _ => self.look_up(open, &transaction.app_id).await?,
        };
        Ok(stored.filter(|&sequence| sequence >= transaction.version))
    }

    async fn look_up(&self, open: &mut Open, app_id: &str) -> Result<Option<i64>, TableError> {
        let state = open
            .table
            .snapshot()
            .map_err(|e| self.subject.classify(&e))?;
        let stored = state
            .transaction_version(open.table.log_store().as_ref(), app_id)
            .await
            .map_err(|e| self.subject.classify(&e))?;
        open.transactions
            .insert(app_id.to_owned(), stored.unwrap_or(i64::MIN));
        Ok(stored)
    }

    async fn attempt(
        &self,
        open: &mut Open,
        adds: &[Add],
        transaction: Option<&Transaction>,
    ) -> Result<u64, DeltaTableError> {
        // Checkpoints and clean-up list and read the whole log: they are maintenance's, not a
        // flush's. A hook that failed would also hide a commit that landed.
        let mut properties = CommitProperties::default()
            .with_max_retries(15)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        if let Some(Transaction { app_id, version }) = transaction {
            let txn = Txn::new_with_last_update(app_id, *version, Some(now_millis()));
            properties = properties.with_application_transaction(txn);
        }
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![PARTITION.to_owned()]),
            predicate: None,
        };
        let finished = CommitBuilder::from(properties)
            .with_actions(adds.iter().cloned().map(Action::Add).collect())
            .build(
                Some(open.table.snapshot()?),
                open.table.log_store(),
                operation,
            )
            .await?;
        let version = finished.version();
        open.table.state = Some(finished.snapshot());
        Ok(version)
    }

    fn owned(&self, open: &Open, transaction: &Transaction) -> TableError {
        let stored = open.transactions.get(&transaction.app_id).copied();
        TableError::Owned {
            table: self.name().to_owned(),
            app_id: transaction.app_id.clone(),
            stored: stored.unwrap_or(i64::MIN),
            ours: transaction.version,
        }
    }
}
