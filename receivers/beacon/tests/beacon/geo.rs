//! Where clients are.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use otlp::edit::{Scratch, run};
use semconv::ToOtel;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::rig::{NOW, Rig, attributes, decode, records};

const TEXT: (&str, &str) = ("content-type", "text/plain");
const PROXY: &str = "trusted_proxies: [127.0.0.1]\n";
const EVERYTHING: &str = "fields: [continent, country, region, city, postal_code, location]";
/// In Quebec, by the file.
const CLIENT: &str = "192.0.2.77";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Settings with a file of cities; `more` is beside it.
fn cities(more: &str) -> String {
    let database = fixture("cities.mmdb");
    let comma = if more.is_empty() { "" } else { ", " };
    format!("geo: {{database: {}{comma}{more}}}\n", database.display())
}

/// Starts a receiver behind a proxy on the same machine.
async fn behind_proxy(settings: &str) -> Rig {
    Rig::start(&format!("{PROXY}{settings}")).await
}

/// Sends an event with these headers; what the record says about places.
async fn place(rig: &Rig, headers: &[(&str, &str)], body: &str) -> Map<String, Value> {
    let headers = [&[TEXT], headers].concat();
    let reply = rig.send("POST /b", &headers, body).await;
    assert_eq!(reply.status, 204);
    last_place(rig)
}

/// What the last record says about places.
fn last_place(rig: &Rig) -> Map<String, Value> {
    let records = rig.records();
    let all = attributes(records.last().unwrap());
    let is_place = |key: &String| key.contains("geo");
    all.into_iter().filter(|(key, _)| is_place(key)).collect()
}

async fn place_of(rig: &Rig, address: &str) -> Value {
    let headers = [("x-forwarded-for", address)];
    Value::Object(place(rig, &headers, "{\"a\":1}").await)
}

#[tokio::test]
async fn the_place_of_an_address_is_written() {
    let rig = behind_proxy(&cities("")).await;
    let quebec =
        json!({"client.geo.country_iso_code": "CA", "client.geo.region_iso_code": "CA-QC"});
    for (address, expected) in [
        (CLIENT, quebec),
        ("203.0.113.1", json!({"client.geo.country_iso_code": "DE"})),
        (
            "2001:db8::7",
            json!({"client.geo.country_iso_code": "FR", "client.geo.region_iso_code": "FR-IDF"}),
        ),
        ("10.1.2.3", json!({})),
        ("192.0.3.1", json!({})),
        ("", json!({})),
    ] {
        assert_eq!(place_of(&rig, address).await, expected, "{address}");
    }

    let rig = behind_proxy(&cities(EVERYTHING)).await;
    let expected = json!({
        "client.geo.continent_code": "NA",
        "client.geo.country_iso_code": "CA",
        "client.geo.region_iso_code": "CA-QC",
        "client.geo.city_name": "Sainte-Épreuve",
        "client.geo.postal_code": "H0H 0H0",
        "client.geo.location.lat": 45.5,
        "client.geo.location.lon": -73.25,
    });
    assert_eq!(place_of(&rig, CLIENT).await, expected);
}

#[tokio::test]
async fn every_way_of_an_event_has_it() {
    let rig = behind_proxy(&cities("fields: [country]")).await;
    let canada = json!({"client.geo.country_iso_code": "CA"});
    let forwarded = ("x-forwarded-for", CLIENT);
    rig.send("GET /b.gif?event.action=x", &[forwarded], "")
        .await;
    assert_eq!(Value::Object(last_place(&rig)), canada);
    let report =
        r#"[{"type":"crash","age":1,"url":"https://a.example/","body":{},"user_agent":"U"}]"#;
    let headers = [("content-type", "application/reports+json"), forwarded];
    rig.send("POST /reports", &headers, report).await;
    assert_eq!(Value::Object(last_place(&rig)), canada);
    rig.send("POST /b", &[TEXT, forwarded], "[{\"a\":1},{\"a\":2}]")
        .await;
    let records = rig.records();
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!(attributes(record)["client.geo.country_iso_code"], "CA");
    }
}

#[tokio::test]
async fn the_mapper_gives_it_the_names_of_opentelemetry() {
    let rig = behind_proxy(&format!(
        "client_ip: drop\nbots: keep\n{}",
        cities(EVERYTHING)
    ))
    .await;
    let headers = [TEXT, ("user-agent", ""), ("x-forwarded-for", CLIENT)];
    rig.send("POST /b", &headers, "{\"a\":1}").await;
    let taken = rig.consumer.taken();
    let mapped = run(
        &taken[0].payload,
        &[&ToOtel::default()],
        &mut Scratch::default(),
        NOW,
    );
    let expected = json!({
        "a": 1,
        "geo.continent.code": "NA",
        "geo.country.iso_code": "CA",
        "geo.region.iso_code": "CA-QC",
        "geo.locality.name": "Sainte-Épreuve",
        "geo.postal_code": "H0H 0H0",
        "geo.location.lat": 45.5,
        "geo.location.lon": -73.25,
    });
    let records = records(&mapped);
    assert_eq!(Value::Object(attributes(&records[0])), expected);
}

