//! Header-style mappings: `{name: value}` or a list of `{name, value}`.

use crate::secret::{SECRET, Secret};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Names with secret values, in the order of writing: HTTP headers, gRPC
/// metadata. Names are compared without case and occur once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Secret)>);

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header.
    ///
    /// # Errors
    /// A sentence when the name is no header name or is there already.
    pub fn insert(&mut self, name: impl Into<String>, value: Secret) -> Result<(), String> {
        let name = name.into();
        if !is_token(&name) {
            return Err(format!("\"{name}\" is not a header name"));
        }
        if self.get(&name).is_some() {
            return Err(format!("the header \"{name}\" is given twice"));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The value of a header.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let found = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Number of headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// RFC 9110, 5.6.2.
fn is_token(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(good)
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Marked as secret: messages must not show what was written.
        deserializer.deserialize_newtype_struct(SECRET, Visitor)
    }
}

/// One element of the list form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: Secret,
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of names to values, or a list of {name, value}")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Headers, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::new();
        while let Some((name, value)) = map.next_entry::<String, Secret>()? {
            headers.insert(name, value).map_err(de::Error::custom)?;
        }
        Ok(headers)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::new();
        while let Some(Header { name, value }) = list.next_element()? {
            headers.insert(name, value).map_err(de::Error::custom)?;
        }
        Ok(headers)
    }
}
