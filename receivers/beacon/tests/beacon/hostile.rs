//! What strangers try: forged facts, other ways to what is denied, small requests that become large.

use base64::Engine;
use serde_json::{Value, json};

use crate::rig::{Rig, attributes};

const TEXT: (&str, &str) = ("content-type", "text/plain");

#[tokio::test]
async fn an_address_inside_an_envelope_is_believed_from_trusted_proxies_only() {
    let forwarded = r#""headers":{"x-forwarded-for":"192.0.2.7"}"#;
    let balancer = format!(
        r#"{{{forwarded},"requestContext":{{"elb":{{}}}},"body":"{{\"a\":1}}","isBase64Encoded":false}}"#
    );
    let bare = format!(r#"{{{forwarded},"body":"{{\"a\":1}}","isBase64Encoded":false}}"#);
    let firehose = r#"{"requestId":"r","timestamp":1,"records":[{"data":"eyJhIjoxfQ=="}]}"#;
    let trusting = "trusted_proxies: [127.0.0.1]";
    // settings, outer X-Forwarded-For, address
    let table = [
        ("", "198.51.100.9", "127.0.0.1"),
        ("", "", "127.0.0.1"),
        // a browser behind a proxy, which makes the envelope up
        (trusting, "198.51.100.9", "198.51.100.9"),
    ];
    let gateway =
        r#"{"requestContext":{"http":{"sourceIp":"192.0.2.7"}},"headers":{},"body":"{\"a\":1}"}"#;
    for body in [&*balancer, &bare, gateway, firehose] {
        for (settings, outer, expected) in table {
            let rig = Rig::start(settings).await;
            rig.send("POST /b", &[TEXT, ("x-forwarded-for", outer)], body)
                .await;
            assert_eq!(rig.attributes()["client.ip"], expected, "{settings} {body}");
        }
    }
    // the proxy itself brings it
    for body in [&*balancer, &bare, gateway] {
        let proxy = Rig::start(trusting).await;
        proxy.send("POST /b", &[TEXT], body).await;
        assert_eq!(proxy.attributes()["client.ip"], "192.0.2.7", "{body}");
    }
}

#[tokio::test]
async fn records_of_an_envelope_share_the_limits_of_a_body() {
    let spaces = bytes::Bytes::from(vec![b' '; 900 << 10]);
    let small = net::compress(net::Encoding::Zstd, None, &[spaces]).unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(&small);
    let records = |count: usize, data: &str| {
        let records = vec![json!({"data": data}); count];
        json!({"requestId": "r", "timestamp": 1, "records": records}).to_string()
    };
    let rig = Rig::start("").await;
    assert_eq!(rig.beacon(records(2, &data)).await.status, 413);
    assert_eq!(rig.beacon(records(501, "eyJhIjoxfQ==")).await.status, 413);
    // each with as many bytes of headers as there may be
    let long = "x".repeat(30 << 10);
    let headers = [TEXT, ("user-agent", &*long), ("referer", &*long)];
    let rig = Rig::start("max_inflated_bytes: 64KiB\nlimits: {string_bytes: 32KiB}").await;
    let reply = rig
        .send("POST /b", &headers, records(400, "eyJhIjoxfQ=="))
        .await;
    assert_eq!(reply.status, 413);
    assert!(rig.records().is_empty());
}

#[tokio::test]
async fn a_request_in_an_envelope_shows_its_key_and_token_there() {
    let rig = Rig::start("keys: [{key: k}]\ntrusted_proxies: [127.0.0.1]").await;
    let get = json!({
        "version": "2.0", "rawQueryString": "a=1&key=k&token=t", "headers": {},
        "requestContext": {"http": {"method": "GET", "sourceIp": "192.0.2.7"}}, "isBase64Encoded": false,
    });
    let post = json!({
        "version": "2.0", "headers": {"x-api-key": "k"}, "body": "{\"a\":1}",
        "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.7"}}, "isBase64Encoded": false,
    });
    let none =
        json!({"headers": {}, "body": "{\"a\":1}", "requestContext": {}, "isBase64Encoded": false});
    for (envelope, status) in [(get, 204), (post, 204), (none, 401)] {
        let reply = rig.beacon(envelope.to_string()).await;
        assert_eq!(reply.status, status, "{envelope}");
    }
    for record in rig.records() {
        let attributes = attributes(&record);
        assert!(attributes.contains_key("a"));
        assert!(!attributes.contains_key("key") && !attributes.contains_key("token"));
    }
    assert_eq!(rig.records().len(), 2);
}

