//! Everything that is proven against `prost` and the protocol, in one binary.

#![allow(missing_docs)]

mod edit;
mod generate;
mod structs;

mod accept;
mod agree;
mod json;
mod legal_forms;
mod join;
mod read;
mod split;
mod write;
