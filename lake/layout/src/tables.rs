//! The tables of the lake: which columns, in which order, sorted by what.
//!
//! Names and meanings follow the published OpenTelemetry-in-Delta layout of Databricks' Zerobus
//! Ingest where the meaning is the same. Protocol (1,2) types only, so that every Delta reader
//! can read them: no nanosecond timestamps, no timestamps inside structs, no variants.

mod ecs_events;
mod head;
mod otel_logs;
mod otel_metrics;
mod otel_traces;

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};

use crate::column::Column;
use crate::promote::{BadPromotion, Promotion, Promotions};

pub(crate) use ecs_events::{ECS_COLUMNS, EcsKind};
pub(crate) use otel_metrics::{exemplar_fields, quantile_fields};
pub(crate) use otel_traces::{event_fields, link_fields};

/// Version of the layout, stored as the table property `pharos.layoutVersion`. Columns that are
/// only added do not change it.
pub const LAYOUT_VERSION: &str = "1";

/// The partition column of every table: day of the event time, UTC.
pub const PARTITION: &str = "date";

/// The kinds of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One row a log record.
    Logs,
    /// One row a span.
    Traces,
    /// One row a data point, all metric types in one table.
    Metrics,
    /// One row a log record, attributes as flat columns of the Elastic Common Schema.
    EcsEvents,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Traces, Self::Metrics, Self::EcsEvents];

    /// The name a table of this kind has unless the settings say otherwise.
    pub fn default_name(self) -> &'static str {
        match self {
            Self::Logs => "otel_logs",
            Self::Traces => "otel_traces",
            Self::Metrics => "otel_metrics",
            Self::EcsEvents => "ecs_events",
        }
    }

    /// The signal whose records fill the table.
    pub fn signal(self) -> otlp::Signal {
        match self {
            Self::Logs | Self::EcsEvents => otlp::Signal::Logs,
            Self::Traces => otlp::Signal::Traces,
            Self::Metrics => otlp::Signal::Metrics,
        }
    }

    /// What the rows are, for the table's description.
    pub fn description(self) -> &'static str {
        match self {
            Self::Logs => "OpenTelemetry log records and events",
            Self::Traces => "OpenTelemetry spans",
            Self::Metrics => "OpenTelemetry metric data points",
            Self::EcsEvents => "Events in the Elastic Common Schema",
        }
    }

    /// Columns the rows of one row group are sorted by.
    pub fn sort_key(self) -> &'static [&'static str] {
        match self {
            Self::Logs | Self::Traces => &["service_name", "time_unix_nano"],
            Self::Metrics => &["metric_name", "service_name", "time_unix_nano"],
            Self::EcsEvents => &["service_name", "time_unix_nano"],
        }
    }

    fn columns(self) -> Vec<Column> {
        match self {
            Self::Logs => otel_logs::columns(),
            Self::Traces => otel_traces::columns(),
            Self::Metrics => otel_metrics::columns(),
            Self::EcsEvents => ecs_events::columns(),
        }
    }
}

/// One table as it is to be: kind, name and columns, promoted attributes last.
#[derive(Clone, Debug)]
pub struct TableSpec {
    kind: Kind,
    name: String,
    columns: Vec<Column>,
    promotions: Promotions,
    schema: SchemaRef,
    file_schema: SchemaRef,
}

impl TableSpec {
    /// A table of `kind` under its default name, without promoted attributes.
    pub fn new(kind: Kind) -> Self {
        Self::build(kind, kind.default_name().to_owned(), Promotions::default())
    }

    /// The same table under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same table with attributes pulled to columns of their own.
    ///
    /// # Errors
    /// When a column's name is taken or cannot be a column's name, when an attribute is named
    /// twice, and for `ecs_events`, whose columns are fixed.
    pub fn promoting(self, promotions: Vec<Promotion>) -> Result<Self, BadPromotion> {
        if promotions.is_empty() {
            return Ok(self);
        }
        if self.kind == Kind::EcsEvents {
            return Err(BadPromotion::FixedColumns { table: self.name });
        }
        let taken: Vec<&str> = self.columns.iter().map(|c| c.name.as_ref()).collect();
        let promotions = Promotions::new(promotions, &taken)?;
        Ok(Self::build(self.kind, self.name, promotions))
    }

    fn build(kind: Kind, name: String, promotions: Promotions) -> Self {
        let mut columns = kind.columns();
        columns.extend(promotions.columns());
        let schema: SchemaRef = Arc::new(Schema::new(
            columns.iter().map(Column::field).collect::<Vec<_>>(),
        ));
        let file_schema: SchemaRef = Arc::new(Schema::new(
            columns
                .iter()
                .filter(|c| c.name != PARTITION)
                .map(Column::field)
                .collect::<Vec<_>>(),
        ));
        Self {
            kind,
            name,
            columns,
            promotions,
            schema,
            file_schema,
        }
    }

    /// What the table holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Name of the table, and of its folder in the lake.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All columns in order, the partition column among them.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Attributes with columns of their own.
    pub fn promotions(&self) -> &Promotions {
        &self.promotions
    }

    /// Schema of the table.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Schema of a data file: the table's without the partition column, whose value is in the
    /// file's path and in the log.
    pub fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// Columns whose smallest and largest values go into the Delta log.
    pub fn statistics_columns(&self) -> impl Iterator<Item = &str> {
        self.columns
            .iter()
            .filter(|c| c.statistics && c.name != PARTITION)
            .map(|c| c.name.as_ref())
    }
}
