//! Two groups of settings in one mapping, where serde's `flatten` would lose
//! the position of unknown keys.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::marker::PhantomData;

/// The name by which the decoder of this crate knows a pair of groups.
pub(crate) const BESIDE: &str = "settings::Beside";

/// The settings of `A` and of `B` written side by side in one mapping, as a
/// receiver's own settings stand beside those of its HTTP server. Each takes
/// the keys it knows; a key that neither knows is an error. A key that both
/// know goes to both. Only [`crate::decode`] can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Beside<A, B> {
    /// The component's own settings.
    #[serde(flatten)]
    pub own: A,
    /// The settings it shares with others.
    #[serde(flatten)]
    pub shared: B,
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Deserialize<'de> for Beside<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple_struct(BESIDE, 2, Visitor(PhantomData))
    }
}

impl<A: crate::Validate, B: crate::Validate> crate::Validate for Beside<A, B> {
    fn validate(&self, at: &mut crate::At<'_>) {
        self.own.validate(at);
        self.shared.validate(at);
    }
}

struct Visitor<A, B>(PhantomData<(A, B)>);

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> de::Visitor<'de> for Visitor<A, B> {
    type Value = Beside<A, B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_seq<S: de::SeqAccess<'de>>(self, mut groups: S) -> Result<Beside<A, B>, S::Error> {
        let missing = || de::Error::custom("two groups of settings expected");
        let own = groups.next_element()?.ok_or_else(missing)?;
        let shared = groups.next_element()?.ok_or_else(missing)?;
        Ok(Beside { own, shared })
    }
}
