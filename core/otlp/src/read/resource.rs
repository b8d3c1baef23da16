//! What the three signals share: resources, scopes, and the two levels of
//! messages that hold the records.

use super::messages::{Decode, Extent, Messages};
use super::value::{Attributes, next_field};
use crate::wire::Fields;

/// The producer of telemetry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resource<'a> {
    attributes: Attributes<'a>,
    dropped_attributes_count: u32,
    encoded: &'a [u8],
}

impl<'a> Resource<'a> {
    /// Its attributes.
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// How many attributes the producer discarded.
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// The content of the `Resource` message, entity references and unknown
    /// fields included. Equal bytes are equal resources.
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> Decode<'a> for Resource<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut resource = Resource {
            encoded: message,
            ..Resource::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => attributes.include(&field),
                2 => resource.dropped_attributes_count = field.u32(),
                _ => {}
            }
        }
        resource.attributes = attributes.attributes(message, 1);
        resource
    }
}

/// The instrumentation scope of telemetry: usually a library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    name: &'a str,
    version: &'a str,
    attributes: Attributes<'a>,
    dropped_attributes_count: u32,
    encoded: &'a [u8],
}

impl<'a> Scope<'a> {
    /// The name, often empty.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The version, often empty.
    pub const fn version(&self) -> &'a str {
        self.version
    }

    /// Its attributes.
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// How many attributes the producer discarded.
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// The content of the `InstrumentationScope` message, unknown fields
    /// included. Equal bytes are equal scopes.
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> Decode<'a> for Scope<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut scope = Scope {
            encoded: message,
            ..Scope::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => scope.name = field.str(),
                2 => scope.version = field.str(),
                3 => attributes.include(&field),
                4 => scope.dropped_attributes_count = field.u32(),
                _ => {}
            }
        }
        scope.attributes = attributes.attributes(message, 3);
        scope
    }
}

/// The message in a field that occurs at most once.
#[inline]
fn only<'a, T: Decode<'a> + Default>(mut message: &'a [u8], number: u32) -> T {
    next_field(&mut message, number).map_or_else(T::default, |field| T::decode(field.bytes()))
}

/// The last value of a string field.
#[inline]
fn last_str(message: &[u8], number: u32) -> &str {
    Fields::new(message)
        .filter(|field| field.number == number)
        .last()
        .map_or("", |field| field.str())
}

/// Both levels above the records are the same three fields in every signal:
/// 1 the resource or scope, 2 what is inside, 3 the schema's URL.
macro_rules! level {
    ($(#[$doc:meta])* $name:ident: $head:ident -> $head_type:ident, $items:ident -> $item:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a> {
            encoded: &'a [u8],
        }

        impl<'a> $name<'a> {
            #[doc = concat!("The ", stringify!($head), "; an empty one when it was left out.")]
            pub fn $head(&self) -> $head_type<'a> {
                only(self.encoded, 1)
            }

            #[doc = concat!("The ", stringify!($items), " in it, in order.")]
            pub const fn $items(&self) -> Messages<'a, $item<'a>> {
                Messages::new(self.encoded, 2)
            }

            #[doc = concat!("The schema of the ", stringify!($head), "'s names; often empty.")]
            ///
            /// Looked up at each call by a walk over the whole message, because it
            /// usually comes last.
            pub fn schema_url(&self) -> &'a str {
                last_str(self.encoded, 3)
            }

            /// The content of the message.
            pub const fn encoded(&self) -> &'a [u8] {
                self.encoded
            }
        }

        impl<'a> Decode<'a> for $name<'a> {
            #[inline]
            fn decode(message: &'a [u8]) -> Self {
                $name { encoded: message }
            }
        }
    };
}

use super::{LogRecord, Metric, Span};

level! {
    /// The log records of one resource.
    ResourceLogs: resource -> Resource, scopes -> ScopeLogs
}
level! {
    /// The log records of one scope of a resource.
    ScopeLogs: scope -> Scope, records -> LogRecord
}
level! {
    /// The spans of one resource.
    ResourceSpans: resource -> Resource, scopes -> ScopeSpans
}
level! {
    /// The spans of one scope of a resource.
    ScopeSpans: scope -> Scope, spans -> Span
}
level! {
    /// The metrics of one resource.
    ResourceMetrics: resource -> Resource, scopes -> ScopeMetrics
}
level! {
    /// The metrics of one scope of a resource.
    ScopeMetrics: scope -> Scope, metrics -> Metric
}
