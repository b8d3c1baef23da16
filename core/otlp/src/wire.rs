//! Protobuf on the wire: keys, varints, lengths. Nothing else in the house
//! knows them.
//!
//! [`Cursor`] decodes and may fail; it is what validation stands on.
//! [`Fields`] walks the fields of a message that is known to be valid, and ends
//! where a malformed byte would be. The `put_*` functions encode.

/// The wire type of a field: the lowest three bits of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Len = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

impl WireType {
    /// The wire type of these low bits; 6 and 7 do not exist.
    #[inline(always)]
    pub(crate) const fn from_bits(bits: u8) -> Option<WireType> {
        match bits & 7 {
            0 => Some(WireType::Varint),
            1 => Some(WireType::Fixed64),
            2 => Some(WireType::Len),
            3 => Some(WireType::StartGroup),
            4 => Some(WireType::EndGroup),
            5 => Some(WireType::Fixed32),
            _ => None,
        }
    }
}

/// How deep groups may nest inside unknown fields. No OTLP field is a group.
pub(crate) const MAX_GROUP_DEPTH: u32 = 8;

// === decoding ===

/// A position in a message.
///
/// Every method returns `None`, with the position unspecified but within the
/// buffer, when the bytes are cut short or malformed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    buf: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(crate) const fn new(buf: &'a [u8]) -> Self {
        Cursor { buf, pos: 0 }
    }

    /// A cursor that starts inside the buffer; positions stay those of `buf`.
    #[inline(always)]
    pub(crate) const fn at(buf: &'a [u8], pos: usize) -> Self {
        Cursor { buf, pos }
    }

    #[inline(always)]
    pub(crate) const fn pos(&self) -> usize {
        self.pos
    }

    #[inline(always)]
    pub(crate) const fn is_done(&self) -> bool {
        self.pos >= self.buf.len()
    }

    /// A varint of at most ten bytes; padding is accepted, more than 64 bits are
    /// not.
    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let first = *self.buf.get(self.pos)?;
        if first < 0x80 {
            self.pos += 1;
            return Some(u64::from(first));
        }
        if let Some(&second) = self.buf.get(self.pos + 1)
            && second < 0x80
        {
            self.pos += 2;
            return Some(u64::from(first & 0x7f) | u64::from(second) << 7);
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in 0..10 {
            let byte = *self.buf.get(self.pos)?;
            self.pos += 1;
            value |= u64::from(byte & 0x7f) << (shift * 7);
            if byte < 0x80 {
                return (shift < 9 || byte < 2).then_some(value);
            }
        }
        None
    }

    /// A field's key: number and wire type.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Option<(u32, WireType)> {
        let key = u32::try_from(self.varint()?).ok()?;
        let wire = WireType::from_bits(key as u8)?;
        (key >= 8).then_some((key >> 3, wire))
    }

    /// The content of a length-delimited field.
    #[inline(always)]
    pub(crate) fn len_delimited(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.take(len)
    }

    #[inline(always)]
    pub(crate) fn fixed64(&mut self) -> Option<u64> {
        let bytes = self.buf.get(self.pos..)?.first_chunk::<8>()?;
        self.pos += 8;
        Some(u64::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn fixed32(&mut self) -> Option<u32> {
        let bytes = self.buf.get(self.pos..)?.first_chunk::<4>()?;
        self.pos += 4;
        Some(u32::from_le_bytes(*bytes))
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.buf.get(self.pos..)?.get(..len)?;
        self.pos += len;
        Some(bytes)
    }

    /// The value of a field without a length, zero-extended; zero for a group.
    #[inline(always)]
    fn scalar(&mut self, number: u32, wire: WireType) -> Option<u64> {
        match wire {
            WireType::Varint => self.varint(),
            WireType::Fixed64 => self.fixed64(),
            WireType::Fixed32 => self.fixed32().map(u64::from),
            other => self.skip(number, other).map(|()| 0),
        }
    }

    /// Steps over the value of a field whose key was just read.
    #[inline(always)]
    pub(crate) fn skip(&mut self, number: u32, wire: WireType) -> Option<()> {
        match wire {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.take(8).map(drop),
            WireType::Len => self.len_delimited().map(drop),
            WireType::Fixed32 => self.take(4).map(drop),
            WireType::StartGroup => self.skip_group(number, MAX_GROUP_DEPTH),
            WireType::EndGroup => None,
        }
    }

    /// Whether the value of a field, which [`skip`](Self::skip) refused, is a
    /// group that nests too deep and has no other fault.
    #[cold]
    pub(crate) fn is_deep_group(mut self, number: u32, wire: WireType) -> bool {
        // Deeper than this is refused by every decoder.
        wire == WireType::StartGroup && self.skip_group(number, 100).is_some()
    }

    #[cold]
    fn skip_group(&mut self, number: u32, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        loop {
            match self.key()? {
                (end, WireType::EndGroup) => return (end == number).then_some(()),
                (inner, WireType::StartGroup) => self.skip_group(inner, depth)?,
                (inner, wire) => self.skip(inner, wire)?,
            }
        }
    }
}

/// One field of a message.
///
/// The accessors return zero or nothing when the field has another wire type,
/// which validated bytes rule out for known fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// The field number.
    pub(crate) number: u32,
    /// How the value is encoded.
    pub(crate) wire: WireType,
    /// Where the key starts, in the bytes given to [`Fields`].
    pub(crate) start: usize,
    /// Where the value ends, in the bytes given to [`Fields`].
    pub(crate) end: usize,
    /// The value if it is a number.
    scalar: u64,
    /// The value if it has a length.
    content: &'a [u8],
}

