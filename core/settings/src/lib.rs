//! The configuration tree: YAML with the position of every value, merged from
//! several sources, with `${…}` expanded, decoded into typed settings. All
//! problems of a configuration are collected in one run, each with its file,
//! line and column. This crate knows no components and does no async I/O.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use settings::{At, ByteSize, FixedEnvironment, Problems, Source, Validate};
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     endpoint: String,
//!     max_batch: ByteSize,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Self { endpoint: "localhost:4317".to_owned(), max_batch: ByteSize::mib(4) }
//!     }
//! }
//!
//! impl Validate for Config {
//!     fn validate(&self, at: &mut At<'_>) {
//!         if self.max_batch.get() == 0 {
//!             at.error("max_batch", "must be above 0");
//!         }
//!     }
//! }
//!
//! let files = FixedEnvironment::new()
//!     .with_file("c.yaml", "exporters:\n  otlp:\n    endpont: a:1\n    max_batch: 0\n");
//! let mut problems = Problems::new();
//! let tree = settings::load(&[Source::new("c.yaml")], &[], &files, &mut problems);
//! let tree = tree.expect("the file is there");
//! let body = tree.get("exporters").and_then(|e| e.get("otlp")).expect("it is written");
//! let config: Option<Config> = settings::decode_valid(body, "exporters::otlp", &mut problems);
//! assert!(config.is_none());
//! assert_eq!(
//!     problems.to_string(),
//!     "c.yaml:3:5: exporters::otlp: unknown key \"endpont\"; did you mean \"endpoint\"? \
//!      (allowed: endpoint, max_batch)"
//! );
//! ```

mod address;
mod beside;
mod byte_size;
mod decode;
mod defaults;
mod duration;
mod environment;
mod expand;
mod headers;
mod id;
mod load;
mod merge;
mod nearest;
mod node;
mod optional;
mod origin;
mod print;
mod problems;
mod rate;
mod reference;
mod scalar;
mod secret;
mod validate;
mod yaml;

pub use address::{Address, AddressError};
pub use beside::Beside;
pub use byte_size::{ByteSize, ByteSizeError};
pub use decode::{check_defaults, decode, decode_with_defaults};
pub use duration::{Duration, DurationError};
pub use environment::{Environment, FixedEnvironment, MAX_TEXT, ProcessEnvironment};
pub use expand::{MAX_EXPANDED, MAX_REFERENCES};
pub use headers::Headers;
pub use id::{ComponentId, IdError, PipelineId, Signal};
pub use load::{Source, load};
pub use nearest::nearest;
pub use node::{Entry, Map, Node, Value};
pub use optional::{OffByDefault, OnByDefault, Optional};
pub use origin::{Origin, SourceKind, SourceName};
pub use print::{PrintError, to_json, to_tree, to_yaml};
pub use problems::{Problem, Problems, Severity};
pub use rate::{Rate, RateError};
pub use secret::{REDACTED, Secret, unredacted};
pub use validate::{At, Validate, decode_valid};
pub use yaml::{MAX_BYTES, MAX_DEPTH, MAX_NODES, parse};
