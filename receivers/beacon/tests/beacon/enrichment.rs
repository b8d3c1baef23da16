//! What the server adds, overwrites and leaves out.

use serde_json::{Value, json};

use crate::rig::{NOW, Rig, attributes};

const TEXT: (&str, &str) = ("content-type", "text/plain");
const SECOND: u64 = 1_000_000_000;

#[tokio::test]
async fn the_server_knows_better_who_sends_and_the_client_what_it_looked_at() {
    let rig = Rig::start("").await;
    let body = r#"{"client.ip":"6.6.6.6","client":{"address":"6.6.6.6"},"user_agent":{"original":"Fake"},"a":1}"#;
    let headers = [
        TEXT,
        ("user-agent", "Real/1"),
        ("referer", "https://shop.example/p?q=1&token=t"),
        ("cookie", "c=1"),
    ];
    rig.send("POST /b", &headers, body).await;
    let records = rig.records();
    let expected = json!({
        "a": 1,
        "client.ip": "127.0.0.1",
        "user_agent.original": "Real/1",
        "url.full": "https://shop.example/p?q=1&token=REDACTED",
        "url.scheme": "https",
        "url.domain": "shop.example",
        "url.path": "/p",
        "url.query": "q=1&token=REDACTED",
        "beacon.url.source": "referer",
    });
    assert_eq!(Value::Object(attributes(&records[0])), expected);
    assert_eq!(records[0]["timeUnixNano"], NOW.to_string());
    assert_eq!(records[0]["observedTimeUnixNano"], NOW.to_string());

    let rig = Rig::start("").await;
    let body = r#"{"url":{"full":"https://shop.example/own#top"}}"#;
    rig.send(
        "POST /b",
        &[TEXT, ("referer", "https://shop.example/")],
        body,
    )
    .await;
    let attributes = rig.attributes();
    assert_eq!(attributes["url.full"], "https://shop.example/own#top");
    assert!(!attributes.contains_key("beacon.url.source"));

    let trusting = Rig::start("trust_client_fields: [client.ip, user_agent.*]").await;
    let body = r#"{"client.ip":"192.0.2.9","user_agent.original":"Phone/1"}"#;
    trusting.beacon(body).await;
    let attributes = trusting.attributes();
    assert_eq!(attributes["client.ip"], "192.0.2.9");
    assert_eq!(attributes["user_agent.original"], "Phone/1");
}