#[tokio::test]
async fn it_is_that_of_the_whole_address_whatever_is_kept_of_it() {
    // 198.51.100.0/25 is in England, the other half of the /24 is not.
    for keep in ["keep", "anonymize", "hash", "drop"] {
        let rig = behind_proxy(&format!("client_ip: {keep}\n{}", cities(EVERYTHING))).await;
        let expected = json!({"client.geo.continent_code": "OC"});
        assert_eq!(place_of(&rig, "198.51.100.200").await, expected, "{keep}");
        let records = rig.records();
        let has_address = records[0].to_string().contains("198.51.100.200");
        assert_eq!(has_address, keep == "keep", "{keep}");
    }
}

#[tokio::test]
async fn who_wants_to_be_anonymous_has_a_country_at_most() {
    let country = json!({"client.geo.continent_code": "NA", "client.geo.country_iso_code": "CA"});
    for signal in ["sec-gpc", "dnt"] {
        let more = format!("headers: [cloudfront-viewer-country], {EVERYTHING}");
        let rig = behind_proxy(&cities(&more)).await;
        let forwarded = ("x-forwarded-for", CLIENT);
        let got = place(&rig, &[(signal, "1"), forwarded], "{\"a\":1}").await;
        assert_eq!(Value::Object(got), country, "{signal}");
        let told = [
            (signal, "1"),
            forwarded,
            ("cloudfront-viewer-country", "CA"),
            ("cloudfront-viewer-country-region", "ON"),
            ("cloudfront-viewer-city", "Ottawa"),
        ];
        let got = place(&rig, &told, "{\"a\":1}").await;
        assert_eq!(Value::Object(got), country, "{signal}");
    }
    let ignoring = behind_proxy(&format!("privacy_signals: {{gpc: ignore}}\n{}", cities(""))).await;
    let got = place(
        &ignoring,
        &[("sec-gpc", "1"), ("x-forwarded-for", CLIENT)],
        "{\"a\":1}",
    )
    .await;
    assert_eq!(got["client.geo.region_iso_code"], "CA-QC");
}

#[tokio::test]
async fn what_a_sender_says_about_its_place_is_left_out() {
    let claims = r#"{"client":{"geo":{"country_iso_code":"KP","city_name":"Here"}},"client.geo.location":"1,2",
        "source.geo.city_name":"There","geo.country.iso_code":"KP","geo.locality.name":"Here","geo.fence":"mine"}"#;
    let forwarded = ("x-forwarded-for", CLIENT);
    let rig = behind_proxy(&cities("")).await;
    let expected = json!({
        "client.geo.country_iso_code": "CA",
        "client.geo.region_iso_code": "CA-QC",
        "geo.fence": "mine",
    });
    let got = place(&rig, &[forwarded], claims).await;
    assert_eq!(Value::Object(got), expected);
    // also where the server knows nothing, and as defaults of a batch
    let got = place(&rig, &[], claims).await;
    assert_eq!(Value::Object(got), json!({"geo.fence": "mine"}));
    let batch = r#"{"client.geo.country_iso_code":"KP","events":[{"a":1}]}"#;
    assert_eq!(Value::Object(place(&rig, &[], batch).await), json!({}));

    let off = behind_proxy("").await;
    let got = place(&off, &[forwarded], claims).await;
    assert_eq!(got["client.geo.country_iso_code"], "KP");
    assert_eq!(got.len(), 7);
}

#[tokio::test]
async fn a_trusted_sender_says_it_itself() {
    let forwarded = ("x-forwarded-for", CLIENT);
    let own = json!({"client.geo.city_name": "Here"});
    for trusted in ["client.geo.*", "client.*", "\"*\"", "client.geo.city_name"] {
        let settings = format!("trust_client_fields: [{trusted}]\n{}", cities(""));
        let rig = behind_proxy(&settings).await;
        let got = place(&rig, &[forwarded], &own.to_string()).await;
        assert_eq!(Value::Object(got), own, "{trusted}");
        // who says nothing is looked up
        let got = place(&rig, &[forwarded], "{\"a\":1}").await;
        assert_eq!(got["client.geo.country_iso_code"], "CA", "{trusted}");
    }
    let other = behind_proxy(&format!("trust_client_fields: [client.ip]\n{}", cities(""))).await;
    let got = place(&other, &[forwarded], &own.to_string()).await;
    assert_eq!(got["client.geo.country_iso_code"], "CA");
    assert!(!got.contains_key("client.geo.city_name"));
}

