//! The configuration tree: YAML with the position of every value, merged from
//! several sources, with `${…}` expanded, decoded into typed settings. All
//! problems of a configuration are collected in one run, each with its file,
//! line and column. This crate knows no components and does no async I/O.

mod byte_size;
mod decode;
mod duration;
mod environment;
mod id;
mod load;
mod nearest;
mod node;
mod optional;
mod origin;
mod print;
mod problems;
mod secret;
mod validate;

pub use byte_size::{ByteSize, ByteSizeError};
pub use decode::decode;
pub use duration::{Duration, DurationError};
pub use environment::{Environment, FixedEnvironment, MAX_TEXT, ProcessEnvironment};
pub use id::{ComponentId, IdError, PipelineId, Signal};
pub use load::{Source, load};
pub use nearest::nearest;
pub use node::{Entry, Map, Node, Value};
pub use optional::{OffByDefault, OnByDefault, Optional};
pub use origin::{Origin, SourceKind, SourceName};
pub use print::{PrintError, to_json, to_yaml};
pub use problems::{Problem, Problems, Severity};
pub use secret::{REDACTED, Secret, unredacted};
pub use validate::{At, Validate, decode_valid};
