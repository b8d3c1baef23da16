//! Everything that is proven against `prost` and the protocol, in one binary.

#![allow(missing_docs)]

mod generate;
mod structs;

mod accept;
mod json;
mod legal_forms;
mod read;
mod write;
