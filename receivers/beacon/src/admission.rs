//! Who may send, and how much.

mod attributes;
mod bots;
mod duplicates;
mod keys;
mod origin;
mod proxy;
mod rate;
mod sample;
mod token;

pub use attributes::OTHER;
pub(crate) use attributes::{Rules, covers, is_event_name};
pub(crate) use bots::{Synthetic, synthetic};
pub(crate) use duplicates::{Duplicates, Seen};
pub(crate) use keys::{KeyProblem, Keys, Shown, Site};
pub(crate) use origin::{Origins, origin_of};
pub(crate) use proxy::UnnamedProxy;
pub(crate) use rate::{Buckets, client_of};
