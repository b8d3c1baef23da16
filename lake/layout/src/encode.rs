//! OTLP payloads to Arrow batches.

mod days;
mod ecs;
mod facts;
mod head;
mod logs;
mod metrics;
mod traces;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use otlp::Payload;

use crate::reject::{Reason, Rejected, isolate};
use crate::tables::{Kind, TableSpec};
use days::{Days, Rows};
use ecs::EcsRows;
use facts::Facts;
use logs::LogRows;
use metrics::PointRows;
use traces::SpanRows;

/// One entry of the log that feeds the lake.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The telemetry.
    pub payload: &'a Payload,
    /// Position of the entry in its log; part of the record ids.
    pub sequence: u64,
    /// When the collector took the entry, nanoseconds since 1970. Give the time that is stored
    /// with the entry, so that encoding it again gives the same rows.
    pub ingest_time_unix_nano: u64,
}

/// What became of an entry.
#[derive(Debug, Default)]
pub struct Appended {
    /// Rows added.
    pub rows: usize,
    /// Records that the table cannot hold.
    pub rejected: Vec<Rejected>,
    /// Attributes left out because their key was there already.
    pub duplicate_keys: u64,
}

/// Rows of one day, sorted by the table's sort key; one row group of a file.
#[derive(Clone, Debug)]
pub struct DayBatch {
    /// Days since 1970: the value of the partition column, which is not in the batch.
    pub day: i32,
    /// The rows, in the table's file schema.
    pub batch: RecordBatch,
}

/// All rows of one day, sorted by the table's sort key: a row group of a file, in parts.
pub struct RowGroup<'a> {
    /// Days since 1970: the value of the partition column, which is not in the batches.
    pub day: i32,
    /// Rows of all batches.
    pub rows: usize,
    /// The rows, in the table's file schema.
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch, EncodeError>> + 'a>,
}

/// Encoding failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The payload is of another signal.
    #[error("table `{table}` takes {expected}, not {found}")]
    WrongSignal {
        /// The table.
        table: String,
        /// The signal that it takes.
        expected: &'static str,
        /// The signal of the payload.
        found: &'static str,
    },
    /// Arrow refused the columns: an error in this crate, or more than 2 GiB in one column.
    #[error("rows of table `{table}` cannot be assembled: {source}")]
    Arrow {
        /// The table.
        table: String,
        /// What Arrow says.
        source: ArrowError,
    },
}

/// Name of an ECS field for an attribute in OpenTelemetry naming; nothing when it has no other
/// name in ECS.
pub type EcsName = fn(&str) -> Option<&'static str>;

/// Collects the rows of one table.
///
/// Rows stay in column builders until they are taken, so many small entries make one well sorted
/// row group. Records that the table cannot hold leave no trace in it and come back in
/// [`Appended::rejected`].
pub struct Encoder {
    spec: Arc<TableSpec>,
    log_id: String,
    max_depth: usize,
    ecs_name: Option<EcsName>,
    table: Table,
}

enum Table {
    Logs(Writer<LogRows>),
    Traces(Writer<SpanRows>),
    Metrics(Writer<PointRows>),
    Ecs(Writer<EcsRows>),
}

/// Days and facts of one table.
struct Writer<R> {
    spec: Arc<TableSpec>,
    facts: Facts,
    days: Days<R>,
}

impl<R: Rows> Writer<R> {
    fn new(spec: &Arc<TableSpec>) -> Self {
        Self {
            spec: spec.clone(),
            facts: Facts::default(),
            days: Days::new(spec),
        }
    }
}

/// What the rows of an entry need to know beyond the record.
#[derive(Clone, Copy)]
struct Origin<'a> {
    log_id: &'a str,
    sequence: u64,
    ingest: u64,
    max_depth: usize,
    ecs_name: Option<EcsName>,
}

/// Records refused while walking an entry, by position.
type Refused = Vec<(usize, Reason)>;

impl Encoder {
    /// An encoder for `spec`. `log_id` names the log that sequences count in: letters and digits.
    pub fn new(spec: Arc<TableSpec>, log_id: impl Into<String>) -> Self {
        let table = match spec.kind() {
            Kind::Logs => Table::Logs(Writer::new(&spec)),
            Kind::Traces => Table::Traces(Writer::new(&spec)),
            Kind::Metrics => Table::Metrics(Writer::new(&spec)),
            Kind::EcsEvents => Table::Ecs(Writer::new(&spec)),
        };
        Self {
            spec,
            log_id: log_id.into(),
            max_depth: otlp::limits::MAX_VALUE_DEPTH,
            ecs_name: None,
            table,
        }
    }

