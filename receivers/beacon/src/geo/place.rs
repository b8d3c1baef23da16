//! A place, as far as it is known, with codes and names that were checked.

use otlp::Value;
use otlp::write::LogWriter;

use crate::config::GeoField;

/// Longest name of a city or postal code that is believed.
const LONGEST: usize = 128;

/// What may be written of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(u8);

impl Wanted {
    pub(crate) fn new(fields: &[GeoField]) -> Wanted {
        Wanted(fields.iter().fold(0, |all, field| all | bit(*field)))
    }

    pub(crate) fn has(self, field: GeoField) -> bool {
        self.0 & bit(field) != 0
    }

    /// Nothing below a country.
    pub(crate) fn coarse(self) -> Wanted {
        Wanted(self.0 & (bit(GeoField::Continent) | bit(GeoField::Country)))
    }
}

fn bit(field: GeoField) -> u8 {
    1 << field as u8
}

/// Two letters: a country of ISO 3166-1, or a continent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code([u8; 2]);

impl Code {
    /// `XX` is what proxies write who do not know.
    pub(crate) fn read(text: &str) -> Option<Code> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        let code = letters.map(|letter| letter.to_ascii_uppercase());
        (code.iter().all(u8::is_ascii_uppercase) && code != *b"XX").then_some(Code(code))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// ISO 3166-2: the country, a hyphen, one to three letters or digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    bytes: [u8; 6],
    length: u8,
}

impl Region {
    /// The subdivision `text` of a country.
    pub(crate) fn read(country: Code, text: &str) -> Option<Region> {
        let is_code =
            (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_code {
            return None;
        }
        let mut bytes = [0; 6];
        let subdivision = text.bytes().map(|byte| byte.to_ascii_uppercase());
        let all = country.0.into_iter().chain([b'-']).chain(subdivision);
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = byte;
        }
        let length = 3 + text.len() as u8;
        Some(Region { bytes, length })
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length));
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }
}

/// A name or postal code: not empty, not long, nothing that could not be printed.
pub(crate) fn name(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let is_name = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    is_name.then(|| text.into())
}

/// Degrees that are on the globe.
pub(crate) fn point(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    let is_on_globe = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    is_on_globe.then_some((latitude, longitude))
}

/// Where a client is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Place {
    pub(crate) continent: Option<Code>,
    pub(crate) country: Option<Code>,
    pub(crate) region: Option<Region>,
    pub(crate) city: Option<Box<str>>,
    pub(crate) postal_code: Option<Box<str>>,
    /// Latitude and longitude.
    pub(crate) location: Option<(f64, f64)>,
}

impl Place {
    pub(crate) fn is_unknown(&self) -> bool {
        *self == Place::default()
    }

    /// Adds what `other` knows, unless that is about another country or
    /// subdivision: two places are never mixed.
    pub(crate) fn or(self, other: Place) -> Place {
        if self.country.is_some() && self.country != other.country {
            return self;
        }
        let mut other = other;
        if self.region.is_some() && self.region != other.region {
            (other.city, other.postal_code, other.location) = (None, None, None);
        }
        Place {
            continent: self.continent.or(other.continent),
            country: self.country.or(other.country),
            region: self.region.or(other.region),
            city: self.city.or(other.city),
            postal_code: self.postal_code.or(other.postal_code),
            location: self.location.or(other.location),
        }
    }

    /// What is wanted of it.
    pub(crate) fn only(self, wanted: Wanted) -> Place {
        Place {
            continent: self.continent.filter(|_| wanted.has(GeoField::Continent)),
            country: self.country.filter(|_| wanted.has(GeoField::Country)),
            region: self.region.filter(|_| wanted.has(GeoField::Region)),
            city: self.city.filter(|_| wanted.has(GeoField::City)),
            postal_code: self
                .postal_code
                .filter(|_| wanted.has(GeoField::PostalCode)),
            location: self.location.filter(|_| wanted.has(GeoField::Location)),
        }
    }

