//! The methods that every message with attributes has.

/// Methods that append to the attributes in field `$number` of the open message.
macro_rules! attribute_methods {
    ($number:expr) => {
        attribute_methods!($number, attribute, attribute_with, attributes, "an attribute");
    };
    ($number:expr, $one:ident, $nested:ident, $all:ident, $what:literal) => {
        #[doc = concat!("Appends ", $what, ".")]
        #[inline]
        pub fn $one(&mut self, key: &str, value: $crate::Value<'_>) {
            self.sink.attribute($number, key, value);
        }

        #[doc = concat!("Appends ", $what, " whose value `write` writes.")]
        #[inline]
        pub fn $nested(
            &mut self,
            key: &str,
            write: impl FnOnce(&mut $crate::write::ValueWriter<'_>),
        ) {
            self.sink.attribute_with($number, key, 0, write);
        }

        #[doc = concat!("Appends ", $what, " for each of those given, for example those of another payload.")]
        pub fn $all<'a>(&mut self, list: impl IntoIterator<Item = $crate::KeyValue<'a>>) {
            for pair in list {
                self.sink.attribute($number, pair.key, pair.value);
            }
        }
    };
}

pub(super) use attribute_methods;
