//! One protobuf message under edit: where its fields are, found when somebody
//! asks, and what stands in their place now.

use super::arena::Arena;
use super::entries::Attributes;
use super::scan::{Step, Steps};
use crate::wire::{Field, Fields, put_bytes, put_fixed32, put_uint};

/// One past the highest field number of a message that can be edited
/// (`Span.flags` is 16).
const NUMBERS: usize = 17;

/// A repeated message inside, such as an event of a span.
#[derive(Clone, Copy, Debug)]
struct Child<'a> {
    number: u32,
    start: usize,
    end: usize,
    /// Its content as it is now.
    content: &'a [u8],
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Same,
    Changed,
    Gone,
}

/// A place in the body that is left out, and what is written instead.
#[derive(Clone, Copy, Debug)]
struct Cut {
    start: usize,
    end: usize,
    anew: Anew,
}

#[derive(Clone, Copy, Debug)]
enum Anew {
    Nothing,
    Attribute(usize),
    Child(usize),
}

/// What the closure that looks at a child decided.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision<'a> {
    Same,
    Changed(&'a [u8]),
    Gone,
}

/// A message under edit. Its memory is reused from record to record.
///
/// Fields are known by number; a field that was set is kept as the whole
/// encoded field, which replaces all its occurrences and stands at the end.
#[derive(Debug)]
pub(super) struct Message<'a> {
    body: &'a [u8],
    /// The field number of its attributes.
    attribute_number: u32,
    attributes: Attributes<'a>,
    attributes_known: bool,
    fields_known: bool,
    /// Bit by number: on the wire, and more than once.
    seen: u32,
    repeated: u32,
    /// Bit by number: set or cleared by an edit.
    changed: u32,
    /// Bit by number: in `children`.
    listed: u32,
    children_touched: bool,
    /// The last occurrence of a field that was seen.
    places: [(usize, usize); NUMBERS],
    /// A field that was changed, key included; nothing when it was cleared.
    fields: [Option<&'a [u8]>; NUMBERS],
    children: Vec<Child<'a>>,
    cuts: Vec<Cut>,
}

