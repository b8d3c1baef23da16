//! Errors of serde, with the place they belong to.

use super::words::{described, expectation, kind_of, unknown_choice, unknown_key};
use crate::node::{Node, Value};
use crate::origin::Origin;
use serde::de;
use std::fmt;

/// Where a value stands: this decides what null means there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The body that is decoded: null is an empty mapping.
    Root,
    /// A field of a struct: null keeps the field's default.
    Field,
    /// A value under a free key: null is an empty mapping, or an error.
    MapValue,
    /// An element of a list: null is an error.
    Element,
}

/// What can go wrong.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// Not yet known where: the nearest value around it will say.
    Bare(Mistake),
    /// Known.
    At(Box<Located>),
}

/// A mistake before it has a place.
#[derive(Debug)]
pub(super) enum Mistake {
    /// The value is of another type.
    Expected(String),
    /// A required setting is not there.
    Missing(&'static str),
    /// A setting is there under two names.
    Twice(&'static str),
    /// A finished sentence.
    Says(String),
    /// Nothing is wrong with this value beyond what is reported already.
    Known,
    /// Null where null keeps the default.
    Null,
}

/// A mistake with its place.
#[derive(Debug)]
pub(super) struct Located {
    /// The value to leave out.
    pub(super) node: *const Node,
    /// Origin, path and message; nothing where there is nothing to report.
    pub(super) problem: Option<(Origin, String, String)>,
    /// Left out because it is null.
    pub(super) null: bool,
}

impl DecodeError {
    /// An integer, a string and so on was expected.
    pub(super) fn expected(what: impl Into<String>) -> Self {
        Self::Bare(Mistake::Expected(what.into()))
    }

    pub(super) fn says(what: impl Into<String>) -> Self {
        Self::Bare(Mistake::Says(what.into()))
    }

    /// Leaves a value out without a word.
    pub(super) fn silently(node: &Node) -> Self {
        Self::At(Box::new(Located {
            node,
            problem: None,
            null: false,
        }))
    }

    /// The same error, reported at another origin.
    pub(super) fn standing_at(mut self, origin: &Origin) -> Self {
        if let Self::At(at) = &mut self
            && let Some((known, ..)) = &mut at.problem
        {
            *known = origin.clone();
        }
        self
    }

    /// Gives the error a place, unless it has one.
    pub(super) fn located(self, node: &Node, path: &str, place: Place) -> Self {
        self.located_as(node, path, place, false)
    }

    /// Likewise; values of secrets are not shown.
    pub(super) fn located_as(self, node: &Node, path: &str, place: Place, secret: bool) -> Self {
        let Self::Bare(mistake) = self else {
            return self;
        };
        let (message, null) = match mistake {
            Mistake::Expected(_) if node.is_null() && place == Place::Field => (None, true),
            Mistake::Expected(what) if node.is_null() => {
                (Some(format!("expected {what}, got nothing")), false)
            }
            Mistake::Expected(what) => (Some(expected(&what, node, secret)), false),
            Mistake::Missing(field) => (Some(missing(field)), false),
            Mistake::Twice(field) => (Some(twice(field)), false),
            Mistake::Says(message) => (Some(message), false),
            Mistake::Known => (None, false),
            Mistake::Null => (None, true),
        };
        Self::At(Box::new(Located {
            node,
            problem: message.map(|text| (node.origin.clone(), path.to_owned(), text)),
            null,
        }))
    }
}

pub(super) fn missing(field: &str) -> String {
    format!("\"{field}\" must be specified")
}

fn twice(field: &str) -> String {
    format!("\"{field}\" is given twice, once under another name")
}

fn expected(what: &str, node: &Node, secret: bool) -> String {
    let got = match secret {
        true => kind_of(node).to_owned(),
        false => described(node),
    };
    let mut message = format!("expected {what}, got {got}");
    let scalar = matches!(node.value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
    if what == "a string" && scalar {
        match &node.text {
            Some(text) if !secret && node.origin.reference.is_none() => {
                message.push_str(&format!("; put it in quotes: \"{text}\""));
            }
            _ => message.push_str("; put it in quotes"),
        }
    }
    message
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(mistake) => write!(f, "{mistake:?}"),
            Self::At(at) => match &at.problem {
                Some((_, path, message)) => write!(f, "{path}: {message}"),
                None => f.write_str("left out"),
            },
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::says(message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::expected(expectation(&expected.to_string()))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::expected(expectation(&expected.to_string()))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        let what = expected.to_string();
        Self::says(format!("expected {what}, got {length} elements"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::says(unknown_choice(variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::says(unknown_key(field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Bare(Mistake::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Bare(Mistake::Twice(field))
    }
}
