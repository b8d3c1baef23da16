//! Where tables are: a directory, or a bucket with its options.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use deltalake::logstore::StorageConfig;
use deltalake::logstore::object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use deltalake::logstore::object_store::{ClientConfigKey, ObjectStore};
use deltalake::{DeltaTableBuilder, DeltaTableError};
use url::Url;

use crate::durable::Durable;
use crate::error::{Refused, Subject};

/// Options that are no S3 setting of object_store but that delta-rs understands.
const OTHER_OPTIONS: &[&str] = &[
    "max_retries",
    "retry_timeout",
    "backoff_config.init_backoff",
    "backoff_config.max_backoff",
    "backoff_config.base",
    "concurrency_limit",
    "certificate_path",
    "aws_force_credential_load",
    "aws_profile",
    "aws_iam_role_arn",
    "aws_iam_role_session_name",
];

/// Given unless the settings say otherwise: object_store tries three times within half a minute,
/// then the queue in front of the lake has the say.
const DEFAULT_OPTIONS: &[(&str, &str)] = &[
    ("timeout", "60s"),
    ("connect_timeout", "5s"),
    ("max_retries", "3"),
    ("retry_timeout", "30s"),
];

/// A place for tables: each is a folder below it.
#[derive(Clone, Debug)]
pub struct Location {
    text: String,
    root: Url,
    local: Option<PathBuf>,
    options: HashMap<String, String>,
    store: Option<Arc<dyn ObjectStore>>,
}

impl Location {
    /// A directory (`./lake`, `/var/lake`, `file:///var/lake`) or a prefix in a bucket
    /// (`s3://bucket/lake`). Options are those of delta-rs and object_store under any of their
    /// names; what is given here wins over the environment.
    ///
    /// # Errors
    /// When the location is neither, when the directory cannot be made, for unknown options.
    pub fn parse<'a>(
        text: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refused> {
        let refused = |problem: String| Refused::Location {
            location: text.to_owned(),
            problem,
        };
        if let Some((scheme, _)) = text.split_once("://")
            && scheme != "file"
        {
            let root = directory_url(text).map_err(&refused)?;
            return match scheme {
                "s3" | "s3a" => Self::s3(text, root, options),
                other => Err(refused(format!(
                    "`{other}://` is not supported: use a directory or s3://bucket/prefix"
                ))),
            };
        }
        let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
        if path.as_os_str().is_empty() {
            return Err(refused("the location is empty".to_owned()));
        }
        Self::in_directory(text, &path)
    }

    fn in_directory(text: &str, path: &FilePath) -> Result<Self, Refused> {
        let unwritable = |source: std::io::Error| Refused::Unwritable {
            path: path.display().to_string(),
            problem: source.to_string(),
        };
        std::fs::create_dir_all(path).map_err(unwritable)?;
        let path = path.canonicalize().map_err(unwritable)?;
        let root = Url::from_directory_path(&path).map_err(|()| Refused::Location {
            location: text.to_owned(),
            problem: "not a path that can be an address".to_owned(),
        })?;
        let base = path.parent().unwrap_or(&path).to_owned();
        Ok(Self {
            text: text.to_owned(),
            root,
            local: Some(path),
            options: HashMap::new(),
            store: Some(Arc::new(Durable::new(base))),
        })
    }