impl<'a> Field<'a> {
    #[inline(always)]
    pub(crate) const fn u64(&self) -> u64 {
        self.scalar
    }

    /// The low 32 bits, as protobuf reads a too wide value of a narrow field.
    #[inline(always)]
    pub(crate) const fn u32(&self) -> u32 {
        self.scalar as u32
    }

    #[inline(always)]
    pub(crate) const fn i32(&self) -> i32 {
        self.scalar as i32
    }

    #[inline(always)]
    pub(crate) const fn i64(&self) -> i64 {
        self.scalar as i64
    }

    #[inline(always)]
    pub(crate) const fn sint32(&self) -> i32 {
        unzigzag(self.u32())
    }

    #[inline(always)]
    pub(crate) const fn bool(&self) -> bool {
        self.scalar != 0
    }

    #[inline(always)]
    pub(crate) const fn double(&self) -> f64 {
        f64::from_bits(self.scalar)
    }

    #[inline(always)]
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.content
    }

    #[inline(always)]
    pub(crate) fn str(&self) -> &'a str {
        text(self.content)
    }
}

/// The fields of a valid message, in wire order, unknown ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Fields {
            cursor: Cursor::new(message),
        }
    }

    /// Where the next field starts.
    #[inline(always)]
    pub(crate) const fn pos(&self) -> usize {
        self.cursor.pos()
    }

    #[inline(always)]
    fn read(&mut self) -> Option<Field<'a>> {
        let cursor = &mut self.cursor;
        if cursor.is_done() {
            return None;
        }
        let start = cursor.pos();
        let (number, wire) = cursor.key()?;
        // Most fields have a length; the rest share one branch.
        let (scalar, content): (u64, &[u8]) = if wire == WireType::Len {
            (0, cursor.len_delimited()?)
        } else {
            (cursor.scalar(number, wire)?, &[])
        };
        Some(Field {
            number,
            wire,
            start,
            end: cursor.pos(),
            scalar,
            content,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Field<'a>> {
        let field = self.read();
        if field.is_none() {
            self.cursor.pos = self.cursor.buf.len();
        }
        field
    }
}

/// Bytes that validation found to be UTF-8, as a string.
///
/// Readers ask for it for every key and every text; looking at each byte again
/// was a third of what reading attributes cost (`cargo bench -p otlp`).
#[inline(always)]
#[expect(unsafe_code, reason = "the only way not to validate texts twice")]
pub(crate) fn text(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok(), "validated on entry");
    // SAFETY: what readers and drafts are given is one of three things.
    // - A part of a `Payload`, which exists only behind `Payload::validate`: it
    //   walks every occurrence of every text field of `validate/schema.rs`,
    //   wherever values nest, and refuses what is not UTF-8. It finds fields
    //   with the same `Cursor` as `Fields`, so both see the same texts.
    // - A part of what this crate wrote or wove (`Payload::from_valid`), which
    //   takes texts as `&str` or copies them from a valid payload; JSON is
    //   checked to be UTF-8 before its first token is read.
    // - Bytes of an edit's arena, put there as `&str` or by this crate's writer.
    // Reading traits and constructors are private to this crate, so that no
    // other bytes get here.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// The `sint32` behind its zigzag form.
#[inline(always)]
pub(crate) const fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

// === encoding ===

/// The zigzag form of a `sint32`.
#[inline(always)]
pub(crate) const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

