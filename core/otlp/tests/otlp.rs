//! Everything that is proven against `prost` and the protocol, in one binary.

#![allow(missing_docs)]

mod generate;
mod structs;

mod read;
