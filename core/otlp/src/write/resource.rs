//! What stands above the records: resource, scope, and their schemas.

use super::attributes::attribute_methods;
use super::nest::{SMALL, close, open, put_some_bytes, put_some_uint};
use super::nested::Sink;
use crate::wire;

/// Writes the resource of a group of records.
#[derive(Debug)]
pub struct ResourceWriter<'w> {
    pub(super) sink: &'w mut Sink,
    pub(super) schema_url: &'w mut String,
}

impl ResourceWriter<'_> {
    attribute_methods!(1);

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 2, u64::from(count));
    }

    /// Appends a reference to an entity that the resource's attributes describe.
    pub fn entity(&mut self, write: impl FnOnce(&mut EntityWriter<'_>)) {
        let entity = open(&mut self.sink.bytes, 3, SMALL);
        write(&mut EntityWriter {
            out: &mut self.sink.bytes,
        });
        close(&mut self.sink.bytes, entity);
    }

    /// The schema of the resource and everything below it.
    pub fn schema_url(&mut self, url: &str) {
        self.schema_url.clear();
        self.schema_url.push_str(url);
    }
}

/// Writes a reference to an entity.
#[derive(Debug)]
pub struct EntityWriter<'w> {
    out: &'w mut Vec<u8>,
}

impl EntityWriter<'_> {
    /// The schema of the entity's keys.
    pub fn schema_url(&mut self, url: &str) {
        put_some_bytes(self.out, 1, url.as_bytes());
    }

    /// The type of the entity, for example `host`.
    pub fn kind(&mut self, kind: &str) {
        put_some_bytes(self.out, 2, kind.as_bytes());
    }

    /// Appends the key of a resource attribute that is part of the entity's identity.
    pub fn id_key(&mut self, key: &str) {
        wire::put_bytes(self.out, 3, key.as_bytes());
    }

    /// Appends the key of a resource attribute that describes the entity.
    pub fn description_key(&mut self, key: &str) {
        wire::put_bytes(self.out, 4, key.as_bytes());
    }
}

/// Writes the instrumentation scope of a group of records.
#[derive(Debug)]
pub struct ScopeWriter<'w> {
    pub(super) sink: &'w mut Sink,
    pub(super) schema_url: &'w mut String,
}

impl ScopeWriter<'_> {
    attribute_methods!(3);

    /// The name of the library or component that made the records.
    pub fn name(&mut self, name: &str) {
        put_some_bytes(&mut self.sink.bytes, 1, name.as_bytes());
    }

    /// Its version.
    pub fn version(&mut self, version: &str) {
        put_some_bytes(&mut self.sink.bytes, 2, version.as_bytes());
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 4, u64::from(count));
    }

    /// The schema of the records of this scope.
    pub fn schema_url(&mut self, url: &str) {
        self.schema_url.clear();
        self.schema_url.push_str(url);
    }
}
