//! A store that fails as it is told.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;

/// What happens to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It works.
    None,
    /// The storage says 500; nothing was written.
    Error,
    /// It was written, but the answer was lost.
    LostAnswer,
    /// It was written, the answer was lost, and the client's own repetition met the first one.
    RepeatedByClient,
    /// It was written, the answer was lost, and from then on nothing can be read until
    /// [`Faulty::heal`].
    LostAnswerThenDark,
    /// The client heard nothing; it is written when [`Faulty::deliver`] says so.
    Late,
    /// The credentials do not suffice.
    Denied,
}

/// Faults for the next writes of commits and of data files, in order.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    commits: Mutex<VecDeque<Fault>>,
    files: Mutex<VecDeque<Fault>>,
    dark: Mutex<bool>,
    /// Data files that were written, by path; more than once is a repetition.
    written: Mutex<Vec<String>>,
    late: Mutex<Option<(Path, PutPayload, PutOptions)>>,
}

impl Faulty {
    pub(crate) fn around(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            commits: Mutex::default(),
            files: Mutex::default(),
            dark: Mutex::new(false),
            written: Mutex::default(),
            late: Mutex::default(),
        })
    }

    pub(crate) fn commits(&self, faults: &[Fault]) {
        *self.commits.lock() = faults.iter().copied().collect();
    }

    pub(crate) fn files(&self, faults: &[Fault]) {
        *self.files.lock() = faults.iter().copied().collect();
    }

    pub(crate) fn heal(&self) {
        *self.dark.lock() = false;
    }

    /// Carries out what was late.
    pub(crate) async fn deliver(&self) -> Result<PutResult> {
        let late = self.late.lock().take();
        let (location, payload, opts) = late.expect("something was late");
        self.inner.put_opts(&location, payload, opts).await
    }

    /// Data files that were written.
    pub(crate) fn written(&self) -> Vec<String> {
        self.written.lock().clone()
    }

    fn next(&self, location: &Path) -> Fault {
        let path = location.as_ref();
        let queue = if path.contains("_delta_log/") && path.ends_with(".json") {
            &self.commits
        } else if path.ends_with(".parquet") {
            &self.files
        } else {
            return Fault::None;
        };
        queue.lock().pop_front().unwrap_or(Fault::None)
    }

    fn light(&self) -> Result<()> {
        if *self.dark.lock() {
            return Err(broken("connection refused"));
        }
        Ok(())
    }
}

fn broken(what: &'static str) -> Error {
    Error::Generic {
        store: "faulty",
        source: what.into(),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.light()?;
        let fault = self.next(location);
        if location.as_ref().ends_with(".parquet")
            && !matches!(fault, Fault::Error | Fault::Late | Fault::Denied)
        {
            self.written.lock().push(location.to_string());
        }
        match fault {
            Fault::None => self.inner.put_opts(location, payload, opts).await,
            Fault::Error => Err(broken("HTTP 500 Internal Server Error")),
            Fault::Late => {
                *self.late.lock() = Some((location.clone(), payload, opts));
                Err(broken("operation timed out"))
            }
            Fault::Denied => Err(Error::PermissionDenied {
                path: location.to_string(),
                source: "AccessDenied".into(),
            }),
            Fault::LostAnswer => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(broken("connection reset by peer"))
            }
            Fault::RepeatedByClient => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(Error::AlreadyExists {
                    path: location.to_string(),
                    source: "412 Precondition Failed".into(),
                })
            }
            Fault::LostAnswerThenDark => {
                self.inner.put_opts(location, payload, opts).await?;
                *self.dark.lock() = true;
                Err(broken("operation timed out"))
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.light()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.light()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.light()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Err(error) = self.light() {
            return futures::stream::once(async { Err(error) }).boxed();
        }
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Err(error) = self.light() {
            return futures::stream::once(async { Err(error) }).boxed();
        }
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.light()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
