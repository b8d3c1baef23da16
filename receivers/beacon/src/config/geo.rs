//! `geo`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use settings::{At, Duration, Validate};

/// Where clients are, by their address or by what a proxy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Geo {
    /// A MaxMind DB file with cities or countries.
    pub database: Option<PathBuf>,
    /// How often is looked whether the file is another one; 0 is never.
    pub reload: Duration,
    /// What is written of a place.
    pub fields: Vec<GeoField>,
    /// Headers that say it, in this order; the first that names a country wins.
    /// They count from `trusted_proxies` only.
    pub headers: Vec<GeoHeader>,
}

/// One of the `fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeoField {
    /// Code of the continent.
    Continent,
    /// ISO 3166-1 code of the country.
    Country,
    /// ISO 3166-2 code of its largest subdivision.
    Region,
    /// Name in English.
    City,
    /// Postal code.
    PostalCode,
    /// Latitude and longitude in degrees.
    Location,
}

/// One of the `headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeoHeader {
    /// Amazon CloudFront, with `-region` behind it, and `cloudfront-viewer-city`.
    CloudfrontViewerCountry,
    /// Cloudflare.
    CfIpcountry,
    /// Vercel.
    XVercelIpCountry,
}

impl Default for Geo {
    fn default() -> Geo {
        Geo {
            database: None,
            reload: Duration::from_secs(3600),
            fields: vec![GeoField::Country, GeoField::Region],
            headers: Vec::new(),
        }
    }
}

impl Validate for Geo {
    fn validate(&self, at: &mut At<'_>) {
        match &self.database {
            Some(path) if path.as_os_str().is_empty() => {
                at.error("database", "must not be empty: expected the path of a MaxMind DB file");
            }
            None if self.headers.is_empty() => at.error(
                "",
                "nothing says where a client is: expected a database (a MaxMind DB file), or headers of a proxy, or both",
            ),
            _ => {}
        }
        if self.fields.is_empty() {
            at.error(
                "fields",
                "must not be empty: expected some of continent, country, region, city, postal_code, location",
            );
        }
    }
}
