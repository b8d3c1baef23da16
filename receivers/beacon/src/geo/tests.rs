//! Files of places: what is found in them, which ones are refused, and what
//! happens when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::renew::Watch;
use super::*;
use crate::config::GeoField;
use crate::metrics::{Metrics, Reload};

const ALL: [GeoField; 6] = [
    GeoField::Continent,
    GeoField::Country,
    GeoField::Region,
    GeoField::City,
    GeoField::PostalCode,
    GeoField::Location,
];
const DEADLINE: Duration = Duration::from_secs(30);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn settings(database: PathBuf, fields: &[GeoField]) -> config::Geo {
    config::Geo {
        database: Some(database),
        fields: fields.to_vec(),
        ..config::Geo::default()
    }
}

async fn open(name: &str, fields: &[GeoField]) -> Geo {
    let geo = Geo::open(&settings(fixture(name), fields)).await;
    geo.unwrap_or_else(|error| panic!("{error}"))
}

async fn refused(path: PathBuf, fields: &[GeoField]) -> String {
    let opened = Geo::open(&settings(path, fields)).await;
    opened.map(drop).unwrap_err().to_string()
}

fn find(geo: &Geo, address: &str, wish: Signal) -> String {
    let address = address.parse().unwrap();
    let place = geo.place(Some(address), wish, || None);
    place.map(|place| shown(&place)).unwrap_or_default()
}

/// Its attributes, as they are written.
fn shown(place: &Place) -> String {
    let mut writer = otlp::write::LogsWriter::default();
    writer.record(|log| place.write(log));
    let mut text = Vec::new();
    for resource in writer.finish().logs() {
        for scope in resource.scopes() {
            for record in scope.records() {
                for pair in record.attributes() {
                    let value = match pair.value {
                        otlp::Value::String(value) => value.to_owned(),
                        otlp::Value::Double(value) => value.to_string(),
                        other => panic!("{other:?}"),
                    };
                    let key = pair.key.strip_prefix("client.geo.").unwrap();
                    text.push(format!("{key}={value}"));
                }
            }
        }
    }
    text.join(" ")
}

#[tokio::test]
async fn what_stands_in_a_file_is_found_and_checked() {
    let geo = open("cities.mmdb", &ALL).await;
    let whole = "continent_code=NA country_iso_code=CA region_iso_code=CA-QC city_name=Sainte-Épreuve \
                 postal_code=H0H 0H0 location.lat=45.5 location.lon=-73.25";
    for (address, expected) in [
        ("192.0.2.1", whole),
        ("::ffff:192.0.2.255", whole),
        (
            "198.51.100.1",
            "continent_code=EU country_iso_code=GB region_iso_code=GB-ENG",
        ),
        ("198.51.100.200", "continent_code=OC"),
        ("203.0.113.1", "continent_code=EU country_iso_code=DE"),
        ("203.0.113.130", "country_iso_code=DE"),
        ("203.0.113.200", ""),
        (
            "2001:db8:ffff::1",
            "continent_code=EU country_iso_code=FR region_iso_code=FR-IDF city_name=Essai-sur-Seine",
        ),
        ("192.0.3.1", ""),
        ("127.0.0.1", ""),
        ("10.0.0.1", ""),
        ("::1", ""),
        ("fd00::1", ""),
    ] {
        assert_eq!(find(&geo, address, Signal::Ignore), expected, "{address}");
    }
    assert_eq!(geo.place(None, Signal::Ignore, || None), None);
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    for (fields, expected) in [
        (&ALL[..1], "continent_code=NA"),
        (&ALL[1..2], "country_iso_code=CA"),
        (&ALL[2..3], "region_iso_code=CA-QC"),
        (&ALL[3..4], "city_name=Sainte-Épreuve"),
        (&ALL[4..5], "postal_code=H0H 0H0"),
        (&ALL[5..], "location.lat=45.5 location.lon=-73.25"),
        (
            &config::Geo::default().fields,
            "country_iso_code=CA region_iso_code=CA-QC",
        ),
    ] {
        let geo = open("cities.mmdb", fields).await;
        assert_eq!(find(&geo, "192.0.2.1", Signal::Ignore), expected);
    }
}

#[tokio::test]
async fn a_wish_for_privacy_leaves_nothing_below_the_country() {
    let geo = open("cities.mmdb", &ALL).await;
    let anonymous = find(&geo, "192.0.2.1", Signal::Anonymize);
    assert_eq!(anonymous, "continent_code=NA country_iso_code=CA");
    assert_eq!(find(&geo, "192.0.2.1", Signal::Drop), "");
    let region = open("cities.mmdb", &ALL[2..]).await;
    assert_eq!(find(&region, "192.0.2.1", Signal::Anonymize), "");
}

#[tokio::test]
async fn a_file_of_ipv4_knows_no_ipv6() {
    let geo = open("countries.mmdb", &ALL).await;
    let country = "continent_code=AS country_iso_code=JP";
    assert_eq!(find(&geo, "192.0.2.1", Signal::Ignore), country);
    assert_eq!(find(&geo, "2001:db8::1", Signal::Ignore), "");
}