    /// Refuses records whose values nest deeper than `levels` (a plain text is one level). Without
    /// this the limit is the one that every payload was validated against.
    #[must_use]
    pub fn with_max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels;
        self
    }

    /// How attributes in OpenTelemetry naming find their ECS columns; only `ecs_events` asks.
    /// Without it attributes are taken to be named by ECS.
    #[must_use]
    pub fn with_ecs_names(mut self, names: EcsName) -> Self {
        self.ecs_name = Some(names);
        self
    }

    /// The table.
    pub fn spec(&self) -> &Arc<TableSpec> {
        &self.spec
    }

    /// Adds the records of an entry.
    ///
    /// # Errors
    /// When the payload is of a signal that the table does not take.
    pub fn append(&mut self, entry: Entry<'_>) -> Result<Appended, EncodeError> {
        let signal = self.spec.kind().signal();
        if entry.payload.signal() != signal {
            return Err(EncodeError::WrongSignal {
                table: self.spec.name().to_owned(),
                expected: signal.name(),
                found: entry.payload.signal().name(),
            });
        }
        let origin = Origin {
            log_id: &self.log_id,
            sequence: entry.sequence,
            ingest: entry.ingest_time_unix_nano,
            max_depth: self.max_depth,
            ecs_name: self.ecs_name,
        };
        let mut refused = Refused::new();
        let (records, duplicate_keys) = match &mut self.table {
            Table::Logs(writer) => logs::append(writer, entry.payload, origin, &mut refused),
            Table::Traces(writer) => traces::append(writer, entry.payload, origin, &mut refused),
            Table::Metrics(writer) => metrics::append(writer, entry.payload, origin, &mut refused),
            Table::Ecs(writer) => ecs::append(writer, entry.payload, origin, &mut refused),
        };
        Ok(Appended {
            rows: records - refused.len(),
            rejected: isolate(entry.payload, &refused),
            duplicate_keys,
        })
    }

    /// Rows that were not taken yet.
    pub fn rows(&self) -> usize {
        match &self.table {
            Table::Logs(writer) => writer.days.rows(),
            Table::Traces(writer) => writer.days.rows(),
            Table::Metrics(writer) => writer.days.rows(),
            Table::Ecs(writer) => writer.days.rows(),
        }
    }

    /// Bytes of the rows that were not taken yet, roughly.
    pub fn size(&self) -> usize {
        match &self.table {
            Table::Logs(writer) => writer.days.size(),
            Table::Traces(writer) => writer.days.size(),
            Table::Metrics(writer) => writer.days.size(),
            Table::Ecs(writer) => writer.days.size(),
        }
    }

    /// Takes the days that hold at least `bytes`; 0 takes all.
    ///
    /// # Errors
    /// When Arrow refuses the columns; the rows of that day are lost then, so give the entries
    /// again.
    pub fn take(&mut self, bytes: usize) -> Result<Vec<DayBatch>, EncodeError> {
        let mut taken = Vec::new();
        self.drain(bytes, usize::MAX, |group| {
            let day = group.day;
            for batch in group.batches {
                taken.push(DayBatch { day, batch: batch? });
            }
            Ok(())
        })?;
        Ok(taken)
    }

    /// Hands the days that hold at least `bytes` (0: all) to `each`, one after the other, as
    /// batches of at most `batch_rows` rows. A batch is put together when it is asked for: one
    /// that fits a processor's cache is read from there by whoever writes it.
    ///
    /// # Errors
    /// Those of `each`; the rows of that day are lost then, so give the entries again.
    pub fn drain<E>(
        &mut self,
        bytes: usize,
        batch_rows: usize,
        each: impl FnMut(RowGroup<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.table {
            Table::Logs(writer) => writer.days.drain(bytes, batch_rows, each),
            Table::Traces(writer) => writer.days.drain(bytes, batch_rows, each),
            Table::Metrics(writer) => writer.days.drain(bytes, batch_rows, each),
            Table::Ecs(writer) => writer.days.drain(bytes, batch_rows, each),
        }
    }

    /// Forgets all rows that were not taken, and gives back the room that is kept for new ones.
    pub fn clear(&mut self) {
        match &mut self.table {
            Table::Logs(writer) => writer.days.clear(),
            Table::Traces(writer) => writer.days.clear(),
            Table::Metrics(writer) => writer.days.clear(),
            Table::Ecs(writer) => writer.days.clear(),
        }
    }
}
