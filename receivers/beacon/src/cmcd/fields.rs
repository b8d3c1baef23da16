//! Members as fields of JSON under names of their own.

use std::fmt::Write;

use super::dictionary::{Element, Item, Member};

/// Everything that a member says, under `cmcd.` and its key. What has a type of object goes
/// under that: `br=(3200;v 128;a)` is `cmcd.br.v` and `cmcd.br.a`.
pub(super) fn raw(out: &mut String, member: &Member<'_>) {
    let key = member.key;
    let plain = |element: &&Element<'_>| element.label().is_none();
    let mut bare = member.elements.iter().filter(plain).map(|e| &e.item);
    // a list of one number is what version 1 has without a list
    let is_array = member.is_list
        && !(bare.clone().count() == 1 && bare.clone().all(|item| item.number().is_some()));
    match bare.next() {
        Some(item) if !is_array => named(out, &[key], |out| value(out, item)),
        Some(item) => named(out, &[key], |out| {
            array(out, std::iter::once(item).chain(bare));
        }),
        None => {}
    }
    let mut below = member.by_label();
    below.extend(member.elements.iter().flat_map(|element| {
        let label = element.label();
        let others = element
            .parameters
            .iter()
            .filter(move |(name, _)| Some(*name) != label);
        others.map(|(name, item)| (*name, item))
    }));
    below.extend(member.parameters.iter().map(|(name, item)| (*name, item)));
    below.sort_by_key(|(name, _)| *name);
    for same in below.chunk_by(|one, next| one.0 == next.0) {
        match same {
            [(name, item)] => named(out, &[key, name], |out| value(out, item)),
            [(name, _), ..] => named(out, &[key, name], |out| {
                array(out, same.iter().map(|(_, item)| *item));
            }),
            [] => {}
        }
    }
}

fn named(out: &mut String, name: &[&str], write: impl FnOnce(&mut String)) {
    out.push_str("\"cmcd");
    for part in name {
        out.push('.');
        out.push_str(part);
    }
    out.push_str("\":");
    write(out);
    out.push(',');
}

/// A field and the comma behind it.
pub(super) fn field(out: &mut String, name: &str, write: impl FnOnce(&mut String)) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    write(out);
    out.push(',');
}

fn array<'i>(out: &mut String, items: impl Iterator<Item = &'i Item<'i>>) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        value(out, item);
    }
    out.push(']');
}

pub(super) fn value(out: &mut String, item: &Item<'_>) {
    // writing to a string cannot fail
    let _ = match item {
        Item::Integer(number) => write!(out, "{number}"),
        // with a point, so that a field is always a double
        Item::Decimal(number) => write!(out, "{number:?}"),
        Item::Boolean(is_true) => write!(out, "{is_true}"),
        Item::Text(words) => {
            text(out, words);
            Ok(())
        }
    };
}

pub(super) fn text(out: &mut String, words: &str) {
    out.push('"');
    for character in words.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
