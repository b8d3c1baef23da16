//! A local disk whose answers mean that the data are on stable storage.
//!
//! `LocalFileSystem` of object_store 0.13 never syncs: after a power cut an acknowledged commit
//! can be gone or empty. This wrapper syncs every file that was written, and the directories that
//! lead to it, before it answers.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};
use futures::stream::BoxStream;

/// The local disk, synced.
#[derive(Debug)]
pub(crate) struct Durable {
    inner: Arc<LocalFileSystem>,
    /// Directories from here on exist for good and need no sync.
    base: PathBuf,
}

impl Durable {
    /// Files below `base`; paths count from the root of the file system, as delta-rs wants them.
    pub(crate) fn new(base: PathBuf) -> Self {
        Self {
            inner: Arc::new(LocalFileSystem::new()),
            base,
        }
    }

    fn target(&self, location: &Path) -> Result<Target> {
        Ok(Target {
            path: self.inner.path_to_filesystem(location)?,
            base: self.base.clone(),
        })
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.base.display())
    }
}

/// A file and where its directories begin.
#[derive(Clone, Debug)]
struct Target {
    path: PathBuf,
    base: PathBuf,
}

impl Target {
    /// Syncs the file and every directory from it up to the base.
    async fn sync(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.sync_blocking())
            .await
            .map_err(|source| Error::JoinError { source })?
            .map_err(|source| Error::Generic {
                store: "local disk",
                source: Box::new(source),
            })
    }

    fn sync_blocking(&self) -> std::io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        let mut directory = self.path.parent();
        while let Some(path) = directory {
            sync_directory(path)?;
            if path == self.base {
                break;
            }
            directory = path
                .parent()
                .filter(|parent| parent.starts_with(&self.base));
        }
        Ok(())
    }
}

fn sync_directory(path: &FilePath) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, opts).await?;
        self.target(location)?.sync().await?;
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.target(location)?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { inner, target }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.target(to)?.sync().await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await?;
        self.target(to)?.sync().await
    }
}

/// An upload in parts that is synced when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    target: Target,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        self.target.clone().sync().await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