#[tokio::test]
async fn the_client_behind_proxies() {
    let trusting = "trusted_proxies: [127.0.0.1, 10.0.0.0/8, \"fd00::/8\"]";
    // settings, X-Forwarded-For, address
    let table = [
        ("", "192.0.2.1", "127.0.0.1"),
        (trusting, "192.0.2.1", "192.0.2.1"),
        (trusting, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (trusting, "6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"),
        (trusting, "10.2.2.2, 10.1.1.1", "10.2.2.2"),
        (trusting, "192.0.2.1:5678", "192.0.2.1"),
        (trusting, "[2001:db8::1]:443", "2001:db8::1"),
        (trusting, "2001:db8::1", "2001:db8::1"),
        (trusting, "::ffff:192.0.2.1", "192.0.2.1"),
        (trusting, "unknown", "127.0.0.1"),
        (trusting, "192.0.2.1, unknown, 10.1.1.1", "10.1.1.1"),
        (trusting, "", "127.0.0.1"),
        (
            "trusted_proxies: [127.0.0.1, cloudfront]",
            "192.0.2.1, 130.176.0.9",
            "192.0.2.1",
        ),
    ];
    for (settings, forwarded, expected) in table {
        let rig = Rig::start(settings).await;
        rig.send(
            "POST /b",
            &[TEXT, ("x-forwarded-for", forwarded)],
            "{\"a\":1}",
        )
        .await;
        assert_eq!(
            rig.attributes()["client.ip"],
            expected,
            "{settings} {forwarded}"
        );
    }
    let rig = Rig::start(&format!(
        "{trusting}\naddress_headers: [forwarded, cloudfront-viewer-address]"
    ))
    .await;
    rig.send(
        "POST /b",
        &[
            TEXT,
            (
                "forwarded",
                "for=\"[2001:db8::17]:4711\";proto=https, For=10.1.1.1",
            ),
        ],
        "{\"a\":1}",
    )
    .await;
    assert_eq!(rig.attributes()["client.ip"], "2001:db8::17");
}

#[tokio::test]
async fn addresses_are_kept_as_configured() {
    for (keep, expected) in [
        ("keep", Some("192.0.2.77")),
        ("anonymize", Some("192.0.2.0")),
        ("drop", None),
    ] {
        let rig = Rig::start(&format!("client_ip: {keep}\ntrusted_proxies: [127.0.0.1]")).await;
        rig.send(
            "POST /b",
            &[TEXT, ("x-forwarded-for", "192.0.2.77")],
            "{\"a\":1}",
        )
        .await;
        assert_eq!(
            rig.attributes().get("client.ip").and_then(Value::as_str),
            expected
        );
        assert!(
            rig.consumer.taken()[0].client.is_none(),
            "no address goes into a queue"
        );
    }
}

#[tokio::test]
async fn hints_of_chromium() {
    let rig = Rig::start("").await;
    let headers = [
        TEXT,
        ("sec-ch-ua", r#""Chromium";v="156", "Not:A-Brand";v="24""#),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Linux\""),
    ];
    rig.send("POST /b", &headers, "{\"a\":1}").await;
    let attributes = rig.attributes();
    assert_eq!(attributes["browser.brands"], json!(["Chromium 156"]));
    assert_eq!(attributes["browser.mobile"], false);
    assert_eq!(attributes["browser.platform"], "Linux");
}

#[tokio::test]
async fn wishes_for_privacy() {
    let body = r#"{"session.id":"s","user":{"id":"u"},"a":1}"#;
    // settings, header, what is left
    let anonymous: &[&str] = &["a", "user_agent.original"];
    let all: &[&str] = &[
        "a",
        "client.ip",
        "session.id",
        "user.id",
        "user_agent.original",
    ];
    let table = [
        ("", "sec-gpc", Some(anonymous)),
        ("", "dnt", Some(anonymous)),
        ("privacy_signals: {gpc: ignore}", "sec-gpc", Some(all)),
        ("privacy_signals: {gpc: drop}", "sec-gpc", None),
        ("privacy_signals: {gpc: drop}", "x-other", Some(all)),
    ];
    for (settings, header, left) in table {
        let rig = Rig::start(settings).await;
        let reply = rig.send("POST /b", &[TEXT, (header, "1")], body).await;
        assert_eq!(reply.status, 204);
        let Some(left) = left else {
            assert!(rig.records().is_empty());
            assert_eq!(reply.header("x-beacon-dropped"), Some("1;privacy"));
            continue;
        };
        let mut keys: Vec<String> = rig.attributes().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, left, "{settings} {header}");
    }
}

#[tokio::test]
async fn pages_nobody_looks_at_and_programs() {
    let rig = Rig::start("").await;
    for purpose in ["prefetch;prerender", "prefetch"] {
        let reply = rig
            .send(
                "POST /b",
                &[TEXT, ("sec-purpose", purpose)],
                "[{\"a\":1},{\"a\":2}]",
            )
            .await;
        assert_eq!(
            (reply.status, reply.header("x-beacon-dropped")),
            (204, Some("2;prerender"))
        );
    }
    assert!(rig.records().is_empty());
    // user agent, with `tag`
    let table = [
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", Some("bot")),
        ("Mozilla/5.0 HeadlessChrome/156.0.0.0", Some("test")),
        ("", Some("bot")),
        ("Mozilla/5.0 Firefox/150.0", None),
    ];
    for (agent, kind) in table {
        for (setting, expected, count) in [
            ("tag", kind, 1),
            ("keep", None, 1),
            ("drop", None, usize::from(kind.is_none())),
        ] {
            let rig = Rig::start(&format!("bots: {setting}")).await;
            let reply = rig
                .send("POST /b", &[TEXT, ("user-agent", agent)], "{\"a\":1}")
                .await;
            assert_eq!(
                (reply.status, rig.records().len()),
                (204, count),
                "{agent} {setting}"
            );
            if let Some(record) = rig.records().first() {
                let tag = attributes(record).get("user_agent.synthetic.type").cloned();
                assert_eq!(
                    tag.as_ref().and_then(Value::as_str),
                    expected,
                    "{agent} {setting}"
                );
            }
        }
    }
}

#[tokio::test]
async fn clocks_of_clients() {
    // body, time, skew in ms, client timestamp
    let hour = 3600 * SECOND;
    let table = [
        ("{\"a\":1}".to_owned(), NOW, None, None),
        ("{\"@timestamp\":\"2024-12-31T23:59:50Z\"}".to_owned(), NOW - 10 * SECOND, None, None),
        ("{\"@timestamp\":1735689590}".to_owned(), NOW - 10 * SECOND, None, None),
        ("{\"@timestamp\":1735689590000}".to_owned(), NOW - 10 * SECOND, None, None),
        ("{\"@timestamp\":\"2019-01-01\"}".to_owned(), NOW, None, Some(json!("2019-01-01"))),
        ("{\"@timestamp\":\"soon\"}".to_owned(), NOW, None, Some(json!("soon"))),
        (
            "{\"sent_at\":\"2024-12-31T23:00:00Z\",\"events\":[{\"@timestamp\":\"2024-12-31T22:59:55Z\"}]}".to_owned(),
            NOW - 5 * SECOND,
            Some(3_600_000),
            None,
        ),
        (
            format!("{{\"sent_at\":{},\"events\":[{{\"@timestamp\":{}}}]}}", NOW + hour, NOW + hour - SECOND),
            NOW - SECOND,
            Some(-3_600_000),
            None,
        ),
    ];
    for (body, time, skew, original) in table {
        let rig = Rig::start("").await;
        assert_eq!(rig.beacon(&body).await.status, 204);
        let records = rig.records();
        assert_eq!(records[0]["timeUnixNano"], time.to_string(), "{body}");
        let attributes = attributes(&records[0]);
        assert_eq!(
            attributes.get("beacon.clock_skew"),
            skew.map(|skew| json!(skew)).as_ref(),
            "{body}"
        );
        assert_eq!(
            attributes.get("beacon.client_timestamp"),
            original.as_ref(),
            "{body}"
        );
        assert!(!attributes.contains_key("@timestamp"));
    }
    let keeping = Rig::start("timestamps: keep").await;
    keeping.beacon("{\"@timestamp\":\"2019-01-01\"}").await;
    assert_eq!(keeping.attributes()["@timestamp"], "2019-01-01");
    assert_eq!(keeping.records()[0].get("timeUnixNano"), None);
}

#[tokio::test]
async fn what_is_too_large_is_cut_and_said_so() {
    let limits =
        "limits: {string_bytes: 10, stack_bytes: 20, array_items: 2, fields: 6, key_bytes: 20}";
    let rig = Rig::start(limits).await;
    let body = json!({
        "s": "ééééééé", "error.stack_trace": "x".repeat(30), "l": [1, 2, 3], "a key of more than 20 bytes": 1,
        "e": "ok", "f": 1, "g": 1, "h": 1, "i": 1,
    });
    assert_eq!(rig.beacon(body.to_string()).await.status, 204);
    let records = rig.records();
    let attributes = attributes(&records[0]);
    assert_eq!(attributes["beacon.truncated"], true);
    assert_eq!(records[0]["droppedAttributesCount"], 3);
    for (key, expected) in [
        ("s", json!("ééééé")),
        ("error.stack_trace", json!("x".repeat(20))),
        ("l", json!([1, 2])),
        ("e", json!("ok")),
    ] {
        if let Some(value) = attributes.get(key) {
            assert_eq!(*value, expected, "{key}");
        }
    }
    let whole = Rig::start("").await;
    whole
        .beacon(json!({"s": "x".repeat(8192), "error.stack_trace": "y".repeat(32768)}).to_string())
        .await;
    assert!(!whole.attributes().contains_key("beacon.truncated"));
    let cut = Rig::start("").await;
    cut.beacon(json!({"s": "x".repeat(8193)}).to_string()).await;
    assert_eq!(cut.attributes()["s"].as_str().map(str::len), Some(8192));
}

#[tokio::test]
async fn the_client_behind_a_balancer_of_connections() {
    let rig = Rig::start("proxy_protocol: true\ntrusted_proxies: [192.0.2.0/24]").await;
    let body = "{\"a\":1}";
    for (source, forwarded) in [("192.0.2.1", "198.51.100.7"), ("203.0.113.1", "6.6.6.6")] {
        let request = format!(
            "PROXY TCP4 {source} 192.0.2.9 5678 443\r\nPOST /b HTTP/1.1\r\nhost: c\r\nconnection: close\r\n\
             content-type: text/plain\r\nx-forwarded-for: {forwarded}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(rig.raw(request.as_bytes()).await.status, 204);
    }
    let addresses: Vec<Value> = rig
        .records()
        .iter()
        .map(|record| attributes(record)["client.ip"].clone())
        .collect();
    assert_eq!(addresses, ["198.51.100.7", "203.0.113.1"]);
}