/// How many bytes [`put_varint`] writes: 1 to 10.
#[inline(always)]
pub(crate) const fn varint_len(value: u64) -> usize {
    ((value | 1).ilog2() as usize * 9 + 73) / 64
}

/// Appends the shortest form of a varint.
#[inline(always)]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`put_key`] writes.
#[inline(always)]
pub(crate) const fn key_len(number: u32) -> usize {
    varint_len((number as u64) << 3)
}

/// The key of a field with a number below 16, which is one byte.
#[inline(always)]
pub(crate) const fn one_byte_key(number: u8, wire: WireType) -> u8 {
    debug_assert!(number < 16);
    number << 3 | wire as u8
}

/// Appends a field's key.
#[inline(always)]
pub(crate) fn put_key(out: &mut Vec<u8>, number: u32, wire: WireType) {
    put_varint(out, u64::from(number << 3 | wire as u32));
}

/// How many bytes [`put_bytes`] writes for a content of `len` bytes.
#[inline(always)]
pub(crate) const fn bytes_len(number: u32, len: usize) -> usize {
    key_len(number) + varint_len(len as u64) + len
}

/// Appends key and length of a length-delimited field; the content follows.
#[inline(always)]
pub(crate) fn put_len(out: &mut Vec<u8>, number: u32, len: usize) {
    put_key(out, number, WireType::Len);
    put_varint(out, len as u64);
}

/// Appends a string, bytes or message field.
#[inline(always)]
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    put_len(out, number, content.len());
    out.extend_from_slice(content);
}

/// Appends a varint field (`uint`, `int`, `bool`, enumerations).
#[inline(always)]
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u32, value: u64) {
    put_key(out, number, WireType::Varint);
    put_varint(out, value);
}

/// Appends a `fixed64`, `sfixed64` or (as bits) `double` field.
#[inline(always)]
pub(crate) fn put_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    put_key(out, number, WireType::Fixed64);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `fixed32` field.
#[inline(always)]
pub(crate) fn put_fixed32(out: &mut Vec<u8>, number: u32, value: u32) {
    put_key(out, number, WireType::Fixed32);
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_have_the_announced_length() {
        let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in edges.chain([u64::MAX]) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "{value}");
            let mut cursor = Cursor::new(&out);
            assert_eq!(cursor.varint(), Some(value));
            assert!(cursor.is_done());
            assert_eq!(
                Cursor::new(&out[..out.len() - 1]).varint(),
                None,
                "cut {value}"
            );
        }
    }

    #[test]
    fn padded_varints_are_accepted_up_to_ten_bytes() {
        assert_eq!(Cursor::new(&[0x81, 0x80, 0x00]).varint(), Some(1));
        let mut ten = [0x80; 10];
        ten[9] = 1;
        assert_eq!(Cursor::new(&ten).varint(), Some(1 << 63));
        ten[9] = 2;
        assert_eq!(Cursor::new(&ten).varint(), None, "65 bits");
        assert_eq!(Cursor::new(&[0x80; 11]).varint(), None, "11 bytes");
    }

    #[test]
    fn keys_have_a_number_and_a_known_wire_type() {
        assert_eq!(Cursor::new(&[0x0a]).key(), Some((1, WireType::Len)));
        assert_eq!(Cursor::new(&[0x02]).key(), None, "number 0");
        assert_eq!(Cursor::new(&[0x0e]).key(), None, "wire type 6");
        assert_eq!(
            Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).key(),
            None,
            "33 bits"
        );
    }

    #[test]
    fn groups_are_stepped_over_when_they_close() {
        // 3: { 1: 7, 4: {} } then 2: 9
        let bytes = [0x1b, 0x08, 0x07, 0x23, 0x24, 0x1c, 0x10, 0x09];
        let fields: Vec<_> = Fields::new(&bytes)
            .map(|f| (f.number, f.start, f.end))
            .collect();
        assert_eq!(fields, [(3, 0, 6), (2, 6, 8)]);
        assert_eq!(
            Cursor::at(&bytes, 1).skip(5, WireType::StartGroup),
            None,
            "other number"
        );
        assert_eq!(
            Cursor::new(&[0x0b; 40]).skip(1, WireType::StartGroup),
            None,
            "too deep"
        );
    }

    #[test]
    fn zigzag_is_its_own_inverse() {
        for value in [0, -1, 1, i32::MIN, i32::MAX, 1234, -1234] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn fields_end_at_a_malformed_byte() {
        assert_eq!(Fields::new(&[0x0a, 0x05, 1, 2]).count(), 0);
        assert_eq!(Fields::new(&[0x08, 0x05, 0x07]).count(), 1);
    }
}
