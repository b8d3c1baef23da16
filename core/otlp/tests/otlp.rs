//! Everything that is proven against `prost` and the protocol, in one binary.

#![allow(missing_docs, unreachable_pub)]

mod edit;
mod generate;
mod structs;

mod accept;
mod agree;
mod join;
mod json;
mod legal_forms;
mod read;
mod split;
mod write;
