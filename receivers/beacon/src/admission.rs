//! Who may send, and how much.

mod bots;
mod duplicates;
mod keys;
mod origin;
mod proxy;
mod rate;

pub(crate) use bots::{Synthetic, synthetic};
pub(crate) use duplicates::{Duplicates, Seen};
pub(crate) use keys::{KeyProblem, Keys, Site};
pub(crate) use origin::Origins;
pub(crate) use proxy::UnnamedProxy;
pub(crate) use rate::{Buckets, client_of};
