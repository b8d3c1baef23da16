//! The fields of one event, each looked up once.

use std::cell::Cell;

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
    /// Those for which there is something to do, or which others ask for.
    pub(super) fields: Fields<'a>,
    pub(super) seen: Seen,
}

type Fields<'a> = SmallVec<[Field<'a>; 24]>;

/// What is known about all fields of an event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// How many there are.
    pub(super) found: usize,
    /// The union of [`Entry::role`].
    pub(super) roles: u32,
    /// One bit a rank that occurs.
    pub(super) ranks: u8,
    /// There is a custom field that does not simply stay where it is.
    pub(super) customs: bool,
    /// There are dotted geo points.
    pub(super) points: bool,
    /// There is a name that only ECS knows.
    pub(super) marker: bool,
    /// There are maps or values that are none, so it must be normalized first.
    pub(super) irregular: bool,
}

thread_local! {
    /// The entries that the attributes of the last record had, by position: a guess for the next record.
    static LAST: [Cell<u16>; 32] = const { [const { Cell::new(NONE) }; 32] };
}

impl<'a> Event<'a> {
    /// Takes in the attributes of a record, as they stand.
    pub(super) fn scan(&mut self, attributes: &AttributesDraft<'_, 'a>) {
        // a local one, which the compiler keeps in registers
        let mut seen = self.seen;
        LAST.with(|last| {
            for (position, key, value) in attributes.encoded() {
                let guess = last.get(position);
                let index = table::find_guessed(key, guess.map_or(NONE, Cell::get));
                if let Some(guess) = guess {
                    guess.set(index);
                }
                let kind = value.kind();
                if let Some((family, rank)) =
                    seen.take(key, index, kind, position, || value.decode())
                {
                    self.fields.push(Field {
                        key,
                        value: value.decode(),
                        position,
                        index,
                        family,
                        rank,
                    });
                }
            }
        });
        self.seen = seen;
    }

    /// Takes in one leaf of a map, or an attribute.
    pub(super) fn push(&mut self, KeyValue { key, value }: KeyValue<'a>, position: usize) {
        let index = table::find(key).unwrap_or(NONE);
        let kind = value.kind();
        if let Some((family, rank)) = self.seen.take(key, index, kind, position, || value) {
            self.fields.push(Field {
                key,
                value,
                position,
                index,
                family,
                rank,
            });
        }
    }

    /// The field with this entry.
    pub(super) fn find(&self, index: u16) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.index == index)
    }

    /// Whether a field with this role is there.
    #[inline]
    pub(super) fn has(&self, role: u32) -> bool {
        self.seen.roles & role != 0
    }
}

impl Seen {
    /// Takes one field into account: its family and rank, or nothing when it stays as it is and nobody asks for it.
    #[inline(always)]
    fn take<'a>(
        &mut self,
        key: &str,
        index: u16,
        kind: ValueKind,
        position: usize,
        value: impl Fn() -> Value<'a>,
    ) -> Option<(Family, u8)> {
        let kind = bit(kind);
        self.found += 1;
        if kind & (EMPTY | ARRAY | MAP) != 0 {
            self.irregular |= is_irregular(key, &value());
        }
        if index == NONE {
            return self.take_unknown(key, position);
        }
        let entry = table::entry(index);
        self.marker |= entry.marker;
        self.roles |= entry.role;
        if entry.settled & kind != 0 && position != NOWHERE {
            return entry.asked.then_some((Family::Custom, SETTLED));
        }
        if entry.source == Source::Semconv {
            self.customs = true;
            return Some((Family::Custom, CUSTOM));
        }
        self.ranks |= 1 << entry.rank;
        Some((Family::Custom, entry.rank))
    }

    #[inline(always)]
    fn take_unknown(&mut self, key: &str, position: usize) -> Option<(Family, u8)> {
        self.irregular |= key.is_empty();
        let family = table::family(key);
        if family == Family::Custom {
            self.customs |= position == NOWHERE;
            let stays = position != NOWHERE && !table::is_asked(key);
            return (!stays).then_some((family, CUSTOM));
        }
        self.customs = true;
        self.marker |= matches!(
            family,
            Family::Label | Family::ContainerLabel | Family::Point(_)
        );
        self.points |= matches!(family, Family::Point(_));
        Some((family, CUSTOM))
    }
}