#[tokio::test]
async fn names_that_mean_the_same_behind_the_mapping_are_the_servers_too() {
    let rig = Rig::start("").await;
    let body = json!({
        "a": 1,
        "client": {"domain": "forged.example", "address": "6.6.6.6"},
        "event.created": "2001-01-01T00:00:00Z",
        "beacon.origin.missing": false,
        "beacon.clock_skew": 7,
        "beacon.url.source": "forged",
        "beacon.repeats": 3,
        "browser.platform": "forged",
    });
    let headers = [
        TEXT,
        ("sec-ch-ua", "\"A\";v=\"1\""),
        ("sec-ch-ua-platform", "\"Linux\""),
    ];
    rig.send("POST /b", &headers, body.to_string()).await;
    let attributes = rig.attributes();
    assert_eq!(attributes["client.ip"], "127.0.0.1");
    assert_eq!(attributes["browser.platform"], "Linux");
    assert_eq!(attributes["beacon.repeats"], 3);
    for forged in [
        "client.domain",
        "client.address",
        "event.created",
        "beacon.origin.missing",
        "beacon.clock_skew",
        "beacon.url.source",
    ] {
        assert!(!attributes.contains_key(forged), "{forged}");
    }
}

#[tokio::test]
async fn no_weight_of_a_client_counts_for_more_than_all() {
    for (rate, kept) in [
        (json!(0.5), true),
        (json!(1), true),
        (json!(0), false),
        (json!(-1), false),
        (json!(1.5), false),
        (json!(1e-400), false),
        (json!("NaN"), false),
        (json!("inf"), false),
        (json!("0.5"), true),
    ] {
        let rig = Rig::start("").await;
        rig.beacon(json!({"a": 1, "beacon.sample_rate": rate}).to_string())
            .await;
        let found = rig.attributes().contains_key("beacon.sample_rate");
        assert_eq!(found, kept, "{rate}");
    }
}

#[tokio::test]
async fn privacy_is_for_trusted_fields_too() {
    let rig = Rig::start("trust_client_fields: [\"*\"]").await;
    let body = json!({
        "a": 1, "client.ip": "192.0.2.7", "client.geo.city_name": "Bern", "client.geo.country_iso_code": "CH",
        "user.id": "u", "session.id": "own-session",
    });
    rig.send("POST /b", &[TEXT, ("dnt", "1")], body.to_string())
        .await;
    let attributes = rig.attributes();
    assert_eq!(attributes["client.geo.country_iso_code"], "CH");
    for personal in ["client.ip", "client.geo.city_name", "user.id", "session.id"] {
        assert!(!attributes.contains_key(personal), "{personal}");
    }
    assert!(rig.records()[0].get("droppedAttributesCount").is_none());
}

