//! Bringing a staged file to the store.

use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::spill::{PIECE, StagedBytes};

/// Files up to this size go in one request; S3 takes parts of 5 MiB and more. As long as what is in
/// one piece in memory, so that a part is never copied.
pub(crate) const PART: usize = PIECE;

/// Parts of one file that are on their way at a time.
const PARTS_IN_FLIGHT: usize = 4;

/// Writes the whole file, or leaves nothing that counts: parts of a failed upload are given up.
/// Doing it again writes the same bytes to the same name.
pub(crate) async fn upload(
    store: &dyn ObjectStore,
    path: &Path,
    bytes: &StagedBytes,
) -> Result<(), Error> {
    if bytes.len() <= PART as u64 {
        let content = bytes.read(0, PART).await.map_err(local)?;
        store.put(path, PutPayload::from_bytes(content)).await?;
        return Ok(());
    }
    let mut upload = store.put_multipart(path).await?;
    match parts(upload.as_mut(), bytes).await {
        Ok(()) => upload.complete().await.map(|_| ()),
        Err(error) => {
            if let Err(abort) = upload.abort().await {
                tracing::warn!(path = %path, error = %abort, "parts of a failed upload stay behind; a lifecycle rule for incomplete uploads removes them");
            }
            Err(error)
        }
    }
}

async fn parts(upload: &mut dyn MultipartUpload, bytes: &StagedBytes) -> Result<(), Error> {
    let mut flying = FuturesUnordered::new();
    let mut from = 0;
    while from < bytes.len() {
        if flying.len() >= PARTS_IN_FLIGHT {
            flying.next().await.transpose()?;
        }
        let part = bytes.read(from, PART).await.map_err(local)?;
        from += part.len() as u64;
        flying.push(upload.put_part(PutPayload::from_bytes(part)));
    }
    while let Some(part) = flying.next().await {
        part?;
    }
    Ok(())
}

fn local(source: std::io::Error) -> Error {
    Error::Generic {
        store: "temporary file",
        source: Box::new(source),
    }
}