    fn s3<'a>(
        text: &str,
        root: Url,
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refused> {
        let refused = |problem: String| Refused::Location {
            location: text.to_owned(),
            problem,
        };
        let mut options: HashMap<String, String> = DEFAULT_OPTIONS
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        for (key, value) in given {
            let key = key.to_ascii_lowercase();
            if AmazonS3ConfigKey::from_str(&key).is_err() && !OTHER_OPTIONS.contains(&key.as_str())
            {
                return Err(refused(format!("unknown storage option `{key}`")));
            }
            options.insert(key, value.to_owned());
        }
        if !options.keys().any(|key| is_copy_mode(key)) {
            options.insert("aws_copy_if_not_exists".to_owned(), "multipart".to_owned());
        }
        let environment = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"];
        let environment = environment.map(|name| std::env::var(name).unwrap_or_default());
        let endpoints = options
            .iter()
            .filter(|(key, _)| is_endpoint(key))
            .map(|(_, value)| value)
            .chain(&environment);
        let plain_http = endpoints.into_iter().any(|url| url.starts_with("http://"));
        if plain_http
            && std::env::var_os("AWS_ALLOW_HTTP").is_none()
            && !options.keys().any(|key| is_allow_http(key))
        {
            options.insert("aws_allow_http".to_owned(), "true".to_owned());
        }
        let stray =
            stray_variables(std::env::vars_os().filter_map(|(key, _)| key.into_string().ok()));
        let store = if stray.is_empty() {
            None
        } else {
            tracing::warn!(
                variables = stray.join(", "),
                "environment variables that look like storage options but do not begin with AWS_ are ignored"
            );
            Some(own_s3(text, &options).map_err(|error| refused(error.to_string()))?)
        };
        Ok(Self {
            text: text.to_owned(),
            root,
            local: None,
            options,
            store,
        })
    }

    /// As [`parse`](Self::parse), with what users mostly give of a bucket under names of their own:
    /// its region, and the URL of a store that speaks S3.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn at<'a>(
        text: &str,
        region: Option<&'a str>,
        endpoint: Option<&'a str>,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refused> {
        let region = region.map(|region| ("aws_region", region));
        let plain = endpoint.filter(|endpoint| endpoint.starts_with("http://"));
        let plain = plain.map(|_| ("aws_allow_http", "true"));
        let endpoint = endpoint.map(|endpoint| ("aws_endpoint_url", endpoint));
        let given = region.into_iter().chain(endpoint).chain(plain);
        Self::parse(text, given.chain(options))
    }

    /// The directory that `text` names; none for a bucket.
    pub fn directory(text: &str) -> Option<PathBuf> {
        match text.split_once("://") {
            None => Some(PathBuf::from(text)),
            Some(("file", path)) => Some(PathBuf::from(path)),
            Some(_) => None,
        }
    }

    /// Puts another store in the place of the location's own; paths count from the root of the
    /// file system or bucket. For wrappers that watch or disturb.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The store of a directory, or of a bucket when it was set.
    pub fn store(&self) -> Option<&Arc<dyn ObjectStore>> {
        self.store.as_ref()
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address of the table `name`.
    ///
    /// # Errors
    /// When the name cannot be part of an address.
    pub fn table_url(&self, name: &str) -> Result<Url, Refused> {
        self.root
            .join(&format!("{name}/"))
            .map_err(|source| Refused::Location {
                location: self.text.clone(),
                problem: format!("table name `{name}`: {source}"),
            })
    }

    /// Options as delta-rs takes them.
    pub fn options(&self) -> &HashMap<String, String> {
        &self.options
    }

    pub(crate) fn subject(&self, table: &str) -> Subject {
        Subject {
            table: table.to_owned(),
            location: format!("{}/{table}", self.text.trim_end_matches('/')),
        }
    }

    /// The directory; none for a bucket.
    pub(crate) fn local(&self) -> Option<&FilePath> {
        self.local.as_deref()
    }

    /// Who an error is about when it is about no table.
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            table: String::new(),
            location: self.text.clone(),
        }
    }

    /// A builder for the table `name`; for a directory it is made, and tried for writing.
    pub(crate) fn builder(&self, name: &str) -> Result<DeltaTableBuilder, Refused> {
        if let Some(path) = &self.local {
            probe(&path.join(name))?;
        }
        self.builder_at(self.table_url(name)?)
    }

    /// A builder for the location itself, which is a way to its store.
    pub(crate) fn root_builder(&self) -> Result<DeltaTableBuilder, Refused> {
        if let Some(path) = &self.local {
            probe(path)?;
        }
        self.builder_at(self.root.clone())
    }

    fn builder_at(&self, url: Url) -> Result<DeltaTableBuilder, Refused> {
        let location = |error: DeltaTableError| Refused::Location {
            location: self.text.clone(),
            problem: error.to_string(),
        };
        let builder = DeltaTableBuilder::from_url(url.clone())
            .map_err(location)?
            .with_storage_options(self.options.clone());
        Ok(match &self.store {
            Some(store) => builder.with_storage_backend(store.clone(), url),
            None => builder,
        })
    }
}

