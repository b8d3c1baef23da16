//! `encoding`, `mapping`, `compression`: what is in a file, and how its name ends.

use serde::{Deserialize, Serialize};

/// `encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Rows of a table, compressed inside.
    #[default]
    Parquet,
    /// Rows of a table as comma separated values with a header (RFC 4180).
    Csv,
    /// Rows of a table, one JSON object a line.
    JsonLines,
    /// OTLP/JSON, one request a line, as upstream's `file` exporter writes it.
    OtlpJson,
    /// OTLP protobuf, each request behind its length in four bytes, big endian, as upstream's
    /// `file` exporter writes it.
    OtlpProto,
}

/// `mapping`: the columns of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapping {
    /// Those of the tables `otel_logs`, `otel_traces` and `otel_metrics`.
    #[default]
    Otel,
    /// Those of the table `ecs_events`; log records only.
    Ecs,
}

/// `compression` of a whole file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Encoding {
    /// Whether a file holds rows of a table, not OTLP requests.
    pub fn has_rows(self) -> bool {
        matches!(
            self,
            Encoding::Parquet | Encoding::Csv | Encoding::JsonLines
        )
    }

    /// What the names of files end with, without the dot.
    pub(crate) fn extension(self, compression: Compression) -> String {
        let kind = match self {
            Encoding::Parquet => "parquet",
            Encoding::Csv => "csv",
            Encoding::JsonLines | Encoding::OtlpJson => "jsonl",
            Encoding::OtlpProto => "binpb",
        };
        match compression {
            Compression::None => kind.to_owned(),
            Compression::Gzip => format!("{kind}.gz"),
            Compression::Zstd => format!("{kind}.zst"),
        }
    }
}
