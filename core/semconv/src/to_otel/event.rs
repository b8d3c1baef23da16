//! The fields of one event, each looked up once.

use otlp::edit::AttributesDraft;
use otlp::{KeyValue, Value, ValueKind};
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
/// The rank of fields that are in their place already, and are here since others ask for them.
const SETTLED: u8 = u8::MAX - 1;

/// Kinds of values, in bits as `build.rs` counts them in [`Entry::settled`].
const ARRAY: u8 = bit(ValueKind::Array);
const MAP: u8 = bit(ValueKind::Map);
const EMPTY: u8 = bit(ValueKind::Empty);

/// The bit of a kind.
#[inline(always)]
const fn bit(kind: ValueKind) -> u8 {
    1 << kind as u8
}

/// Whether the value is none, or has to be flattened.
fn is_irregular(key: &str, value: &Value<'_>) -> bool {
    match *value {
        Value::Map(_) => !table::lookup(key).is_some_and(|entry| entry.whole),
        Value::Empty => true,
        Value::Array(mut values) => values.all(|value| value.is_empty()),
        _ => false,
    }
}

impl Field<'_> {
    pub(super) fn entry(&self) -> Option<&'static Entry> {
        (self.index != NONE).then(|| table::entry(self.index))
    }
}

/// The fields of an event, and what is known about all of them after one pass.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    /// How many there are.
    pub(super) found: usize,
    /// Those for which there is something to do, or which others ask for.
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
    /// Takes in the attributes of a record, as they stand.
    pub(super) fn scan(&mut self, attributes: &AttributesDraft<'_, 'a>) {
        for (position, key, value) in attributes.encoded() {
            self.take(key, value.kind(), || value.decode(), position);
        }
    }

    /// Takes in one leaf of a map, or an attribute.
    pub(super) fn push(&mut self, KeyValue { key, value }: KeyValue<'a>, position: usize) {
        self.take(key, value.kind(), || value, position);
    }

    #[inline(always)]
    fn take(
        &mut self,
        key: &'a str,
        kind: ValueKind,
        value: impl Fn() -> Value<'a>,
        position: usize,
    ) {
        let kind = bit(kind);
        self.found += 1;
        if kind & (EMPTY | ARRAY | MAP) != 0 {
            self.irregular |= is_irregular(key, &value());
        }
        let (mut family, mut rank) = (Family::Custom, CUSTOM);
        let index = table::find(key).unwrap_or(NONE);
        if index != NONE {
            let entry = table::entry(index);
            self.marker |= entry.marker;
            self.roles |= entry.role;
            if entry.settled & kind != 0 && position != NOWHERE {
                if !entry.asked {
                    return;
                }
                rank = SETTLED;
            } else if entry.source == Source::Semconv {
                self.customs = true;
            } else {
                rank = entry.rank;
                self.ranks |= 1 << rank;
            }
        } else {
            self.irregular |= key.is_empty();
            family = table::family(key);
            if family != Family::Custom {
                self.family(family);
            } else if position == NOWHERE {
                self.customs = true;
            } else if !table::is_asked(key) {
                return;
            }
        }
        self.fields.push(Field {
            key,
            value: value(),
            position,
            index,
            family,
            rank,
        });
    }

    #[cold]
    fn family(&mut self, family: Family) {
        self.customs = true;
        self.marker |= matches!(
            family,
            Family::Label | Family::ContainerLabel | Family::Point(_)
        );
        self.points |= matches!(family, Family::Point(_));
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
