//! Where tables are, and which are there.

use std::path::Path as FilePath;
use std::sync::Arc;

use deltalake::DeltaTableBuilder;
use deltalake::logstore::LogStoreRef;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{Error as StoreError, ObjectStore};
use futures::{StreamExt, TryStreamExt};
use lake_table::Location;
use url::Url;

use crate::error::QueryError;

/// Files that are looked at to find out whether a folder of a bucket holds Parquet.
const LOOKED_AT: usize = 1_000;
/// Folders that are looked into at once.
const AT_ONCE: usize = 16;

/// A lake: a directory or a prefix in a bucket, with a folder for each table.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    place: Option<Location>,
}

/// What a table is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Delta table.
    Delta,
    /// A directory of Parquet files, perhaps in folders such as `date=2026-11-20`.
    Parquet,
}

impl Form {
    /// `delta` or `parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Form::Delta => "delta",
            Form::Parquet => "parquet",
        }
    }
}

/// A table that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Name of the lake, the schema of the table in SQL.
    pub lake: String,
    /// Name of the folder.
    pub name: String,
    /// What it is made of.
    pub form: Form,
    /// Where it is.
    pub url: Url,
}

impl Source {
    /// The lake at `location`: a directory, or `s3://bucket/prefix` with options under the names
    /// of delta-rs. A directory that does not exist is a lake without tables; it is not made.
    /// The lake's `name` is the schema of its tables in SQL.
    ///
    /// # Errors
    /// When the location or an option cannot be understood.
    pub fn open<'a>(
        name: impl Into<String>,
        location: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Source, QueryError> {
        let directory = location.strip_prefix("file://").unwrap_or(location);
        let is_local = !directory.contains("://");
        let place = if is_local && !directory.is_empty() && !FilePath::new(directory).exists() {
            None
        } else {
            Some(
                Location::parse(location, options)
                    .map_err(|e| QueryError::Location(e.to_string()))?,
            )
        };
        Ok(Source {
            name: name.into(),
            text: location.to_owned(),
            place,
        })
    }

    /// The lake's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The location as it was given.
    pub fn location(&self) -> &str {
        &self.text
    }

    /// All tables, by name.
    ///
    /// # Errors
    /// When the place cannot be listed.
    pub async fn tables(&self) -> Result<Vec<TableInfo>, QueryError> {
        let Some(root) = self.root()? else {
            return Ok(Vec::new());
        };
        let store = root.object_store(None);
        let listing = match store.list_with_delimiter(None).await {
            Ok(listing) => listing,
            Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let names: Vec<String> = (listing.common_prefixes.iter())
            .filter_map(|prefix| prefix.filename().map(str::to_owned))
            .collect();
        let itself = itself(
            &names,
            listing.objects.iter().map(|object| &object.location),
        );
        if let Some(form) = itself {
            return Ok(vec![TableInfo {
                form,
                ..self.table(self.own_name(), root.root_url().clone())
            }]);
        }
        let probed = futures::stream::iter(names.into_iter().filter(|name| is_table_name(name)))
            .map(|name| self.probe(&store, name))
            .buffered(AT_ONCE);
        let mut tables: Vec<TableInfo> = probed
            .try_filter_map(async |found| Ok(found))
            .try_collect()
            .await?;
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tables)
    }

    /// The table `name`, without looking at any other, unless there is none in a folder of just
    /// this name.
    ///
    /// # Errors
    /// When the place cannot be listed.
    pub async fn find(&self, name: &str) -> Result<Option<TableInfo>, QueryError> {
        let Some(root) = self.root()? else {
            return Ok(None);
        };
        if is_table_name(name)
            && let Some(found) = self
                .probe(&root.object_store(None), name.to_owned())
                .await?
        {
            return Ok(Some(found));
        }
        let tables = self.tables().await?;
        Ok(tables
            .into_iter()
            .find(|table| table.name.eq_ignore_ascii_case(name)))
    }

    /// Delta's way to the folder at `url`.
    pub(crate) fn log_store(&self, url: &Url) -> Result<LogStoreRef, QueryError> {
        let place = self
            .place
            .as_ref()
            .ok_or_else(|| QueryError::Location(format!("{} is gone", self.text)))?;
        let failed = |error: deltalake::DeltaTableError| {
            QueryError::Location(format!("{}: {error}", self.text))
        };
        let builder = DeltaTableBuilder::from_url(url.clone())
            .map_err(failed)?
            .with_storage_options(place.options().clone());
        let builder = match place.store() {
            Some(store) => builder.with_storage_backend(store.clone(), url.clone()),
            None => builder,
        };
        builder.build_storage().map_err(failed)
    }

    fn root(&self) -> Result<Option<LogStoreRef>, QueryError> {
        let Some(place) = &self.place else {
            return Ok(None);
        };
        // The parent of any table.
        let url = place
            .table_url("x")
            .map_err(|e| QueryError::Location(e.to_string()))?;
        let url = url
            .join("..")
            .map_err(|e| QueryError::Location(format!("{}: {e}", self.text)))?;
        self.log_store(&url).map(Some)
    }

    /// Which table is in the folder `name`, if any.
    async fn probe(
        &self,
        store: &Arc<dyn ObjectStore>,
        name: String,
    ) -> Result<Option<TableInfo>, QueryError> {
        let unreadable = |error| self.unreadable(&error);
        let Some(url) = self
            .place
            .as_ref()
            .and_then(|place| place.table_url(&name).ok())
        else {
            return Ok(None);
        };
        let folder = Path::from(name.as_str());
        let log = folder.clone().join("_delta_log");
        if store
            .list(Some(&log))
            .next()
            .await
            .transpose()
            .map_err(unreadable)?
            .is_some()
        {
            return Ok(Some(TableInfo {
                form: Form::Delta,
                ..self.table(name, url)
            }));
        }
        let mut files = store.list(Some(&folder)).take(LOOKED_AT);
        while let Some(file) = files.try_next().await.map_err(unreadable)? {
            if is_data_file(&file.location) {
                return Ok(Some(TableInfo {
                    form: Form::Parquet,
                    ..self.table(name, url)
                }));
            }
        }
        Ok(None)
    }

    fn table(&self, name: String, url: Url) -> TableInfo {
        TableInfo {
            lake: self.name.clone(),
            name,
            form: Form::Delta,
            url,
        }
    }

    /// The last part of the location, for a location that is a table itself.
    fn own_name(&self) -> String {
        let trimmed = self.text.trim_end_matches('/');
        trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned()
    }

    fn unreadable(&self, error: &StoreError) -> QueryError {
        QueryError::Location(format!(
            "{}: {}",
            self.text,
            crate::error::storage(&error.to_string())
        ))
    }
}

/// Whether a location holds a table itself instead of a folder for each.
fn itself<'a>(folders: &[String], mut files: impl Iterator<Item = &'a Path>) -> Option<Form> {
    if folders.iter().any(|folder| folder == "_delta_log") {
        return Some(Form::Delta);
    }
    let partitioned = folders.iter().any(|folder| folder.contains('='));
    (partitioned || files.any(is_data_file)).then_some(Form::Parquet)
}

/// Names that begin with a dot or an underscore are nobody's tables.
fn is_table_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['.', '_']) && !name.contains('/')
}

/// Whether a file belongs to the data: not hidden, not below a hidden folder.
pub(crate) fn is_data_file(path: &Path) -> bool {
    path.as_ref().ends_with(".parquet")
        && !path
            .parts()
            .any(|part| part.as_ref().starts_with(['.', '_']))
}
