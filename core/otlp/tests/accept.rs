//! What is accepted and what is refused, against `prost`.

use otlp::Signal;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;

use crate::agree::agrees_with_prost;
use crate::generate;

fn signal() -> impl Strategy<Value = Signal> {
    prop::sample::select(&Signal::ALL[..])
}

/// A valid request of any signal.
pub fn request() -> impl Strategy<Value = (Signal, Vec<u8>)> {
    prop_oneof![
        generate::logs().prop_map(|m| (Signal::Logs, m.encode_to_vec())),
        generate::traces().prop_map(|m| (Signal::Traces, m.encode_to_vec())),
        generate::metrics().prop_map(|m| (Signal::Metrics, m.encode_to_vec())),
    ]
}

/// One change of the bytes of a request.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Bytes that mean something: small keys, lengths, continuation bits.
    let byte = || prop_oneof![any::<u8>(), 0..0x90u8, Just(0x80), Just(0xff)];
    prop_oneof![
        3 => (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        2 => (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        2 => (any::<Index>(), vec(byte(), 1..6)).prop_map(|(at, b)| Mutation::Insert(at, b)),
        1 => (any::<Index>(), 1..6usize).prop_map(|(at, len)| Mutation::Remove(at, len)),
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, len)| Mutation::Repeat(at, len)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    match mutation {
        Mutation::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Mutation::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
        Mutation::Insert(at, with) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, with.iter().copied());
        }
        Mutation::Remove(at, len) => {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + len).min(bytes.len()));
        }
        Mutation::Repeat(at, len) => {
            let at = at.index(bytes.len());
            let again = bytes[at..(at + len).min(bytes.len())].to_vec();
            bytes.splice(at..at, again);
        }
        Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn mutated((signal, mut bytes) in request(), mutations in vec(mutation(), 1..4)) {
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        agrees_with_prost(signal, &bytes);
    }

    #[test]
    fn of_another_signal((_, bytes) in request(), signal in signal()) {
        agrees_with_prost(signal, &bytes);
    }

    #[test]
    fn arbitrary(signal in signal(), bytes in vec(any::<u8>(), 0..60)) {
        agrees_with_prost(signal, &bytes);
    }

    /// Random trees of fields with small numbers reach deeper than random bytes.
    #[test]
    fn fields(signal in signal(), bytes in fields_tree()) {
        agrees_with_prost(signal, &bytes);
    }
}

/// Fields of any small number and wire type, nested, well-formed.
fn fields_tree() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        (1..18u32, generate::common::number()).prop_map(|(number, value)| {
            let mut out = key(number, 0);
            prost::encoding::encode_varint(value, &mut out);
            out
        }),
        (1..18u32, any::<[u8; 8]>()).prop_map(|(number, b)| [key(number, 1), b.to_vec()].concat()),
        (1..18u32, any::<[u8; 4]>()).prop_map(|(number, b)| [key(number, 5), b.to_vec()].concat()),
        (1..18u32, 0..20usize).prop_map(|(number, len)| delimited(number, &vec![b'x'; len])),
    ];
    leaf.prop_recursive(9, 40, 4, |inner| {
        let nested = prop_oneof![
            // What leads down in the frames of the signals.
            4 => prop::sample::select(vec![1u32, 2, 5, 6, 7, 9]),
            1 => 1..18u32,
        ];
        (nested, vec(inner, 0..4)).prop_map(|(number, fields)| delimited(number, &fields.concat()))
    })
}

pub fn key(number: u32, wire: u32) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | wire), &mut out);
    out
}

pub fn delimited(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = key(number, 2);
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}
