//! The fields of one event, each looked up once.

use otlp::Value;
use otlp::edit::AttributesDraft;
use smallvec::SmallVec;

use crate::table::{self, Entry, Family, NONE, Source};

/// One field of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// The flat path.
    pub(super) key: &'a str,
    pub(super) value: Value<'a>,
    /// Where it stands among the attributes of the record; [`NOWHERE`] when it came out of a map.
    pub(super) position: usize,
    /// The entry of its name, or [`NONE`].
    pub(super) index: u16,
    /// What a name without entry means.
    pub(super) family: Family,
    /// When it is placed; [`CUSTOM`] ones come before all others.
    pub(super) rank: u8,
}

/// The position of a field that is not an attribute (yet).
pub(super) const NOWHERE: usize = usize::MAX;
/// The rank of custom fields.
pub(super) const CUSTOM: u8 = u8::MAX;

impl Field<'_> {
    pub(super) fn entry(&self) -> Option<&'static Entry> {
        (self.index != NONE).then(|| table::entry(self.index))
    }
}

/// All fields of an event, and what is known about them after one pass.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) fields: SmallVec<[Field<'a>; 24]>,
    /// One bit a rank that occurs.
    pub(super) ranks: u8,
    /// The union of [`Entry::role`].
    pub(super) roles: u32,
    /// There is a custom field that does not simply stay where it is.
    pub(super) customs: bool,
    /// There are dotted geo points.
    pub(super) points: bool,
    /// There is a name that only ECS knows.
    pub(super) marker: bool,
    /// There are maps or values that are none, so it must be normalized first.
    pub(super) irregular: bool,
}

impl<'a> Event<'a> {
    /// The attributes of a record, as they stand.
    #[inline]
    pub(super) fn scan(attributes: &AttributesDraft<'_, 'a>) -> Self {
        let mut event = Event::default();
        for position in 0..attributes.positions() {
            if let Some(attribute) = attributes.at(position) {
                event.push(attribute.key, attribute.value, position);
            }
        }
        event
    }

    #[inline]
    pub(super) fn push(&mut self, key: &'a str, value: Value<'a>, position: usize) {
        let mut field = Field {
            key,
            value,
            position,
            index: NONE,
            family: Family::Custom,
            rank: CUSTOM,
        };
        let mut whole = false;
        if let Some(index) = table::find(key) {
            let entry = table::entry(index);
            field.index = index;
            whole = entry.whole;
            self.marker |= entry.marker;
            self.roles |= entry.role;
            if entry.source == Source::Semconv {
                self.customs = true;
            } else {
                field.rank = entry.rank;
                self.ranks |= 1 << entry.rank;
            }
        } else {
            field.family = table::family(key);
            self.customs |= field.family != Family::Custom;
            self.marker |= matches!(
                field.family,
                Family::Label | Family::ContainerLabel | Family::Point(_)
            );
            self.points |= matches!(field.family, Family::Point(_));
        }
        self.customs |= position == NOWHERE;
        self.irregular |= match value {
            Value::Map(_) => !whole,
            Value::Empty => true,
            Value::Array(mut values) => values.all(|value| value.is_empty()),
            _ => key.is_empty(),
        };
        self.fields.push(field);
    }

    /// The field with this entry.
    pub(super) fn find(&self, index: u16) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.index == index)
    }

    /// Whether a field with this role is there.
    #[inline]
    pub(super) fn has(&self, role: u32) -> bool {
        self.roles & role != 0
    }
}