    /// Writes it under the names of ECS.
    pub(crate) fn write(&self, log: &mut LogWriter<'_>) {
        let texts = [
            (
                "client.geo.continent_code",
                self.continent.as_ref().map(Code::as_str),
            ),
            (
                "client.geo.country_iso_code",
                self.country.as_ref().map(Code::as_str),
            ),
            (
                "client.geo.region_iso_code",
                self.region.as_ref().map(Region::as_str),
            ),
            ("client.geo.city_name", self.city.as_deref()),
            ("client.geo.postal_code", self.postal_code.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                log.attribute(key, Value::String(text));
            }
        }
        if let Some((latitude, longitude)) = self.location {
            log.attribute("client.geo.location.lat", Value::Double(latitude));
            log.attribute("client.geo.location.lon", Value::Double(longitude));
        }
    }
}

/// Whether a field of a sender says where the client is: under the names of ECS
/// that become `geo.*`, or under the names that they get.
pub(crate) fn is_place(path: &str) -> bool {
    let ecs = path
        .strip_prefix("client.geo")
        .or_else(|| path.strip_prefix("source.geo"));
    if let Some(rest) = ecs {
        return rest.is_empty() || rest.starts_with('.');
    }
    matches!(
        path,
        "geo.continent.code"
            | "geo.country.iso_code"
            | "geo.region.iso_code"
            | "geo.locality.name"
            | "geo.postal_code"
            | "geo.location.lat"
            | "geo.location.lon"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn codes_are_two_letters() {
        for (text, expected) in [
            ("CA", Some("CA")),
            ("ca", Some("CA")),
            ("XK", Some("XK")),
            ("XX", None),
            ("xx", None),
            ("T1", None),
            ("", None),
            ("C", None),
            ("CAN", None),
            ("É", None),
        ] {
            let read = Code::read(text);
            assert_eq!(read.as_ref().map(Code::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn regions_have_their_country_before_them() {
        for (text, expected) in [
            ("QC", Some("CA-QC")),
            ("qc", Some("CA-QC")),
            ("1", Some("CA-1")),
            ("ENG", Some("CA-ENG")),
            ("", None),
            ("LONG", None),
            ("Q-", None),
            ("é", None),
        ] {
            let read = Region::read(code("CA"), text);
            assert_eq!(read.as_ref().map(Region::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(name(" Québec ").as_deref(), Some("Québec"));
        assert_eq!(name(&"x".repeat(128)).map(|name| name.len()), Some(128));
        for text in ["", " ", "a\nb", &"x".repeat(129)] {
            assert_eq!(name(text), None, "{text:?}");
        }
        assert_eq!(point(-90.0, 180.0), Some((-90.0, 180.0)));
        for (latitude, longitude) in [(90.5, 0.0), (0.0, -180.5), (f64::NAN, 0.0)] {
            assert_eq!(point(latitude, longitude), None);
        }
    }

    #[test]
    fn two_places_are_never_mixed() {
        let found = Place {
            continent: Some(code("NA")),
            country: Some(code("CA")),
            region: Region::read(code("CA"), "QC"),
            city: name("Québec"),
            postal_code: name("G1R"),
            location: point(46.0, -71.0),
        };
        let told = |country: &str, region: &str, city: &str| Place {
            country: Some(code(country)),
            region: Region::read(code(country), region),
            city: name(city),
            ..Place::default()
        };
        assert_eq!(Place::default().or(found.clone()), found);
        assert_eq!(told("CA", "", "").or(found.clone()), found);
        assert_eq!(told("CA", "QC", "").or(found.clone()), found);
        assert_eq!(told("FR", "", "").or(found.clone()), told("FR", "", ""));
        let city = told("CA", "QC", "Lévis").or(found.clone());
        assert_eq!(
            city,
            Place {
                city: name("Lévis"),
                ..found.clone()
            }
        );
        let elsewhere = told("CA", "ON", "").or(found);
        let expected = Place {
            continent: Some(code("NA")),
            ..told("CA", "ON", "")
        };
        assert_eq!(elsewhere, expected);
        let nowhere = Place {
            continent: Some(code("OC")),
            ..Place::default()
        };
        assert_eq!(told("FR", "", "").or(nowhere), told("FR", "", ""));
    }

    #[test]
    fn fields_that_say_where_a_client_is() {
        for path in [
            "client.geo",
            "client.geo.city_name",
            "source.geo.name",
            "geo.country.iso_code",
        ] {
            assert!(is_place(path), "{path}");
        }
        for path in [
            "client.geology",
            "client.ip",
            "geo",
            "geo.fence",
            "host.geo.name",
            "geometry",
        ] {
            assert!(!is_place(path), "{path}");
        }
    }
}
