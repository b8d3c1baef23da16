//! What proxies say about the place of a client.

use http::HeaderMap;

use super::place::{self, Code, Place, Region};
use crate::config::GeoHeader;

impl GeoHeader {
    /// The headers for the country, its subdivision, and the city.
    fn names(self) -> (&'static str, Option<(&'static str, &'static str)>) {
        match self {
            GeoHeader::CloudfrontViewerCountry => (
                "cloudfront-viewer-country",
                Some(("cloudfront-viewer-country-region", "cloudfront-viewer-city")),
            ),
            GeoHeader::CfIpcountry => ("cf-ipcountry", None),
            GeoHeader::XVercelIpCountry => ("x-vercel-ip-country", None),
        }
    }
}

/// The place that the first of these headers names which names a country.
pub(crate) fn told(by: &[GeoHeader], headers: &HeaderMap) -> Place {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let named = by.iter().find_map(|header| {
        let (country, more) = header.names();
        Some((Code::read(text(country)?)?, more))
    });
    let Some((country, more)) = named else {
        return Place::default();
    };
    let mut place = Place {
        country: Some(country),
        ..Place::default()
    };
    if let Some((region, city)) = more {
        place.region = text(region).and_then(|region| Region::read(country, region));
        place.city = text(city)
            .and_then(decoded)
            .and_then(|city| place::name(&city));
    }
    place
}

/// Percent-decoding; a header has no other way to hold what is not ASCII.
/// Nothing when it is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = match after {
            [high, low, ..] if first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const ALL: [GeoHeader; 3] = [
        GeoHeader::CloudfrontViewerCountry,
        GeoHeader::CfIpcountry,
        GeoHeader::XVercelIpCountry,
    ];

    fn of(by: &[GeoHeader], headers: &[(&'static str, &'static str)]) -> Place {
        let pairs = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        told(by, &pairs.collect())
    }

    fn place(country: &str, region: &str, city: &str) -> Place {
        let country = Code::read(country);
        Place {
            country,
            region: country.and_then(|country| Region::read(country, region)),
            city: place::name(city),
            ..Place::default()
        }
    }

    #[test]
    fn each_header_is_read_when_it_is_named() {
        let (cloudfront, region, city) = (
            ("cloudfront-viewer-country", "CA"),
            ("cloudfront-viewer-country-region", "QC"),
            ("cloudfront-viewer-city", "Trois-Rivi%C3%A8res"),
        );
        let cloudflare = ("cf-ipcountry", "DE");
        let vercel = ("x-vercel-ip-country", "fr");
        let all = [cloudfront, region, city, cloudflare, vercel];
        assert_eq!(of(&[], &all), Place::default());
        assert_eq!(of(&ALL, &all), place("CA", "QC", "Trois-Rivières"));
        assert_eq!(of(&ALL[1..], &all), place("DE", "", ""));
        assert_eq!(of(&ALL[2..], &all), place("FR", "", ""));
        assert_eq!(of(&ALL, &[vercel]), place("FR", "", ""));
        assert_eq!(of(&ALL, &[region, city]), Place::default(), "of no country");
    }

    #[test]
    fn what_is_unknown_or_no_code_is_passed_over() {
        for nothing in ["XX", "T1", "", "Canada", "C\u{1}"] {
            let headers = [
                ("cloudfront-viewer-country", nothing),
                ("cf-ipcountry", "DE"),
            ];
            let Ok(value) = HeaderValue::from_str(nothing) else {
                continue;
            };
            let mut map = HeaderMap::new();
            map.insert(headers[0].0, value);
            assert_eq!(told(&ALL, &map), Place::default(), "{nothing:?}");
            map.insert(headers[1].0, HeaderValue::from_static(headers[1].1));
            assert_eq!(told(&ALL, &map), place("DE", "", ""), "{nothing:?}");
        }
        for (region, city) in [("LONG", "a%0Ab"), ("Q/", "%FF"), ("", "")] {
            let headers = [
                ("cloudfront-viewer-country", "CA"),
                ("cloudfront-viewer-country-region", region),
                ("cloudfront-viewer-city", city),
            ];
            assert_eq!(of(&ALL, &headers), place("CA", "", ""), "{region} {city}");
        }
    }

    #[test]
    fn only_escapes_are_decoded() {
        for (text, expected) in [
            ("a+b", "a+b"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%41%", "A%"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(expected));
        }
    }
}
