//! Where clients are: by what proxies say, and by a file of places. It is
//! looked up by the whole address, which goes no further.

mod database;
mod header;
mod place;
mod renew;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderMap;
use pipeline::StartError;

use database::{Database, Stamp};
pub(crate) use place::{Place, is_place};
pub(crate) use renew::renew;

use crate::config::{self, GeoHeader, Signal};
use place::Wanted;

/// Finds the places of clients.
pub(crate) struct Geo {
    wanted: Wanted,
    headers: Vec<GeoHeader>,
    file: Option<File>,
}

/// A file of places and what it held when it was read last.
struct File {
    path: PathBuf,
    places: ArcSwap<Database>,
    /// The state of the file at the start.
    stamp: Stamp,
}

impl Geo {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it cannot be used: the error names it and what was expected.
    pub(crate) async fn open(settings: &config::Geo) -> Result<Geo, StartError> {
        let wanted = Wanted::new(&settings.fields);
        let file = match settings.database.clone() {
            Some(path) => Some(File::open(path, wanted).await?),
            None => None,
        };
        Ok(Geo {
            wanted,
            headers: settings.headers.clone(),
            file,
        })
    }

    /// The place of a client with this address and wish. `headers` is asked for
    /// those of the request, which it has when they may be believed. Nothing
    /// when nothing is known.
    pub(crate) fn place<'h>(
        &self,
        address: Option<IpAddr>,
        wish: Signal,
        headers: impl FnOnce() -> Option<&'h HeaderMap>,
    ) -> Option<Arc<Place>> {
        let wanted = match wish {
            Signal::Ignore => self.wanted,
            Signal::Anonymize => self.wanted.coarse(),
            Signal::Drop => return None,
        };
        let mut place = Place::default();
        if !self.headers.is_empty()
            && let Some(headers) = headers()
        {
            place = header::told(&self.headers, headers);
        }
        if let (Some(file), Some(address)) = (&self.file, address) {
            let found = file.places.load().place(address.to_canonical(), wanted);
            place = place.or(found);
        }
        let place = place.only(wanted);
        (!place.is_unknown()).then(|| Arc::new(place))
    }
}

impl File {
    async fn open(path: PathBuf, wanted: Wanted) -> Result<File, StartError> {
        let read = tokio::task::spawn_blocking(move || {
            // Before it is read: what changes meanwhile is seen at the next look.
            let stamp = Stamp::of(&path)?;
            let places = Database::read(&path, wanted)?;
            Ok(File {
                path,
                places: ArcSwap::from_pointee(places),
                stamp,
            })
        });
        let file = match read.await {
            Ok(read) => read.map_err(|error: database::Unusable| error.to_string()),
            Err(error) => Err(format!("the file could not be read: {error}")),
        };
        file.map_err(|error| StartError::new(format!("geo::database: {error}")))
    }
}

#[cfg(test)]
mod tests;
