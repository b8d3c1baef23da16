//! Directories of Parquet files, with folders such as `date=2026-11-20` as columns.

use std::sync::Arc;

use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::datasource::file_format::parquet::ParquetFormat;
use deltalake::datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use deltalake::datafusion::execution::SessionState;
use deltalake::logstore::LogStoreRef;
use deltalake::logstore::object_store::ObjectStore;
use futures::TryStreamExt;

use crate::open::DataFile;
use crate::source::{TableInfo, is_data_file};

/// The directory as a table, and its files as they are now.
pub(crate) async fn open(
    info: &TableInfo,
    log_store: &LogStoreRef,
    state: &SessionState,
) -> Result<(Arc<dyn TableProvider>, Vec<DataFile>), String> {
    if info.url.scheme() != "file" {
        let root = info.url.join("/").map_err(|error| error.to_string())?;
        state
            .runtime_env()
            .register_object_store(&root, log_store.root_object_store(None));
    }
    let files = files(log_store).await?;
    let partitions = partitions(&files)?;
    let folder = ListingTableUrl::try_new(info.url.clone(), None)
        .map_err(|error| error.strip_backtrace())?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
        .with_file_extension(".parquet")
        .with_table_partition_cols(partitions);
    let schema = options
        .infer_schema(state, &folder)
        .await
        .map_err(|error| error.strip_backtrace())?;
    let config = ListingTableConfig::new(folder)
        .with_listing_options(options)
        .with_schema(schema);
    let table = ListingTable::try_new(config).map_err(|error| error.strip_backtrace())?;
    Ok((Arc::new(table), files))
}

async fn files(log_store: &LogStoreRef) -> Result<Vec<DataFile>, String> {
    let store = log_store.object_store(None);
    let mut files: Vec<DataFile> = store
        .list(None)
        .try_filter_map(async |object| {
            let file = DataFile {
                path: object.location.to_string(),
                bytes: object.size,
            };
            Ok(is_data_file(&object.location).then_some(file))
        })
        .try_collect()
        .await
        .map_err(|error| error.to_string())?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Names and types of the columns that the folders hold.
fn partitions(files: &[DataFile]) -> Result<Vec<(String, DataType)>, String> {
    let Some(first) = files.first() else {
        return Ok(Vec::new());
    };
    let names: Vec<&str> = folders(&first.path).map(|(name, _)| name).collect();
    for file in files {
        if !folders(&file.path)
            .map(|(name, _)| name)
            .eq(names.iter().copied())
        {
            return Err(format!(
                "{} is in folders of other names than {}",
                file.path, first.path
            ));
        }
    }
    let typed = names.iter().enumerate().map(|(level, name)| {
        let values = files
            .iter()
            .filter_map(|file| folders(&file.path).nth(level))
            .map(|(_, value)| value);
        ((*name).to_owned(), value_type(values))
    });
    Ok(typed.collect())
}

/// The `name=value` folders of a path.
pub(crate) fn folders(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders
        .split('/')
        .filter_map(|folder| folder.split_once('='))
}

/// Days are dates, numbers without leading zeros are numbers, the rest is text.
fn value_type<'a>(values: impl Iterator<Item = &'a str> + Clone) -> DataType {
    if values.clone().all(is_day) {
        DataType::Date32
    } else if values.clone().all(is_number) {
        DataType::Int64
    } else {
        DataType::Utf8
    }
}

fn is_day(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && ("01"..="12").contains(&&value[5..7])
        && ("01"..="31").contains(&&value[8..10])
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    value.parse::<i64>().is_ok()
        && (digits == "0" || !digits.starts_with('0'))
        && !value.starts_with('+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_types() {
        let days = ["2026-11-20", "2026-01-02"];
        assert_eq!(value_type(days.into_iter()), DataType::Date32);
        assert_eq!(
            value_type(["2026-11-20", "today"].into_iter()),
            DataType::Utf8
        );
        assert_eq!(
            value_type(["1", "22", "-3", "0"].into_iter()),
            DataType::Int64
        );
        // An hour that is written 07 is to be found as '07'.
        assert_eq!(value_type(["07", "12"].into_iter()), DataType::Utf8);
    }

    #[test]
    fn folders_that_differ_are_refused() {
        let file = |path: &str| DataFile {
            path: path.to_owned(),
            bytes: 1,
        };
        let good = partitions(&[
            file("date=2026-11-20/hour=07/a.parquet"),
            file("date=2026-11-21/hour=08/b.parquet"),
        ]);
        let expected = vec![
            ("date".to_owned(), DataType::Date32),
            ("hour".to_owned(), DataType::Utf8),
        ];
        assert_eq!(good, Ok(expected));
        let mixed = partitions(&[file("date=2026-11-20/a.parquet"), file("b.parquet")]);
        assert!(mixed.is_err_and(|error| error.contains("b.parquet")));
    }
}
