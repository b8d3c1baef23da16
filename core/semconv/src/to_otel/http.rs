//! HTTP method and version.

use otlp::Value;

use super::event::Field;
use super::place::Mapping;
use crate::convert::{Converted, text};
use crate::table::{Entry, id};

/// The methods of the semantic conventions.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];

impl<'a> Mapping<'_, '_, 'a> {
    /// A known method as it is; in another case upper-cased; any other `_OTHER`. The last two with their original.
    pub(super) fn method(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let Some(original) = text(self.arena, field.value) else {
            return self.keep(field, entry);
        };
        let known = METHODS
            .iter()
            .find(|method| method.eq_ignore_ascii_case(original));
        let method = known.copied().unwrap_or("_OTHER");
        let converted = match field.value {
            Value::String(same) if same == method => Converted::Same,
            _ => Converted::New(Value::String(method)),
        };
        self.place(field, entry, converted);
        if original != method {
            self.fill(id::HTTP_REQUEST_METHOD_ORIGINAL, Value::String(original));
        }
    }

    /// Without `HTTP/`, `2.0` as `2`, `3.0` as `3`.
    pub(super) fn http_version(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let Some(version) = text(self.arena, field.value) else {
            return self.keep(field, entry);
        };
        let cut = match version.split_at_checked(5) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("HTTP/") => rest,
            _ => version,
        };
        let short = match cut {
            "2.0" => "2",
            "3.0" => "3",
            other => other,
        };
        let converted = match field.value {
            Value::String(same) if same == short => Converted::Same,
            _ => Converted::New(Value::String(short)),
        };
        self.place(field, entry, converted);
        self.http_version = self.owner(entry.target) == Some(Value::String(short));
    }
}
