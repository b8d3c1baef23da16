//! What the files exporter promises to its tail, in a directory.

mod contract;
mod encodings;
mod settings;