#[tokio::test]
async fn headers_are_believed_from_trusted_proxies_only() {
    let settings = "geo: {fields: [country, region, city], headers: [cloudfront-viewer-country, cf-ipcountry, x-vercel-ip-country]}";
    let cloudfront = [
        ("cloudfront-viewer-country", "CA"),
        ("cloudfront-viewer-country-region", "QC"),
        ("cloudfront-viewer-city", "Trois-Rivi%C3%A8res"),
        ("cf-ipcountry", "DE"),
    ];
    let canada = json!({
        "client.geo.country_iso_code": "CA",
        "client.geo.region_iso_code": "CA-QC",
        "client.geo.city_name": "Trois-Rivières",
    });
    let body = "{\"a\":1}";
    let rig = behind_proxy(settings).await;
    let got = place(&rig, &cloudfront, body).await;
    assert_eq!(Value::Object(got), canada);
    for (header, value, expected) in [
        ("cf-ipcountry", "DE", Some("DE")),
        ("x-vercel-ip-country", "FR", Some("FR")),
        ("cf-ipcountry", "XX", None),
        ("cf-ipcountry", "T1", None),
        ("cloudfront-viewer-city", "Paris", None),
    ] {
        let got = place(&rig, &[(header, value)], body).await;
        let country = got.get("client.geo.country_iso_code");
        assert_eq!(
            country.and_then(Value::as_str),
            expected,
            "{header}: {value}"
        );
        assert_eq!(got.len(), usize::from(expected.is_some()));
    }
    rig.send("GET /b.gif?a=1", &cloudfront, "").await;
    assert_eq!(Value::Object(last_place(&rig)), canada);
    for stranger in ["", "trusted_proxies: [10.0.0.0/8]\n"] {
        let rig = Rig::start(&format!("{stranger}{settings}")).await;
        let got = place(&rig, &cloudfront, body).await;
        assert_eq!(Value::Object(got), json!({}), "{stranger}");
        rig.send("GET /b.gif?a=1", &cloudfront, "").await;
        assert_eq!(rig.records().len(), 2);
        assert_eq!(Value::Object(last_place(&rig)), json!({}), "{stranger}");
    }
    // only those that are named
    let rig = behind_proxy("geo: {headers: [cf-ipcountry]}").await;
    let got = place(&rig, &cloudfront, body).await;
    assert_eq!(
        Value::Object(got),
        json!({"client.geo.country_iso_code": "DE"})
    );
}

#[tokio::test]
async fn a_header_goes_before_the_file() {
    let rig = behind_proxy(&cities("headers: [cf-ipcountry]")).await;
    for (country, expected) in [
        (
            "CA",
            json!({"client.geo.country_iso_code": "CA", "client.geo.region_iso_code": "CA-QC"}),
        ),
        ("DE", json!({"client.geo.country_iso_code": "DE"})),
        (
            "XX",
            json!({"client.geo.country_iso_code": "CA", "client.geo.region_iso_code": "CA-QC"}),
        ),
    ] {
        let headers = [("x-forwarded-for", CLIENT), ("cf-ipcountry", country)];
        let got = place(&rig, &headers, "{\"a\":1}").await;
        assert_eq!(Value::Object(got), expected, "{country}");
    }
}

/// A request inside an event of API Gateway, or of a load balancer without `source`.
fn envelope(source: Option<&str>, headers: &Value) -> String {
    let context = match source {
        Some(source) => json!({"http": {"sourceIp": source}}),
        None => json!({"elb": {"targetGroupArn": "x"}}),
    };
    json!({"headers": headers, "requestContext": context, "body": "{\"a\":1}", "isBase64Encoded": false})
        .to_string()
}

