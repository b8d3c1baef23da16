//! Blocks that can be on or off: `grpc:`, `sending_queue:`, `tls:`.
//!
//! | written | [`OnByDefault`] | [`OffByDefault`] | [`Optional`] |
//! |---|---|---|---|
//! | nothing | on | off | none |
//! | `key:` (null) | on, defaults kept | on with its defaults | none |
//! | `key: {…}` | on | on | on |
//! | `key: {enabled: false, …}` | off | off | none |
//! | `key: {enabled: true}` | on | on | on |
//!
//! The settings beside `enabled: false` are checked all the same. Keys that are
//! not written take the defaults of the block's own type: a component that
//! wants others gives its block a type of its own.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::marker::PhantomData;

/// The name by which the decoder of this crate knows a block. It then hands
/// over two elements: a [`State`] as a number, and the body without `enabled`.
pub(crate) const BLOCK: &str = "settings::Block";
/// Likewise, where null keeps whatever is the default of the setting.
pub(crate) const BLOCK_OR_DEFAULT: &str = "settings::BlockOrDefault";

/// How a block was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Null = 0,
    On = 1,
    Off = 2,
}

macro_rules! block {
    ($(#[$doc:meta])* $name:ident, null = $null:expr, as = $marker:ident, off = $off:ident, default = $default:expr, $($bound:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(Option<T>);

        impl<T> $name<T> {
            /// Switched on with these settings.
            pub const fn on(settings: T) -> Self {
                Self(Some(settings))
            }

            /// Switched off.
            pub const fn off() -> Self {
                Self(None)
            }

            /// The settings, when switched on.
            pub const fn as_option(&self) -> Option<&T> {
                self.0.as_ref()
            }

            /// The settings to change, when switched on.
            pub fn as_option_mut(&mut self) -> Option<&mut T> {
                self.0.as_mut()
            }

            /// The settings, when switched on.
            pub fn into_option(self) -> Option<T> {
                self.0
            }

            /// Whether it is switched on.
            pub const fn is_on(&self) -> bool {
                self.0.is_some()
            }
        }

        impl<T> From<Option<T>> for $name<T> {
            fn from(settings: Option<T>) -> Self {
                Self(settings)
            }
        }

        impl<T $($bound)*> Default for $name<T> {
            fn default() -> Self {
                Self($default)
            }
        }

        impl<T: Serialize> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match &self.0 {
                    Some(settings) => settings.serialize(serializer),
                    None => $off(serializer),
                }
            }
        }

        impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                block(deserializer, $marker, $null).map(Self)
            }
        }
    };
}

block! {
    /// On unless switched off: `sending_queue`, `retry_on_failure`.
    OnByDefault, null = true, as = BLOCK_OR_DEFAULT, off = enabled_false, default = Some(T::default()), : Default
}
block! {
    /// Off unless named; naming it, even with nothing under it, switches it
    /// on: `grpc:`, `http:`, `batch:`.
    OffByDefault, null = true, as = BLOCK, off = enabled_false, default = None,
}
block! {
    /// Absent unless it has content: `tls:`, `cors:`, `auth:`.
    Optional, null = false, as = BLOCK_OR_DEFAULT, off = null, default = None,
}

/// `{enabled: false}`, so that what is printed reads back as off.
fn enabled_false<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("enabled", &false)?;
    map.end()
}

fn null<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_none()
}

fn block<'de, D, T>(
    deserializer: D,
    marker: &'static str,
    null_is_on: bool,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    deserializer.deserialize_tuple_struct(
        marker,
        2,
        Visitor {
            null_is_on,
            body: PhantomData,
        },
    )
}

struct Visitor<T> {
    null_is_on: bool,
    body: PhantomData<T>,
}

impl<'de, T: Deserialize<'de> + Default> de::Visitor<'de> for Visitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Option<T>, A::Error> {
        let state: u8 = parts.next_element()?.unwrap_or(State::On as u8);
        if state == State::Null as u8 {
            return Ok(self.null_is_on.then(T::default));
        }
        // Decoded even when switched off, so that its mistakes are found.
        let body: Option<T> = parts.next_element()?;
        Ok(body.filter(|_| state == State::On as u8))
    }
}