#[tokio::test]
async fn a_header_goes_before_the_file() {
    let mut settings = settings(fixture("cities.mmdb"), &ALL);
    settings.headers = vec![GeoHeader::CfIpcountry];
    let geo = Geo::open(&settings).await.unwrap();
    let address = Some("198.51.100.1".parse().unwrap());
    for (header, expected) in [
        (
            "GB",
            "continent_code=EU country_iso_code=GB region_iso_code=GB-ENG",
        ),
        ("US", "country_iso_code=US"),
        (
            "XX",
            "continent_code=EU country_iso_code=GB region_iso_code=GB-ENG",
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("cf-ipcountry", header.parse().unwrap());
        let place = geo.place(address, Signal::Ignore, || Some(&headers));
        assert_eq!(place.map(|place| shown(&place)).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_what_was_expected() {
    let folder = TempDir::new().unwrap();
    let in_folder = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let cities = fs::read(fixture("cities.mmdb")).unwrap();
    let table = [
        (
            folder.path().join("none.mmdb"),
            "cannot be read: No such file",
        ),
        (folder.path().to_owned(), "cannot be read: it is no file"),
        (in_folder("empty.mmdb", b""), "is broken, or something else"),
        (
            in_folder("text.mmdb", b"no database"),
            "is broken, or something else",
        ),
        (
            in_folder("cut.mmdb", &cities[..cities.len() / 2]),
            "is broken, or something else",
        ),
        (
            in_folder("beheaded.mmdb", &cities[cities.len() / 2..]),
            "is broken, or something else",
        ),
        (fixture("numbers.mmdb"), "is of the kind \"GeoLite2-ASN\""),
    ];
    for (path, expected) in table {
        let error = refused(path.clone(), &ALL).await;
        let name = path.display().to_string();
        assert!(
            error.starts_with(&format!("geo::database: {name} ")),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
        assert!(error.ends_with("such as GeoLite2-City.mmdb"), "{error}");
    }
    // cities are asked for, and there are none
    let error = refused(fixture("countries.mmdb"), &[GeoField::City]).await;
    assert!(
        error.contains("\"GeoLite2-Country\" and has nothing of what fields asks for"),
        "{error}"
    );
}

/// A copy of the file of cities that may be changed.
struct Changing {
    folder: TempDir,
    geo: Geo,
    metrics: Metrics,
}

impl Changing {
    async fn new() -> Changing {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("places.mmdb");
        fs::copy(fixture("cities.mmdb"), &path).unwrap();
        Changing {
            folder,
            geo: Geo::open(&settings(path, &ALL[1..2])).await.unwrap(),
            metrics: Metrics::new("beacon"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("places.mmdb")
    }

    /// Puts other content in the place of the file, as programs do that load new ones.
    fn replace(&self, content: &[u8]) {
        let beside = self.folder.path().join("new");
        fs::write(&beside, content).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    /// Reloads that went well, those that did not, and the place of a client.
    fn state(&self) -> (u64, u64, String) {
        let count = |outcome| self.metrics.reloads(outcome);
        let country = find(&self.geo, "192.0.2.1", Signal::Ignore);
        (count(Reload::Loaded), count(Reload::Failed), country)
    }
}

#[tokio::test]
async fn a_new_file_is_used_and_a_bad_one_is_told_once_and_changes_nothing() {
    let changing = Changing::new().await;
    let file = changing.geo.file.as_ref().unwrap();
    let mut watch = Watch::new(file, changing.geo.wanted, &changing.metrics);
    let (canada, japan) = ("country_iso_code=CA", "country_iso_code=JP");
    let content = |name: &str| Some(fs::read(fixture(name)).unwrap());
    // the new content, what comes of it, the country
    let steps = [
        (None, None, canada),
        (content("countries.mmdb"), Some(Reload::Loaded), japan),
        (Some(b"broken".to_vec()), Some(Reload::Failed), japan),
        (content("numbers.mmdb"), Some(Reload::Failed), japan),
        (None, Some(Reload::Failed), japan),
        (content("countries.mmdb"), Some(Reload::Loaded), japan),
        (None, Some(Reload::Failed), japan),
        (content("cities.mmdb"), Some(Reload::Loaded), canada),
    ];
    let (mut loaded, mut failed) = (0, 0);
    for (step, (content, outcome, country)) in steps.into_iter().enumerate() {
        match content {
            // at first the file is as it was
            _ if outcome.is_none() => {}
            Some(content) => changing.replace(&content),
            None => fs::remove_file(changing.path()).unwrap(),
        }
        loaded += u64::from(outcome == Some(Reload::Loaded));
        failed += u64::from(outcome == Some(Reload::Failed));
        for _ in 0..3 {
            watch.look().await;
            let expected = (loaded, failed, country.to_owned());
            assert_eq!(changing.state(), expected, "step {step}");
        }
    }
}

#[tokio::test]
async fn it_looks_until_the_receiver_ends() {
    let changing = Changing::new().await;
    let stop = CancellationToken::new();
    let every = Some(Duration::from_millis(1));
    let renewing = renew(&changing.geo, every, &changing.metrics, &stop);
    let ending = async {
        changing.replace(&fs::read(fixture("countries.mmdb")).unwrap());
        while changing.metrics.reloads(Reload::Loaded) == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(renewing, ending) };
    let ended = tokio::time::timeout(DEADLINE, both).await;
    assert!(ended.is_ok(), "{:?}", changing.state());
    // 0 is never
    let running = CancellationToken::new();
    let never = renew(&changing.geo, None, &changing.metrics, &running);
    assert!(tokio::time::timeout(DEADLINE, never).await.is_ok());
}
