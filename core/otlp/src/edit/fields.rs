//! Getters and setters of plain fields, made from a table.

/// One getter and one setter a row: kind, names, field number, what it is.
///
/// The drafts give their message by `self.message()` and have the arena in
/// `self.arena`. Setting a default leaves the field out, as protobuf does.
macro_rules! fields {
    ($draft:ident: $($kind:ident $get:ident, $set:ident = $number:expr, $doc:literal;)*) => {
        impl<'a> $draft<'_, 'a> {
            $(crate::edit::field! { $kind $get, $set = $number, $doc })*
        }
    };
}

macro_rules! field {
    (fixed64 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ".")]
        pub fn $get(&mut self) -> u64 {
            self.message().u64($number)
        }

        #[doc = concat!("Sets ", $doc, ".")]
        pub fn $set(&mut self, value: u64) {
            let arena = self.arena;
            self.message().set_fixed64(arena, $number, value);
        }
    };
    (fixed32 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ".")]
        pub fn $get(&mut self) -> u32 {
            self.message().u32($number)
        }

        #[doc = concat!("Sets ", $doc, ".")]
        pub fn $set(&mut self, value: u32) {
            let arena = self.arena;
            self.message().set_fixed32(arena, $number, value);
        }
    };
    (uint32 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ".")]
        pub fn $get(&mut self) -> u32 {
            self.message().u32($number)
        }

        #[doc = concat!("Sets ", $doc, ".")]
        pub fn $set(&mut self, value: u32) {
            let arena = self.arena;
            self.message().set_uint(arena, $number, u64::from(value));
        }
    };
    (int32 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ".")]
        pub fn $get(&mut self) -> i32 {
            self.message().u32($number) as i32
        }

        #[doc = concat!("Sets ", $doc, ".")]
        pub fn $set(&mut self, value: i32) {
            let arena = self.arena;
            self.message()
                .set_uint(arena, $number, i64::from(value) as u64);
        }
    };
    (text $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ".")]
        pub fn $get(&mut self) -> &'a str {
            self.message().str($number)
        }

        #[doc = concat!("Sets ", $doc, ".")]
        pub fn $set(&mut self, value: &str) {
            let arena = self.arena;
            self.message().set_bytes(arena, $number, value.as_bytes());
        }
    };
    (id16 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        crate::edit::field! { id 16 $get, $set = $number, $doc }
    };
    (id8 $get:ident, $set:ident = $number:expr, $doc:literal) => {
        crate::edit::field! { id 8 $get, $set = $number, $doc }
    };
    (id $len:literal $get:ident, $set:ident = $number:expr, $doc:literal) => {
        #[doc = concat!("Gets ", $doc, ": ", $len, " bytes, or none.")]
        pub fn $get(&mut self) -> &'a [u8] {
            self.message().bytes($number)
        }

        #[doc = concat!("Sets ", $doc, "; `None` removes it.")]
        pub fn $set(&mut self, value: Option<[u8; $len]>) {
            let arena = self.arena;
            let id = value.as_ref().map_or(&[][..], |id| &id[..]);
            self.message().set_bytes(arena, $number, id);
        }
    };
}

/// What the drafts of events, links and exemplars offer besides their fields.
macro_rules! nested_draft {
    ($name:ident) => {
        impl<'a> $name<'_, 'a> {
            #[inline]
            fn message(&mut self) -> &mut Message<'a> {
                self.message
            }

            /// Where new values can be built.
            pub fn arena(&self) -> &'a Arena {
                self.arena
            }

            /// Its attributes.
            pub fn attributes(&mut self) -> AttributesDraft<'_, 'a> {
                AttributesDraft::new(self.message.attributes(), self.arena)
            }
        }
    };
}

pub(super) use {field, fields, nested_draft};
