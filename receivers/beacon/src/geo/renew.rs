//! Looks now and then whether the file of places is another one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::database::{Database, Stamp, Unusable};
use super::place::Wanted;
use super::{File, Geo};
use crate::metrics::{Metrics, Reload};

/// Looks `every` so often until `stop`.
pub(crate) async fn renew(
    geo: &Geo,
    every: Option<Duration>,
    metrics: &Metrics,
    stop: &CancellationToken,
) {
    let (Some(file), Some(every)) = (&geo.file, every) else {
        return;
    };
    metrics.observe_reloads();
    let mut watch = Watch::new(file, geo.wanted, metrics);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => watch.look().await,
        }
    }
}

/// A file of places, and how it was when it was looked at last.
pub(super) struct Watch<'g> {
    file: &'g File,
    wanted: Wanted,
    metrics: &'g Metrics,
    /// Nothing when it could not be read.
    seen: Option<Stamp>,
}

impl<'g> Watch<'g> {
    pub(super) fn new(file: &'g File, wanted: Wanted, metrics: &'g Metrics) -> Watch<'g> {
        Watch {
            file,
            wanted,
            metrics,
            seen: Some(file.stamp),
        }
    }

    /// Uses the file if it is another one. One that cannot be used changes
    /// nothing; it is said and counted once for each of its states.
    pub(super) async fn look(&mut self) {
        let (path, seen, wanted) = (self.file.path.clone(), self.seen, self.wanted);
        // A file is some ten megabytes: not for a thread that serves sockets.
        let looked = tokio::task::spawn_blocking(move || look(&path, seen, wanted)).await;
        let file = self.file.path.display();
        match looked {
            Ok(Looked::Same) => {}
            Ok(Looked::New(stamp, places)) => {
                self.seen = Some(stamp);
                let (kind, built) = (places.kind(), places.built());
                tracing::info!(%file, kind, built, "geo: the new file of places is used");
                self.file.places.store(Arc::new(places));
                self.metrics.reloaded(Reload::Loaded);
            }
            Ok(Looked::Unusable(stamp, error)) => {
                self.seen = stamp;
                tracing::warn!(%error, "geo: the file of places has changed and cannot be used; what was read before stays");
                self.metrics.reloaded(Reload::Failed);
            }
            // A panic; or the runtime ends, and this with it.
            Err(error) => {
                tracing::error!(%file, %error, "geo: the file of places could not be looked at");
                self.metrics.reloaded(Reload::Failed);
            }
        }
    }
}

/// What a look showed, with the state of the file: none when it cannot be read.
enum Looked {
    Same,
    New(Stamp, Database),
    Unusable(Option<Stamp>, Unusable),
}

fn look(path: &Path, seen: Option<Stamp>, wanted: Wanted) -> Looked {
    let read = match Stamp::of(path) {
        Ok(stamp) if Some(stamp) == seen => return Looked::Same,
        Ok(stamp) => Database::read(path, wanted)
            .map(|places| (stamp, places))
            .map_err(|error| (Some(stamp).filter(|_| !error.is_unreadable()), error)),
        Err(error) => Err((None, error)),
    };
    match read {
        Ok((stamp, places)) => Looked::New(stamp, places),
        // It was not readable at the last look either.
        Err((None, _)) if seen.is_none() => Looked::Same,
        Err((stamp, error)) => Looked::Unusable(stamp, error),
    }
}
