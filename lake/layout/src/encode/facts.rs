//! What a resource and a scope say: rendered once, copied for their records.

use otlp::{Attributes, Resource, Scope, Value};

use super::Origin;
use crate::build::Maps;
use crate::promote::Promotions;
use crate::reject::Reason;

/// Facts of the resource and scope that are being walked.
#[derive(Default)]
pub(super) struct Facts {
    /// One row: the attributes of the resource.
    pub(super) resource: Maps,
    /// One row: the attributes of the scope.
    pub(super) scope: Maps,
    pub(super) service_name: String,
    pub(super) schema_url: String,
    pub(super) scope_name: String,
    pub(super) scope_version: String,
    resource_refused: Option<Reason>,
    scope_refused: Option<Reason>,
}

impl Facts {
    /// Takes over a resource.
    pub(super) fn set_resource(
        &mut self,
        resource: Resource<'_>,
        schema_url: &str,
        origin: Origin<'_>,
    ) {
        replace(&mut self.schema_url, schema_url);
        self.service_name.clear();
        let mut service = Value::Empty;
        self.resource_refused = row(
            &mut self.resource,
            resource.attributes(),
            origin,
            |key, value| {
                if key == "service.name" {
                    service = value;
                }
            },
        )
        .map(|limit| Reason::TooDeep {
            field: "an attribute of the resource",
            limit,
        });
        // A name that is no text is refused with its resource or rendered.
        let name = &mut self.service_name;
        if crate::value::render(service, origin.max_depth, name).is_err() {
            name.clear();
        }
    }

    /// Takes over a scope.
    pub(super) fn set_scope(&mut self, scope: Scope<'_>, origin: Origin<'_>) {
        replace(&mut self.scope_name, scope.name());
        replace(&mut self.scope_version, scope.version());
        self.scope_refused =
            row(&mut self.scope, scope.attributes(), origin, |_, _| {}).map(|limit| {
                Reason::TooDeep {
                    field: "an attribute of the scope",
                    limit,
                }
            });
    }

    /// Refuses the records of a resource or scope that the table cannot hold.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Reason> {
        match (&self.resource_refused, &self.scope_refused) {
            (None, None) => Ok(()),
            (Some(reason), _) | (_, Some(reason)) => Err(reason.clone()),
        }
    }
}

fn replace(text: &mut String, with: &str) {
    text.clear();
    text.push_str(with);
}

/// Makes `maps` the one row of `attributes`; the limit when they nest too deep, and then the row
/// is empty.
fn row<'a>(
    maps: &mut Maps,
    attributes: Attributes<'a>,
    origin: Origin<'_>,
    each: impl FnMut(&'a str, Value<'a>),
) -> Option<usize> {
    maps.clear();
    if maps.push_row(attributes, origin.max_depth, each).is_ok() {
        return None;
    }
    maps.close();
    Some(origin.max_depth)
}

/// Values for promoted columns: the record's, else the resource's.
pub(super) struct Slots<'a> {
    resource: Vec<Option<Value<'a>>>,
    record: Vec<Option<Value<'a>>>,
}

impl<'a> Slots<'a> {
    pub(super) fn new(promotions: &Promotions) -> Self {
        Self {
            resource: vec![None; promotions.len()],
            record: vec![None; promotions.len()],
        }
    }

    pub(super) fn set_resource(&mut self, attributes: Attributes<'a>, promotions: &Promotions) {
        if promotions.is_empty() {
            return;
        }
        self.resource.fill(None);
        for entry in attributes {
            if let Some(slot) = promotions.find(entry.key) {
                let slot = &mut self.resource[slot];
                *slot = slot.or(Some(entry.value));
            }
        }
    }

    /// Forgets the values of the last record.
    #[inline]
    pub(super) fn start_record(&mut self) {
        self.record.copy_from_slice(&self.resource);
    }

    #[inline]
    pub(super) fn see(&mut self, key: &str, value: Value<'a>, promotions: &Promotions) {
        if let Some(slot) = promotions.find(key) {
            self.record[slot] = Some(value);
        }
    }

    #[inline]
    pub(super) fn values(&self) -> impl Iterator<Item = Option<Value<'a>>> {
        self.record.iter().copied()
    }
}
