//! How the tables' files are written.

use parquet::basic::{Compression, Encoding as ParquetEncoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::column::Encoding;
use crate::tables::TableSpec;

/// What can be chosen about files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParquetSettings {
    /// zstd level, 1 to 22. Default 1: new files are written once and soon compacted; level 3
    /// costs half as much CPU again for a few percent, and is what compaction uses.
    pub zstd_level: i32,
    /// Rows expected in a row group; sizes the Bloom filters.
    pub rows_a_group: usize,
}

impl Default for ParquetSettings {
    fn default() -> Self {
        Self {
            zstd_level: 1,
            rows_a_group: 65_536,
        }
    }
}

/// Encoded bytes at which a row group ends at the latest.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Writer properties for files of `spec`: format version 1 for the widest choice of readers,
/// delta encodings for times and ids, no dictionaries where values hardly repeat.
///
/// Row groups end where the caller flushes, at 32 MiB at the latest: they are sized in bytes, not
/// in rows.
pub fn parquet_properties(spec: &TableSpec, settings: ParquetSettings) -> WriterProperties {
    let level = ZstdLevel::try_new(settings.zstd_level.clamp(1, 22)).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("pharos ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_truncate_length(Some(64));
    for column in spec.columns() {
        let path = || ColumnPath::from(column.name.as_ref());
        builder = match column.encoding {
            Encoding::Dictionary => builder,
            Encoding::Plain => builder.set_column_dictionary_enabled(path(), false),
            Encoding::DeltaNumbers => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), ParquetEncoding::DELTA_BINARY_PACKED),
            Encoding::DeltaText => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), ParquetEncoding::DELTA_BYTE_ARRAY),
        };
        if !column.statistics && !column.data_type.is_nested() {
            builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::None);
        }
        if column.bloom {
            let distinct = settings.rows_a_group.clamp(1024, 1 << 20) as u64;
            builder = builder
                .set_column_bloom_filter_enabled(path(), true)
                .set_column_bloom_filter_fpp(path(), 0.01)
                .set_column_bloom_filter_max_ndv(path(), distinct);
        }
    }
    for leaf in nested_leaves(spec) {
        // Nobody skips pages by the smallest key of a map.
        builder = builder.set_column_statistics_enabled(leaf, EnabledStatistics::None);
    }
    builder.build()
}

/// Paths of the leaves inside maps and lists.
fn nested_leaves(spec: &TableSpec) -> Vec<ColumnPath> {
    let mut leaves = Vec::new();
    for field in spec.schema().fields() {
        if field.data_type().is_nested() {
            walk(vec![field.name().clone()], field.data_type(), &mut leaves);
        }
    }
    leaves
}

fn walk(path: Vec<String>, data_type: &arrow_schema::DataType, leaves: &mut Vec<ColumnPath>) {
    use arrow_schema::DataType;
    let below = |steps: &[&str]| {
        let mut path = path.clone();
        path.extend(steps.iter().map(|step| (*step).to_owned()));
        path
    };
    match data_type {
        DataType::List(item) => walk(below(&["list", item.name()]), item.data_type(), leaves),
        DataType::Map(entries, _) => {
            if let DataType::Struct(fields) = entries.data_type() {
                for field in fields {
                    let path = below(&[entries.name(), field.name()]);
                    walk(path, field.data_type(), leaves);
                }
            }
        }
        DataType::Struct(fields) => {
            for field in fields {
                walk(below(&[field.name()]), field.data_type(), leaves);
            }
        }
        _ => leaves.push(ColumnPath::new(path)),
    }
}
