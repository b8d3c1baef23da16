//! Builders of the columns that logs, spans and points share.

use std::sync::Arc;

use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, TimestampMicrosecondArray};
use arrow_schema::ArrowError;

use super::Origin;
use super::facts::Facts;
use crate::build::{Maps, Numbers, Text};
use crate::column::timestamp;
use crate::record_id;
use crate::time::EventTime;

#[derive(Default)]
pub(super) struct Head {
    record_id: Text,
    time: Numbers<TimestampMicrosecondType>,
    time_unix_nano: Numbers<Int64Type>,
    ingest: Vec<i64>,
    service_name: Text,
    resource_attributes: Maps,
    resource_schema_url: Text,
    scope_name: Text,
    scope_version: Text,
    scope_attributes: Maps,
}

impl Head {
    pub(super) fn len(&self) -> usize {
        self.time.len()
    }

    pub(super) fn size(&self) -> usize {
        self.record_id.size()
            + self.time.size() * 3
            + self.service_name.size()
            + self.resource_attributes.size()
            + self.resource_schema_url.size()
            + self.scope_name.size()
            + self.scope_version.size()
            + self.scope_attributes.size()
    }

    #[inline]
    pub(super) fn push(&mut self, time: EventTime, index: usize, origin: Origin<'_>) {
        let id = self.record_id.open();
        record_id::push(time.nanos, origin.log_id, origin.sequence, index as u64, id);
        self.record_id.close();
        self.time.push(time.micros());
        self.time_unix_nano.push(time.nanos);
        // A clock behind the year 294,246 would be needed to overflow.
        self.ingest
            .push(i64::try_from(origin.ingest / 1000).unwrap_or(i64::MAX));
    }

    /// Writes what resource and scope say for the rows since the last call.
    pub(super) fn fill(&mut self, facts: &Facts) {
        let times = self.time.len() - self.service_name.len();
        if times == 0 {
            return;
        }
        self.service_name.push_repeated(&facts.service_name, times);
        self.resource_attributes
            .push_repeated(&facts.resource, times);
        self.resource_schema_url
            .push_repeated(&facts.schema_url, times);
        self.scope_name.push_repeated(&facts.scope_name, times);
        self.scope_version
            .push_repeated(&facts.scope_version, times);
        self.scope_attributes.push_repeated(&facts.scope, times);
    }

    /// The columns in the order of the table, without the partition.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let ingest = TimestampMicrosecondArray::from(std::mem::take(&mut self.ingest))
            .with_data_type(timestamp());
        Ok(vec![
            self.record_id.finish()?,
            self.time.finish_as(timestamp()),
            self.time_unix_nano.finish(),
            self.service_name.finish()?,
            self.resource_attributes.finish()?,
            self.resource_schema_url.finish()?,
            self.scope_name.finish()?,
            self.scope_version.finish()?,
            self.scope_attributes.finish()?,
            Arc::new(ingest),
        ])
    }
}
