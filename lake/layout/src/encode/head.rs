//! Builders of the columns that logs, spans and points share.
//!
//! What a resource, a scope and an entry say is kept once for all neighbouring records that they
//! said it of, and becomes a value of every row only when the rows leave.

use arrow_array::ArrayRef;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_schema::ArrowError;

use super::Origin;
use super::facts::Facts;
use crate::build::{Maps, Numbers, Order, Ranks, Text, numbers_as, record_ids};
use crate::column::timestamp;
use crate::record_id;
use crate::time::{EventTime, micros};

#[derive(Default)]
pub(super) struct Head {
    time_unix_nano: Numbers<Int64Type>,
    /// Position of the record in its entry.
    index: Vec<u64>,
    /// Position of the row's origin in the columns below.
    source: Vec<usize>,
    sources: Sources,
    /// Bytes that the sources have as values of rows.
    repeated: usize,
}

/// Where rows came from, a row of these builders for each.
#[derive(Default)]
struct Sources {
    /// The part of the record ids that names the entry.
    entry_id: Text,
    ingest_micros: Vec<i64>,
    service_name: Text,
    resource_attributes: Maps,
    resource_schema_url: Text,
    scope_name: Text,
    scope_version: Text,
    scope_attributes: Maps,
}

impl Head {
    pub(super) fn len(&self) -> usize {
        self.time_unix_nano.len()
    }

    pub(super) fn size(&self) -> usize {
        // three times, and 28 bytes of each record id that are not its entry's
        self.len() * (3 * 8 + 28) + self.repeated
    }

    #[inline]
    pub(super) fn push(&mut self, time: EventTime, index: usize) {
        self.time_unix_nano.push(time.nanos);
        self.index.push(index as u64);
    }

    /// Takes note of what resource, scope and entry say of the rows since the last call.
    pub(super) fn fill(&mut self, facts: &Facts, origin: Origin<'_>) {
        let rows = self.len();
        let times = rows - self.source.len();
        if times == 0 {
            return;
        }
        let before = self.sources.size();
        let source = self.sources.push(facts, origin);
        self.repeated += (self.sources.size() - before) * times;
        self.source.resize(rows, source);
    }

    /// Forgets all rows and keeps the room.
    pub(super) fn clear(&mut self) {
        self.time_unix_nano.clear();
        self.index.clear();
        self.source.clear();
        self.sources.clear();
        self.repeated = 0;
    }

    /// What rows are sorted by: the service's rank and the time.
    pub(super) fn sort_keys(&self) -> impl ExactSizeIterator<Item = (u32, i64)> {
        let services = Ranks::of(&self.sources.service_name);
        (0..self.len()).map(move |row| {
            let source = self.source.get(row).copied().unwrap_or_default();
            (services.at(source), self.time_unix_nano.get(row))
        })
    }

    /// The columns in the order of the table, without the partition.
    pub(super) fn gather(&self, order: &Order) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = order.rows();
        let mut ids = record_ids(rows);
        let mut time = Vec::with_capacity(rows);
        let mut ingest = Vec::with_capacity(rows);
        // neighbours of one source, and how many they are
        let mut repeats: Vec<(usize, usize)> = Vec::new();
        for row in order.runs().flatten() {
            let (nanos, source) = (self.time_unix_nano.get(row), self.source[row]);
            let entry_id = self.sources.entry_id.get(source);
            record_id::push(nanos, entry_id, self.index[row], ids.open());
            ids.close();
            time.push(micros(nanos));
            ingest.push(self.sources.ingest_micros[source]);
            match repeats.last_mut() {
                Some((last, times)) if *last == source => *times += 1,
                _ => repeats.push((source, 1)),
            }
        }
        let sources = &self.sources;
        Ok(vec![
            ids.finish(None)?,
            numbers_as::<TimestampMicrosecondType>(time, timestamp()),
            self.time_unix_nano.gather(order),
            sources.service_name.gather_repeated(&repeats)?,
            sources.resource_attributes.gather_repeated(&repeats)?,
            sources.resource_schema_url.gather_repeated(&repeats)?,
            sources.scope_name.gather_repeated(&repeats)?,
            sources.scope_version.gather_repeated(&repeats)?,
            sources.scope_attributes.gather_repeated(&repeats)?,
            numbers_as::<TimestampMicrosecondType>(ingest, timestamp()),
        ])
    }
}

impl Sources {
    /// The position of the new row.
    fn push(&mut self, facts: &Facts, origin: Origin<'_>) -> usize {
        record_id::push_entry(origin.log_id, origin.sequence, self.entry_id.open());
        self.entry_id.close();
        // A clock behind the year 294,246 would be needed to overflow.
        self.ingest_micros
            .push(i64::try_from(origin.ingest / 1000).unwrap_or(i64::MAX));
        self.service_name.push_or_null(&facts.service_name);
        self.resource_attributes.push_only(&facts.resource);
        self.resource_schema_url.push_or_null(&facts.schema_url);
        self.scope_name.push_or_null(&facts.scope_name);
        self.scope_version.push_or_null(&facts.scope_version);
        self.scope_attributes.push_only(&facts.scope);
        self.ingest_micros.len() - 1
    }

    fn size(&self) -> usize {
        self.entry_id.size()
            + self.service_name.size()
            + self.resource_attributes.size()
            + self.resource_schema_url.size()
            + self.scope_name.size()
            + self.scope_version.size()
            + self.scope_attributes.size()
    }

    fn clear(&mut self) {
        self.entry_id.clear();
        self.ingest_micros.clear();
        self.service_name.clear();
        self.resource_attributes.clear();
        self.resource_schema_url.clear();
        self.scope_name.clear();
        self.scope_version.clear();
        self.scope_attributes.clear();
    }
}
