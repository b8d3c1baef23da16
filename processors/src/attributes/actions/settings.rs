//! An action as it is configured.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use settings::{At, Validate};

use crate::attributes::convert::ConvertedType;

/// What an action does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Sets the value where the key is absent.
    #[default]
    #[serde(alias = "INSERT")]
    Insert,
    /// Sets the value where the key is present.
    #[serde(alias = "UPDATE")]
    Update,
    /// Sets the value.
    #[serde(alias = "UPSERT")]
    Upsert,
    /// Removes the key, or all keys that match the pattern.
    #[serde(alias = "DELETE")]
    Delete,
    /// Replaces the value by its SHA-1 hash in hex.
    #[serde(alias = "HASH")]
    Hash,
    /// Sets an attribute for each named group of the pattern that matches the value.
    #[serde(alias = "EXTRACT")]
    Extract,
    /// Converts the value.
    #[serde(alias = "CONVERT")]
    Convert,
}

/// One action, as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// The attribute it is about.
    pub key: String,
    /// What it does.
    pub action: Option<ActionKind>,
    /// The new value.
    pub value: Option<Json>,
    /// Takes the new value from this attribute; without it nothing happens.
    pub from_attribute: Option<String>,
    /// Takes the new value from the request: `metadata.<header>`, `auth.<attribute>`, `client.address`.
    /// Several values are joined with `;`.
    pub from_context: Option<String>,
    /// The new value where `from_attribute` or `from_context` finds none.
    pub default_value: Option<Json>,
    /// Regular expression: of keys for `delete` and `hash`, of the value for `extract`.
    pub pattern: Option<String>,
    /// Target of `convert`: int, double or string.
    pub converted_type: Option<ConvertedType>,
}

impl Validate for Action {
    fn validate(&self, at: &mut At<'_>) {
        let Some(kind) = self.action else {
            at.error(
                "action",
                "is required: insert, update, upsert, delete, hash, extract or convert",
            );
            return;
        };
        let by_pattern = matches!(kind, ActionKind::Delete | ActionKind::Hash);
        if by_pattern && self.key.is_empty() && self.pattern.is_none() {
            at.error("key", "is required, or a pattern of keys");
        } else if !by_pattern && self.key.is_empty() {
            at.error("key", "is required");
        }
        if kind.puts() {
            self.check_source(at);
        }
        if kind == ActionKind::Convert && self.converted_type.is_none() {
            at.error(
                "converted_type",
                "is required for convert: int, double or string",
            );
        }
        match (&self.pattern, kind) {
            (None, ActionKind::Extract) => at.error("pattern", "is required for extract"),
            (Some(pattern), _) => check_pattern(pattern, kind, at),
            _ => {}
        }
        self.check_unused(kind, at);
    }
}

impl ActionKind {
    /// Whether it writes a value that the settings name.
    fn puts(self) -> bool {
        matches!(
            self,
            ActionKind::Insert | ActionKind::Update | ActionKind::Upsert
        )
    }
}

impl Action {
    fn check_source(&self, at: &mut At<'_>) {
        let sources = [
            self.value.is_some(),
            self.from_attribute.is_some(),
            self.from_context.is_some(),
        ];
        match sources.iter().filter(|given| **given).count() {
            0 if self.default_value.is_none() => {
                at.error("", "needs a value, from_attribute or from_context");
            }
            0 | 1 => {}
            _ => at.error(
                "",
                "expected only one of value, from_attribute and from_context",
            ),
        }
        if self.value.is_some() && self.default_value.is_some() {
            at.error("default_value", "is never used beside value");
        }
    }

    /// Reports settings that the action does not look at.
    fn check_unused(&self, kind: ActionKind, at: &mut At<'_>) {
        let puts = kind.puts();
        let by_pattern = matches!(
            kind,
            ActionKind::Delete | ActionKind::Hash | ActionKind::Extract
        );
        for (key, given, used) in [
            ("value", self.value.is_some(), puts),
            ("from_attribute", self.from_attribute.is_some(), puts),
            ("from_context", self.from_context.is_some(), puts),
            ("default_value", self.default_value.is_some(), puts),
            ("pattern", self.pattern.is_some(), by_pattern),
            (
                "converted_type",
                self.converted_type.is_some(),
                kind == ActionKind::Convert,
            ),
        ] {
            if given && !used {
                at.error(key, "is not used by this action: remove it");
            }
        }
    }
}

fn check_pattern(pattern: &str, kind: ActionKind, at: &mut At<'_>) {
    match Regex::new(pattern) {
        Err(error) => at.error("pattern", format_args!("is no regular expression: {error}")),
        Ok(regex) if kind == ActionKind::Extract => {
            let groups: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
            if groups.is_empty() || groups.contains(&None) {
                at.error(
                    "pattern",
                    "must have named groups and no others: (?P<name>...)",
                );
            }
        }
        Ok(_) => {}
    }
}
