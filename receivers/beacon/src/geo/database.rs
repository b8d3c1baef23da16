//! A file of places, read into memory. It is not mapped: when a mapped file is
//! overwritten or cut in place, the process is killed at the next look.

use std::fmt;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions, path};

use super::place::{self, Code, Place, Region, Wanted};
use crate::config::GeoField;

/// So many networks are asked whether there are places in a file. In a file
/// with places the first one is enough.
const ENOUGH: usize = 100_000;

/// Why a file cannot be used. It never holds an address.
#[derive(Debug)]
pub(crate) struct Unusable {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unreadable(io::Error),
    Broken(MaxMindDbError),
    NoPlaces { kind: String },
}

impl Unusable {
    /// Nothing is known of what is in the file.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self.why, Why::Unreadable(_))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = "a MaxMind DB file with cities or countries, such as GeoLite2-City.mmdb";
        let path = self.path.display();
        match &self.why {
            Why::Unreadable(error) => {
                write!(f, "{path} cannot be read: {error}; expected {expected}")
            }
            Why::Broken(error) => write!(
                f,
                "{path} is broken, or something else: {error}; expected {expected}"
            ),
            Why::NoPlaces { kind } => write!(
                f,
                "{path} is of the kind {kind:?} and has nothing of what fields asks for; expected {expected}"
            ),
        }
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: SystemTime,
    size: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Stamp, Unusable> {
        let look = || {
            let metadata = fs::metadata(path)?;
            // A pipe or a device may have no end.
            if !metadata.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
            }
            Ok(Stamp {
                modified: metadata.modified()?,
                size: metadata.len(),
            })
        };
        look().map_err(|error| Unusable {
            path: path.to_owned(),
            why: Why::Unreadable(error),
        })
    }
}

/// The places of a file.
pub(crate) struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
    complained: AtomicBool,
}

impl Database {
    /// Reads a file. It blocks, and the whole file is in memory afterwards.
    ///
    /// # Errors
    /// When it cannot be read, is broken, or says nothing of what is wanted.
    pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Database, Unusable> {
        let unusable = |why| Unusable {
            path: path.to_owned(),
            why,
        };
        let bytes = fs::read(path).map_err(|error| unusable(Why::Unreadable(error)))?;
        let reader = Reader::from_source(bytes).map_err(|error| unusable(Why::Broken(error)))?;
        if !has_places(&reader, wanted).map_err(|error| unusable(Why::Broken(error)))? {
            let kind = reader.metadata().database_type.clone();
            return Err(unusable(Why::NoPlaces { kind }));
        }
        Ok(Database {
            path: path.to_owned(),
            reader,
            complained: AtomicBool::new(false),
        })
    }

    /// What kind of file it is, as it says itself.
    pub(super) fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// When it was made, in seconds since 1970.
    pub(super) fn built(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// The place of an address: unknown when the file has none, or when it is
    /// broken where it should stand, which is said once.
    pub(super) fn place(&self, address: IpAddr, wanted: Wanted) -> Place {
        let is_v4_only = self.reader.metadata().ip_version == 4;
        if is_v4_only && address.is_ipv6() {
            return Place::default();
        }
        let found = self.reader.lookup(address);
        let place = found.and_then(|found| place_of(&found, wanted));
        place.unwrap_or_else(|error| {
            if !self.complained.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    file = %self.path.display(), %error,
                    "geo: some places cannot be read; is the file broken, or of another shape than MaxMind's?"
                );
            }
            Place::default()
        })
    }
}

/// Whether anything of what is wanted is in a file.
fn has_places(reader: &Reader<Vec<u8>>, wanted: Wanted) -> Result<bool, MaxMindDbError> {
    for found in reader.networks(WithinOptions::default())?.take(ENOUGH) {
        // Other kinds have other things under the same names.
        let place = place_of(&found?, wanted).unwrap_or_default();
        if !place.only(wanted).is_unknown() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is wanted of a place, and its country, which the rest depends on.
/// Nothing is allocated but names that are wanted.
fn place_of<'d>(
    found: &LookupResult<'d, Vec<u8>>,
    wanted: Wanted,
) -> Result<Place, MaxMindDbError> {
    let mut place = Place::default();
    if !found.has_data() {
        return Ok(place);
    }
    let text = |path: &[_]| found.decode_path::<&'d str>(path);
    let number = |path: &[_]| found.decode_path::<f64>(path);
    place.country = text(&path!["country", "iso_code"])?.and_then(Code::read);
    if wanted.has(GeoField::Continent) {
        place.continent = text(&path!["continent", "code"])?.and_then(Code::read);
    }
    if let Some(country) = place.country {
        // The first one is the largest.
        let region = text(&path!["subdivisions", 0, "iso_code"])?;
        place.region = region.and_then(|region| Region::read(country, region));
    }
    if wanted.has(GeoField::City) {
        place.city = text(&path!["city", "names", "en"])?.and_then(place::name);
    }
    if wanted.has(GeoField::PostalCode) {
        place.postal_code = text(&path!["postal", "code"])?.and_then(place::name);
    }
    if wanted.has(GeoField::Location) {
        let latitude = number(&path!["location", "latitude"])?;
        let longitude = number(&path!["location", "longitude"])?;
        place.location = latitude
            .zip(longitude)
            .and_then(|(latitude, longitude)| place::point(latitude, longitude));
    }
    Ok(place)
}
