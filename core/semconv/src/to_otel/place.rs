//! Fields to their places: who owns a target, and what the loser does.

use otlp::Value;
use otlp::edit::{Arena, LogDraft};
use smallvec::SmallVec;

use super::SCHEMA_URL;
use super::event::{CUSTOM, Event, Field, NOWHERE};
use crate::convert::{Converted, to_field, to_target};
use crate::table::{self, Conversion, Entry, Family, NONE, Placement, Type};

/// How `log.level` was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// There is none, or an empty one.
    Absent,
    /// It became the severity text, with this number or none.
    Given(Option<i32>),
    /// It is several values, or another severity was there already.
    Kept,
}

/// One record on its way.
pub(super) struct Mapping<'m, 'd, 'a> {
    pub(super) log: &'m mut LogDraft<'d, 'a>,
    pub(super) event: &'m Event<'a>,
    pub(super) arena: &'a Arena,
    /// Attributes that are owned, by the index of their entry.
    placed: SmallVec<[(u16, Value<'a>); 24]>,
    /// What goes to the resource.
    resource: SmallVec<[(&'a str, Value<'a>); 16]>,
    /// Whether the resource had attributes before; asked for once.
    base: Option<bool>,
    pub(super) level: Level,
    /// The HTTP version was placed, so the protocol's name is known.
    pub(super) http_version: bool,
}

impl<'m, 'd, 'a> Mapping<'m, 'd, 'a> {
    pub(super) fn new(log: &'m mut LogDraft<'d, 'a>, event: &'m Event<'a>) -> Self {
        let arena = log.arena();
        Mapping {
            log,
            event,
            arena,
            placed: SmallVec::new(),
            resource: SmallVec::new(),
            base: None,
            level: Level::Absent,
            http_version: false,
        }
    }

    /// Steps 3 to 6 of the mapping.
    pub(super) fn run(&mut self) {
        let event = self.event;
        if event.seen.customs {
            for field in event.fields.iter().filter(|field| field.rank == CUSTOM) {
                self.custom(field);
            }
        }
        let mut ranks = event.seen.ranks;
        while ranks != 0 {
            let rank = ranks.trailing_zeros() as u8;
            ranks &= ranks - 1;
            for field in event.fields.iter().filter(|field| field.rank == rank) {
                self.field(field);
            }
        }
        self.container_labels();
        self.dotted_points();
        self.derive();
        self.move_to_resource();
    }

    #[inline]
    fn field(&mut self, field: &Field<'a>) {
        let entry = table::entry(field.index);
        let kind = match entry.conversion {
            Conversion::Keep => return self.keep(field, entry),
            Conversion::Any => Type::Any,
            Conversion::String => Type::String,
            Conversion::Int => Type::Int,
            Conversion::Double => Type::Double,
            Conversion::Bool => Type::Bool,
            Conversion::Date => Type::Date,
            Conversion::Strings => Type::Strings,
            _ => return self.special(field, entry),
        };
        if entry.rank == 2 && entry.name.starts_with("source.geo.") && self.client_has_geo() {
            return self.keep(field, entry);
        }
        self.place(field, entry, to_target(self.arena, field.value, kind));
    }

    /// A field without a row.
    fn custom(&mut self, field: &Field<'a>) {
        let mut placement = Placement::Record;
        if let Some(entry) = field.entry() {
            placement = entry.placement;
            if entry.target != NONE {
                self.placed.push((field.index, field.value));
            }
        }
        match field.family {
            Family::Resource => placement = Placement::Resource,
            Family::Label => {
                let converted = to_field(self.arena, field.value, Type::String);
                let value = converted.value(field.value).unwrap_or(field.value);
                return self.write(field, field.key, Placement::Record, value, converted);
            }
            Family::ContainerLabel | Family::Point(_) => return,
            Family::Custom => {}
        }
        self.write_own(field, placement, field.value, Converted::Same);
    }

    /// Gives a converted value to the target of its row, or keeps the field when it cannot have it.
    #[inline]
    pub(super) fn place(
        &mut self,
        field: &Field<'a>,
        entry: &'static Entry,
        converted: Converted<'a>,
    ) {
        let Some(value) = converted.value(field.value) else {
            return self.keep(field, entry);
        };
        match self.owner(entry.target) {
            None => {
                self.placed.push((entry.target, value));
                let target = table::entry(entry.target).name;
                self.write(field, target, entry.placement, value, converted);
            }
            Some(there) if there == value => self.remove(field),
            Some(_) => self.keep(field, entry),
        }
    }

    /// The value that has an attribute already, on the record or on the resource that the record came with.
    #[inline]
    pub(super) fn owner(&mut self, target: u16) -> Option<Value<'a>> {
        if let Some((_, value)) = self.placed.iter().find(|(owned, _)| *owned == target) {
            return Some(*value);
        }
        let target = table::entry(target);
        if target.placement == Placement::Resource {
            self.on_resource(target.name)
        } else {
            None
        }
    }

    /// What the resource had before.
    pub(super) fn on_resource(&mut self, name: &str) -> Option<Value<'a>> {
        let base = match self.base {
            Some(base) => base,
            None => !self.log.resource_attributes().is_empty(),
        };
        self.base = Some(base);
        if base {
            self.log.resource_attributes().get(name)
        } else {
            None
        }
    }

    /// Writes an attribute that no field of its own stands for, when it is still free.
    pub(super) fn fill(&mut self, target: u16, value: Value<'a>) {
        if self.owner(target).is_some() {
            return;
        }
        let entry = table::entry(target);
        self.placed.push((target, value));
        match entry.placement {
            Placement::Resource => self.resource.push((entry.name, value)),
            Placement::Record => self.log.attributes().set(entry.name, value),
        }
    }

    /// The field keeps its ECS name, takes its ECS type and goes where its row says.
    pub(super) fn keep(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let converted = to_field(self.arena, field.value, entry.kind);
        let value = converted.value(field.value).unwrap_or(field.value);
        if entry.target != NONE {
            // Some field's target may be this very name.
            self.placed.push((field.index, value));
        }
        self.write_own(field, entry.placement, value, converted);
    }

    /// A container label that keeps its name; its object's row says where.
    pub(super) fn keep_label(&mut self, field: &Field<'a>, row: &'static Entry) {
        let converted = to_field(self.arena, field.value, Type::String);
        let value = converted.value(field.value).unwrap_or(field.value);
        self.write_own(field, row.placement, value, converted);
    }

    /// The field stays exactly as it came, on the record.
    pub(super) fn keep_original(&mut self, field: &Field<'a>) {
        self.write_own(field, Placement::Record, field.value, Converted::Same);
    }

    /// Under its own name. When the resource has another value of that name already, it stays on the record.
    fn write_own(
        &mut self,
        field: &Field<'a>,
        placement: Placement,
        value: Value<'a>,
        converted: Converted<'a>,
    ) {
        let placement = match placement {
            Placement::Record => Placement::Record,
            Placement::Resource => match self.on_resource(field.key) {
                None => Placement::Resource,
                Some(there) if there == value => return self.remove(field),
                Some(_) => Placement::Record,
            },
        };
        self.write(field, field.key, placement, value, converted);
    }

    #[inline]
    fn write(
        &mut self,
        field: &Field<'a>,
        name: &'a str,
        placement: Placement,
        value: Value<'a>,
        converted: Converted<'a>,
    ) {
        if placement == Placement::Resource {
            self.remove(field);
            self.resource.push((name, value));
        } else if field.position == NOWHERE {
            self.log.attributes().set(name, value);
        } else {
            let same_name = std::ptr::eq(name, field.key) || name == field.key;
            let same_value = converted == Converted::Same;
            if same_name && same_value {
                return;
            }
            let mut attributes = self.log.attributes();
            if same_name {
                attributes.set_at(field.position, value);
            } else {
                let new = (!same_value).then_some(value);
                attributes.replace_at(field.position, name, new);
            }
        }
    }

    /// An attribute of the resource with a name that is made, not looked up. False when another value has it.
    pub(super) fn add_to_resource(&mut self, name: &'a str, value: Value<'a>) -> bool {
        let mut there = self
            .resource
            .iter()
            .find(|(taken, _)| *taken == name)
            .map(|(_, value)| *value);
        if there.is_none() {
            there = self.on_resource(name);
        }
        if there.is_none() {
            self.resource.push((name, value));
        }
        there.is_none_or(|there| there == value)
    }

    /// Takes the field out of the attributes: it went elsewhere, or its value is there already.
    #[inline]
    pub(super) fn remove(&mut self, field: &Field<'a>) {
        if field.position != NOWHERE {
            self.log.attributes().remove_at(field.position);
        }
    }

    /// In the order of names, so that equal sets make equal resources.
    fn move_to_resource(&mut self) {
        if !self.resource.is_empty() {
            self.resource.sort_unstable_by_key(|(name, _)| *name);
            let mut attributes = self.log.resource_attributes();
            for (name, value) in &self.resource {
                attributes.set(name, *value);
            }
        }
        // A producer's own statement about its names stands.
        self.log.resource().stamp_schema_url(SCHEMA_URL);
        self.log.scope().stamp_schema_url(SCHEMA_URL);
    }
}