#[tokio::test]
async fn the_address_inside_an_envelope_counts() {
    let settings = cities("fields: [country], headers: [cf-ipcountry]");
    let rig = behind_proxy(&settings).await;
    let says_france = json!({"cf-ipcountry": "FR"});
    let from_proxy = json!({"cf-ipcountry": "FR", "x-forwarded-for": CLIENT});
    for (source, headers, expected) in [
        (Some(CLIENT), json!({}), Some("CA")),
        (Some(CLIENT), says_france.clone(), Some("CA")),
        (Some("127.0.0.1"), from_proxy.clone(), Some("FR")),
        (None, says_france.clone(), None),
        (
            None,
            json!({"cf-ipcountry": "FR", "x-forwarded-for": format!("{CLIENT}, 127.0.0.1")}),
            Some("FR"),
        ),
        (
            None,
            json!({"cf-ipcountry": "FR", "x-forwarded-for": CLIENT}),
            Some("CA"),
        ),
    ] {
        let body = envelope(source, &headers);
        let got = place(&rig, &[], &body).await;
        let country = got.get("client.geo.country_iso_code");
        assert_eq!(country.and_then(Value::as_str), expected, "{body}");
    }
    let stranger = Rig::start(&settings).await;
    for source in [Some(CLIENT), Some("127.0.0.1"), None] {
        let body = envelope(source, &says_france);
        let got = place(&stranger, &[], &body).await;
        assert_eq!(Value::Object(got), json!({}), "{body}");
    }
    let anonymous = envelope(Some(CLIENT), &json!({"sec-gpc": "1"}));
    let rig = behind_proxy(&cities("")).await;
    let got = place(&rig, &[], &anonymous).await;
    assert_eq!(
        Value::Object(got),
        json!({"client.geo.country_iso_code": "CA"})
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("broken.mmdb");
    fs::write(&broken, "no database").unwrap();
    for (path, expected) in [
        (folder.path().join("none.mmdb"), "none.mmdb cannot be read"),
        (broken, "broken.mmdb is broken"),
        (
            fixture("numbers.mmdb"),
            "numbers.mmdb is of the kind \"GeoLite2-ASN\"",
        ),
    ] {
        let yaml = format!(
            "endpoint: 127.0.0.1:0\ngeo: {{database: {}}}",
            path.display()
        );
        let receiver = decode(&yaml)
            .unwrap()
            .build(&"beacon".parse().unwrap(), pipeline::Outputs::default());
        let started = receiver.unwrap().start(pipeline::Host::new(1 << 20)).await;
        let error = started.unwrap_err().to_string();
        assert!(error.starts_with("geo::database: "), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(
            error.contains("expected a MaxMind DB file with cities or countries"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_new_file_is_used_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("places.mmdb");
    fs::copy(fixture("cities.mmdb"), &path).unwrap();
    let settings = format!(
        "geo: {{database: {}, reload: 10ms, fields: [country]}}\nrate_limit: {{enabled: false}}\n",
        path.display()
    );
    let rig = behind_proxy(&settings).await;
    let country = |code: &str| json!({"client.geo.country_iso_code": code});
    assert_eq!(place_of(&rig, CLIENT).await, country("CA"));
    let beside = folder.path().join("new");
    fs::copy(fixture("countries.mmdb"), &beside).unwrap();
    fs::rename(&beside, &path).unwrap();
    let waiting = async {
        while place_of(&rig, CLIENT).await != country("JP") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "the new file was not used");
    fs::write(&path, "broken").unwrap();
    assert_eq!(place_of(&rig, CLIENT).await, country("JP"));
    assert_eq!(rig.stop().await, Ok(()));
}

#[test]
fn mistakes_are_named() {
    let table = [
        (
            "geo: {}",
            "receivers::beacon::geo: nothing says where a client is: expected a database",
        ),
        ("geo: {fields: [country]}", "nothing says where a client is"),
        ("geo: {database: \"\"}", "geo::database: must not be empty"),
        (
            "geo: {database: a, fields: []}",
            "geo::fields: must not be empty: expected some of continent",
        ),
        (
            "geo: {database: a, fields: [county]}",
            "geo::fields::0: expected one of \"continent\", \"country\", \"region\", \"city\", \"postal_code\", \"location\", got \"county\"",
        ),
        (
            "geo: {headers: [cf-ip-country]}",
            "geo::headers::0: expected one of \"cloudfront-viewer-country\", \"cf-ipcountry\", \"x-vercel-ip-country\", got \"cf-ip-country\"",
        ),
        ("geo: {database: a, path: b}", "unknown key \"path\""),
    ];
    for (yaml, expected) in table {
        let problems = decode(yaml).map(drop).unwrap_err();
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
    for yaml in [
        "geo:",
        "geo: {enabled: false, database: a}",
        "geo: {database: a.mmdb, reload: 0}",
        "trusted_proxies: [cloudfront]\ngeo: {headers: [cloudfront-viewer-country]}",
    ] {
        assert!(decode(yaml).is_ok(), "{yaml}: {:?}", decode(yaml).err());
    }
}

#[test]
fn headers_that_nobody_can_send_are_warned_about() {
    let warnings = |yaml: &str| {
        let mut problems = settings::Problems::new();
        let files = settings::FixedEnvironment::new().with_file("c.yaml", yaml);
        let sources = [settings::Source::new("c.yaml")];
        let node = settings::load(&sources, &[], &files, &mut problems).unwrap();
        (receiver_beacon::factory().decode)(&node, "receivers::beacon", &mut problems);
        let all = problems.warnings();
        all.into_iter()
            .map(ToString::to_string)
            .collect::<Vec<String>>()
    };
    let alone = "geo: {headers: [cf-ipcountry]}";
    assert_eq!(
        warnings(alone),
        [
            "c.yaml:1:7: receivers::beacon::geo::headers: are believed from trusted_proxies only, and there are none"
        ]
    );
    assert!(warnings(&format!("{PROXY}{alone}")).is_empty());
}