/// `text` as an address that ends in a slash.
fn directory_url(text: &str) -> Result<Url, String> {
    let url = format!("{}/", text.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|source| source.to_string())?;
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err("the bucket is missing: write s3://bucket/prefix".to_owned()),
    }
}

/// Makes the directory and tries to write a file in it.
fn probe(path: &FilePath) -> Result<(), Refused> {
    let unwritable = |source: std::io::Error| Refused::Unwritable {
        path: path.display().to_string(),
        problem: source.to_string(),
    };
    std::fs::create_dir_all(path).map_err(unwritable)?;
    tempfile::Builder::new()
        .prefix(".write-test-")
        .tempfile_in(path)
        .and_then(tempfile::NamedTempFile::close)
        .map_err(unwritable)
}

fn is_endpoint(key: &str) -> bool {
    matches!(
        AmazonS3ConfigKey::from_str(key),
        Ok(AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint)
    )
}

fn is_copy_mode(key: &str) -> bool {
    matches!(
        AmazonS3ConfigKey::from_str(key),
        Ok(AmazonS3ConfigKey::CopyIfNotExists)
    )
}

fn is_allow_http(key: &str) -> bool {
    matches!(
        AmazonS3ConfigKey::from_str(key),
        Ok(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp))
    )
}

/// Variables that delta-rs would take for S3 settings although nobody meant them so: it takes any
/// name that object_store knows, also without `AWS_` (`TOKEN`, `REGION`, `ENDPOINT`, `TIMEOUT`).
fn stray_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    names
        .filter(|name| {
            let lower = name.to_ascii_lowercase();
            !lower.starts_with("aws_") && AmazonS3ConfigKey::from_str(&lower).is_ok()
        })
        .collect()
}

/// A store for the bucket from the options and the `AWS_` variables alone.
fn own_s3(
    text: &str,
    options: &HashMap<String, String>,
) -> Result<Arc<dyn ObjectStore>, DeltaTableError> {
    let config = StorageConfig::parse_options(options.clone())?;
    let mut builder = AmazonS3Builder::new()
        .with_url(text)
        .with_retry(config.retry.clone());
    let environment = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| key.to_ascii_lowercase().starts_with("aws_"));
    let given = options.iter().map(|(k, v)| (k.clone(), v.clone()));
    for (key, value) in environment.chain(given) {
        if let Ok(key) = AmazonS3ConfigKey::from_str(&key.to_ascii_lowercase()) {
            builder = builder.with_config(key, value);
        }
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_variables_are_those_without_aws() {
        let names = ["TOKEN", "AWS_REGION", "PATH", "Endpoint", "HOME"];
        assert_eq!(
            stray_variables(names.into_iter().map(str::to_owned)),
            ["TOKEN", "Endpoint"]
        );
    }

    #[test]
    fn s3_has_timeouts_that_leave_the_queue_the_say() {
        let location = Location::parse(
            "s3://bucket/lake/",
            [
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("timeout", "5s"),
            ],
        )
        .unwrap();
        let option = |key: &str| location.options().get(key).map(String::as_str);
        assert_eq!(option("timeout"), Some("5s"));
        assert_eq!(option("max_retries"), Some("3"));
        assert_eq!(option("retry_timeout"), Some("30s"));
        assert_eq!(option("aws_allow_http"), Some("true"));
        assert_eq!(
            location.table_url("otel_logs").unwrap().as_str(),
            "s3://bucket/lake/otel_logs/"
        );
    }

    #[test]
    fn bad_locations_say_what_is_wrong() {
        for (text, part) in [
            ("gs://bucket/x", "not supported"),
            ("s3:///x", "bucket is missing"),
            ("", "empty"),
        ] {
            let error = Location::parse(text, []).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = Location::parse("s3://b/x", [("aws_reigon", "x")]).unwrap_err();
        assert!(error.to_string().contains("aws_reigon"), "{error}");
    }
}