#[tokio::test]
async fn what_is_no_url_and_what_is_denied_is_not_taken_apart() {
    let rig = Rig::start("denied_attributes: [url.query]").await;
    rig.beacon(r#"{"a":1,"url.full":"https://a.example/p?q=1"}"#)
        .await;
    let attributes = rig.attributes();
    assert_eq!(attributes["url.path"], "/p");
    assert!(!attributes.contains_key("url.query"));
    let rig = Rig::start("").await;
    let headers = [TEXT, ("referer", "https://b.example/")];
    rig.send(
        "POST /b",
        &headers,
        r#"{"a":1,"url.full":["https://a.example/?token=t"]}"#,
    )
    .await;
    assert_eq!(rig.attributes()["url.full"], "https://b.example/");
}

#[tokio::test]
async fn the_resource_of_a_batch_is_no_way_around() {
    let rig = Rig::start("strip_query: allowlist").await;
    let batch = json!({
        "resource": {
            "user.id": "u", "session.id": "own-session", "client.ip": "6.6.6.6", "user_agent.original": "forged",
            "browser.document.url.full": "https://me:pw@a.example/?token=t&utm_x=1", "service.name": "shop",
        },
        "events": [{"a": 1}],
    });
    let private = [TEXT, ("sec-gpc", "1")];
    assert_eq!(
        rig.send("POST /b", &private, batch.to_string())
            .await
            .status,
        204
    );
    let expected = json!({
        "browser.document.url.full": "https://REDACTED:REDACTED@a.example/?utm_x=1",
        "service.name": "shop",
    });
    assert_eq!(rig.records()[0]["resource"], expected);
}

#[tokio::test]
async fn a_small_request_does_not_become_a_large_one() {
    let long = "x".repeat(8 << 10);
    let defaults: Vec<String> = (0..28).map(|n| format!("\"d{n}\":\"{long}\"")).collect();
    let events = vec!["{\"a\":1}"; 500].join(",");
    let body = format!("{{{},\"events\":[{events}]}}", defaults.join(","));
    let rig = Rig::start("").await;
    let reply = rig.beacon(&body).await;
    assert_eq!(reply.status, 413, "{}", body.len());
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;size"));
    assert!(rig.records().is_empty());
    // nothing of it is in the next one
    assert_eq!(rig.beacon("[{\"a\":1},{\"a\":2}]").await.status, 204);
    assert_eq!(rig.records().len(), 2);

    let fields: Vec<String> = (0..300).map(|n| format!("\"d{n}\":{n}")).collect();
    let rig = Rig::start("client_ip: drop").await;
    rig.beacon(format!("{{{},\"events\":[{{\"a\":1}}]}}", fields.join(",")))
        .await;
    let record = &rig.records()[0];
    let own = attributes(record)
        .into_iter()
        .filter(|(key, _)| key.starts_with('d'));
    assert_eq!(own.count(), 255);
    assert_eq!(attributes(record)["beacon.truncated"], true);
}

#[tokio::test]
async fn headers_have_the_limits_of_fields() {
    let long = format!("https://a.example/{}", "x".repeat(9 << 10));
    let rig = Rig::start("").await;
    let headers = [TEXT, ("referer", &*long), ("user-agent", &*long)];
    rig.send("POST /b", &headers, "{\"a\":1}").await;
    let attributes = rig.attributes();
    for key in ["user_agent.original", "url.full"] {
        assert_eq!(attributes[key].as_str().unwrap().len(), 8 << 10, "{key}");
    }
    assert_eq!(attributes["beacon.truncated"], true);
}

#[tokio::test]
async fn the_whole_address_is_nowhere_when_it_is_not_to_be_kept() {
    let more = "session: {start_event: true}\nkeys: [{key: k, sample: 0.999999}]\ntrusted_proxies: [127.0.0.1]";
    for keep in ["anonymize", "hash", "drop"] {
        for address in ["198.51.100.77", "2001:db8:1:2:3::77"] {
            let rig = Rig::start(&format!("client_ip: {keep}\n{more}")).await;
            let headers = [TEXT, ("x-forwarded-for", address)];
            for _ in 0..20 {
                rig.send("POST /b/k", &headers, "{\"a\":1}").await;
            }
            let records = Value::Array(rig.records()).to_string();
            assert!(records.contains("session.start"), "{keep} {address}");
            assert!(!records.contains(address), "{keep} {address}");
        }
    }
}

#[tokio::test]
async fn the_name_of_an_event_has_no_other_door() {
    let rig = Rig::start("keys: [{key: k, max_event_names: 1}]").await;
    let bodies = [
        json!({"event.name": "known", "a": 1}),
        json!({"event.name": "known", "event.action": "random", "a": 2}),
    ];
    for body in bodies {
        rig.send("POST /b/k", &[TEXT], body.to_string()).await;
    }
    let twice = r#"{"event.action":"known","event.action":"other","events":[{"a":3}]}"#;
    rig.send("POST /b/k", &[TEXT], twice).await;
    let records: Vec<_> = rig.records().iter().map(attributes).collect();
    assert_eq!(records[1]["event.action"], "beacon.other");
    assert_eq!(records[1]["beacon.event.action"], "random");
    assert_eq!(records[2]["event.action"], "beacon.other");
}

#[tokio::test]
async fn hints_that_browsers_were_asked_for() {
    let rig = Rig::start("response_headers: {Accept-CH: Sec-CH-UA-Model}").await;
    let headers = [
        TEXT,
        ("sec-ch-ua", "\"Chromium\";v=\"156\""),
        (
            "sec-ch-ua-full-version-list",
            "\"Chromium\";v=\"156.0.8078.79\", \"Not:A-Brand\";v=\"24\"",
        ),
        ("sec-ch-ua-platform-version", "\"15.0.0\""),
        ("sec-ch-ua-model", "\"Pixel 9\""),
    ];
    let reply = rig
        .send(
            "POST /b",
            &headers,
            "{\"a\":1,\"user_agent.device.name\":\"forged\"}",
        )
        .await;
    assert_eq!(reply.header("accept-ch"), Some("Sec-CH-UA-Model"));
    let attributes = rig.attributes();
    assert_eq!(
        attributes["browser.brands"],
        json!(["Chromium 156.0.8078.79"])
    );
    assert_eq!(attributes["user_agent.os.version"], "15.0.0");
    assert_eq!(attributes["user_agent.device.name"], "Pixel 9");
}

#[tokio::test]
async fn urls_are_taken_apart_where_an_event_does_not() {
    let rig = Rig::start("").await;
    rig.beacon(
        r#"{"url.full":"https://a.example:8443/p?utm_source=s&token=t#top","url.path":"/own"}"#,
    )
    .await;
    let attributes = rig.attributes();
    for (key, expected) in [
        ("url.scheme", json!("https")),
        ("url.domain", json!("a.example")),
        ("url.port", json!(8443)),
        ("url.path", json!("/own")),
        ("url.query", json!("utm_source=s&token=REDACTED")),
        ("url.fragment", json!("top")),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    for settings in ["split_url: false", "trust_client_fields: [url.*]"] {
        let rig = Rig::start(settings).await;
        rig.beacon(r#"{"url.full":"https://a.example/p"}"#).await;
        assert!(!rig.attributes().contains_key("url.path"), "{settings}");
    }
}