impl<'a> Message<'a> {
    pub(super) fn new(attribute_number: u32) -> Self {
        Message {
            body: &[],
            attribute_number,
            attributes: Attributes::default(),
            attributes_known: false,
            fields_known: false,
            seen: 0,
            repeated: 0,
            changed: 0,
            listed: 0,
            children_touched: false,
            places: [(0, 0); NUMBERS],
            fields: [None; NUMBERS],
            children: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// Starts with another message of the same kind.
    #[inline]
    pub(super) fn reset(&mut self, body: &'a [u8]) {
        self.body = body;
        if self.attributes_known {
            self.attributes.reset(body.len());
        }
        self.attributes_known = false;
        self.fields_known = false;
        self.changed = 0;
        if self.listed != 0 {
            self.children.clear();
            self.listed = 0;
            self.children_touched = false;
        }
    }

    /// [`reset`](Self::reset) to another kind of message.
    pub(super) fn reset_as(&mut self, body: &'a [u8], attribute_number: u32) {
        self.reset(body);
        self.attribute_number = attribute_number;
    }

    /// The content as it is now, encoded if something changed.
    pub(super) fn current(&mut self, arena: &'a Arena) -> &'a [u8] {
        if self.is_touched() {
            arena.encode(|out| self.write(out))
        } else {
            self.body
        }
    }

    #[inline]
    pub(super) fn is_touched(&self) -> bool {
        self.changed != 0
            || (self.attributes_known && self.attributes.is_touched())
            || self.children_touched
    }

    /// The attributes, indexed.
    #[inline]
    pub(super) fn attributes(&mut self) -> &mut Attributes<'a> {
        if !self.attributes_known {
            self.find_attributes();
        }
        &mut self.attributes
    }

    fn find_attributes(&mut self) {
        self.attributes.reset(self.body.len());
        self.seen = 0;
        self.repeated = 0;
        let body = self.body;
        // 0 is no key of a field
        let key = match self.attribute_number {
            number @ 1..16 => (number << 3 | 2) as u8,
            _ => 0,
        };
        let mut steps = Steps::new(body);
        loop {
            // Nearly all fields are short attributes.
            steps.go_to(self.attributes.read_plain(body, steps.at(), key));
            let Some(step) = steps.next() else {
                break;
            };
            if step.number == self.attribute_number {
                let content = body.get(step.content..step.end).unwrap_or_default();
                self.attributes.read(content, step.start, step.end);
            } else {
                self.note(step);
            }
        }
        self.attributes_known = true;
        self.fields_known = true;
    }

    fn find_fields(&mut self) {
        self.seen = 0;
        self.repeated = 0;
        for step in Steps::new(self.body) {
            self.note(step);
        }
        self.fields_known = true;
    }

    #[inline(always)]
    fn note(&mut self, step: Step) {
        if let Some(place) = self.places.get_mut(step.number as usize) {
            *place = (step.start, step.end);
            let bit = 1 << step.number;
            self.repeated |= self.seen & bit;
            self.seen |= bit;
        }
    }

    /// The (last) field of this number as it is now.
    #[inline]
    pub(super) fn field(&mut self, number: u32) -> Option<Field<'a>> {
        let at = number as usize;
        if self.changed & 1 << number != 0 {
            return Fields::new(self.fields.get(at).copied().flatten()?).next();
        }
        if !self.fields_known {
            self.find_fields();
        }
        if self.seen & 1 << number == 0 {
            return None;
        }
        let &(start, end) = self.places.get(at)?;
        Fields::new(self.body.get(start..end)?).next()
    }

    /// Puts a whole encoded field (or nothing) in the place of this one.
    #[inline]
    pub(super) fn set_field(&mut self, number: u32, encoded: &'a [u8]) {
        if let Some(field) = self.fields.get_mut(number as usize) {
            *field = Some(encoded);
            self.changed |= 1 << number;
        }
    }

    pub(super) fn clear_field(&mut self, number: u32) {
        self.set_field(number, &[]);
    }

    /// Whether the (last) field `one` of the wire stands before `other`.
    pub(super) fn is_before(&self, one: u32, other: u32) -> bool {
        self.places.get(one as usize) < self.places.get(other as usize)
    }

    pub(super) fn u64(&mut self, number: u32) -> u64 {
        self.field(number).map_or(0, |field| field.u64())
    }

    pub(super) fn u32(&mut self, number: u32) -> u32 {
        self.u64(number) as u32
    }

    pub(super) fn bytes(&mut self, number: u32) -> &'a [u8] {
        self.field(number).map_or(&[], |field| field.bytes())
    }

