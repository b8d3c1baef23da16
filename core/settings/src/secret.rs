//! Text that must not be printed.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cell::Cell;
use std::fmt;

/// What is printed in place of a secret.
pub const REDACTED: &str = "[REDACTED]";

/// The name by which the decoder of this crate knows a secret: its messages
/// then do not show the value.
pub(crate) const SECRET: &str = "settings::Secret";

thread_local! {
    static UNREDACTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with secrets serialized in clear, on this thread only; for
/// `print-config --mode unredacted`. `Debug` stays redacted.
pub fn unredacted<R>(work: impl FnOnce() -> R) -> R {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            UNREDACTED.set(self.0);
        }
    }
    let _reset = Reset(UNREDACTED.replace(true));
    work()
}

/// A password, token or key: printed as `[REDACTED]` everywhere, read with
/// [`Secret::expose`]. An empty secret prints as empty, so that one can see
/// that it is missing.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { REDACTED })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match UNREDACTED.get() || self.0.is_empty() {
            true => serializer.serialize_str(&self.0),
            false => serializer.serialize_str(REDACTED),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SECRET, Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Secret, D::Error> {
        String::deserialize(inner).map(Secret)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_printed_unless_asked_on_this_thread() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {secret}"), "[REDACTED] [REDACTED]");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[REDACTED]\"");
        let clear = unredacted(|| {
            let elsewhere = std::thread::scope(|scope| {
                let print = scope.spawn(|| serde_json::to_string(&secret).unwrap());
                print.join().unwrap()
            });
            assert_eq!(elsewhere, "\"[REDACTED]\"");
            serde_json::to_string(&secret).unwrap()
        });
        assert_eq!(clear, "\"hunter2\"");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[REDACTED]\"");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{:?}", Secret::default()), "");
    }
}