    pub(super) fn str(&mut self, number: u32) -> &'a str {
        crate::wire::text(self.bytes(number))
    }

    /// Sets a `fixed64` or `sfixed64` without presence: zero is left out.
    pub(super) fn set_fixed64(&mut self, arena: &'a Arena, number: u32, value: u64) {
        let field = if value == 0 {
            &[]
        } else {
            arena.fixed64_field(number, value)
        };
        self.set_field(number, field);
    }

    pub(super) fn set_fixed32(&mut self, arena: &'a Arena, number: u32, value: u32) {
        let encode = |out: &mut Vec<u8>| put_fixed32(out, number, value);
        self.set_field(
            number,
            if value == 0 {
                &[]
            } else {
                arena.encode(encode)
            },
        );
    }

    pub(super) fn set_uint(&mut self, arena: &'a Arena, number: u32, value: u64) {
        match u8::try_from(value) {
            Ok(0) => self.clear_field(number),
            Ok(short @ 1..0x80) if number < 16 => {
                self.set_field(number, arena.bytes(&[(number << 3) as u8, short]));
            }
            _ => self.set_field(number, arena.encode(|out| put_uint(out, number, value))),
        }
    }

    /// Sets a string or bytes field without presence: empty is left out.
    pub(super) fn set_bytes(&mut self, arena: &'a Arena, number: u32, value: &[u8]) {
        let field = if value.is_empty() {
            &[]
        } else {
            arena.short_field(number, value)
        };
        self.set_field(number, field);
    }

    /// Shows every message in the repeated field `number` to `look`.
    pub(super) fn each_child(
        &mut self,
        number: u32,
        mut look: impl FnMut(&'a [u8]) -> Decision<'a>,
    ) {
        if self.listed & 1 << number == 0 {
            self.listed |= 1 << number;
            let found = Fields::new(self.body).filter(|field| field.number == number);
            self.children.extend(found.map(|field| Child {
                number,
                start: field.start,
                end: field.end,
                content: field.bytes(),
                fate: Fate::Same,
            }));
        }
        for child in &mut self.children {
            if child.number != number || child.fate == Fate::Gone {
                continue;
            }
            match look(child.content) {
                Decision::Same => continue,
                Decision::Changed(content) => {
                    child.content = content;
                    child.fate = Fate::Changed;
                }
                Decision::Gone => child.fate = Fate::Gone,
            }
            self.children_touched = true;
        }
    }

    /// Appends the content as it is now.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        if self.children_touched || self.changed != 0 && !self.are_new(self.changed) {
            return self.write_all(out);
        }
        self.write_attributes(out);
        self.write_fields(out);
    }

    /// Whether none of these fields is on the wire, so that nothing of it has to be left out.
    fn are_new(&mut self, fields: u32) -> bool {
        if !self.fields_known {
            self.find_fields();
        }
        fields & self.seen == 0
    }

    /// Appends the fields that were set.
    #[inline]
    fn write_fields(&self, out: &mut Vec<u8>) {
        let mut changed = self.changed;
        while changed != 0 {
            let field = self.fields[changed.trailing_zeros() as usize];
            out.extend_from_slice(field.unwrap_or_default());
            changed &= changed - 1;
        }
    }

    /// The body with its changed attributes: they are in wire order already.
    #[inline]
    fn write_attributes(&self, out: &mut Vec<u8>) {
        let mut copied = 0;
        if self.attributes_known {
            for change in self.attributes.changes() {
                out.extend_from_slice(&self.body[copied..change.start]);
                copied = change.end;
                if let Some(at) = change.anew {
                    self.attributes.write(out, at, self.attribute_number);
                }
            }
        }
        out.extend_from_slice(&self.body[copied..]);
    }

    fn write_all(&mut self, out: &mut Vec<u8>) {
        self.collect_cuts();
        let mut copied = 0;
        for cut in &self.cuts {
            out.extend_from_slice(&self.body[copied..cut.start]);
            copied = cut.end;
            match cut.anew {
                Anew::Nothing => {}
                Anew::Attribute(at) => self.attributes.write(out, at, self.attribute_number),
                Anew::Child(at) => {
                    let child = &self.children[at];
                    put_bytes(out, child.number, child.content);
                }
            }
        }
        out.extend_from_slice(&self.body[copied..]);
        self.write_fields(out);
    }

    /// Everything that is not copied from the body, in wire order.
    fn collect_cuts(&mut self) {
        if !self.fields_known {
            self.find_fields();
        }
        self.cuts.clear();
        if self.attributes_known {
            self.cuts
                .extend(self.attributes.changes().map(|change| Cut {
                    start: change.start,
                    end: change.end,
                    anew: change.anew.map_or(Anew::Nothing, Anew::Attribute),
                }));
        }
        let gone = self.changed & self.seen;
        if gone & self.repeated != 0 {
            let all = Fields::new(self.body);
            let gone = all.filter(|field| field.number < 32 && gone & 1 << field.number != 0);
            self.cuts.extend(gone.map(|field| Cut {
                start: field.start,
                end: field.end,
                anew: Anew::Nothing,
            }));
        } else {
            let mut gone = gone;
            while gone != 0 {
                let (start, end) = self.places[gone.trailing_zeros() as usize];
                self.cuts.push(Cut {
                    start,
                    end,
                    anew: Anew::Nothing,
                });
                gone &= gone - 1;
            }
        }
        for (at, child) in self.children.iter().enumerate() {
            let anew = match child.fate {
                Fate::Same => continue,
                Fate::Changed => Anew::Child(at),
                Fate::Gone => Anew::Nothing,
            };
            self.cuts.push(Cut {
                start: child.start,
                end: child.end,
                anew,
            });
        }
        // Stable: attributes that were added share one place, and keep their order.
        self.cuts.sort_by_key(|cut| cut.start);
    }
}
