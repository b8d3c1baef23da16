//! What senders may set, from where, and under which names.

use serde_json::{Value, json};

use crate::rig::{Rig, attributes, decode};

const TEXT: (&str, &str) = ("content-type", "text/plain");
const SHOP: (&str, &str) = ("origin", "https://shop.example");
const CORS: &str = "cors: {allowed_origins: [https://shop.example]}";

#[tokio::test]
async fn with_a_key_nobody_says_which_service_or_host_it_is() {
    let rig = Rig::start("keys: [{key: k, attributes: {service.name: shop}}]").await;
    let batch = json!({
        "key": "k",
        "resource": {"service.name": "evil", "service.version": "1", "browser.language": "de"},
        "host.name": "evil",
        "events": [{"a": 1, "cloud": {"region": "x"}, "services": 2, "telemetry.sdk.name": "x"}],
    });
    assert_eq!(rig.beacon(batch.to_string()).await.status, 204);
    let records = rig.records();
    let resource = json!({"service.name": "shop", "browser.language": "de"});
    assert_eq!(records[0]["resource"], resource);
    let attributes = attributes(&records[0]);
    assert_eq!(
        (&attributes["a"], &attributes["services"]),
        (&json!(1), &json!(2))
    );
    for denied in ["host.name", "cloud.region", "telemetry.sdk.name"] {
        assert!(!attributes.contains_key(denied), "{denied}");
    }
    assert_eq!(records[0]["droppedAttributesCount"], 3);
    assert!(
        !attributes.contains_key("beacon.truncated"),
        "nothing was too large"
    );
}

#[tokio::test]
async fn lists_say_what_may_be_sent() {
    let body = r#"{"event.action":"x","url.full":"https://a.example/","service.name":"s","host.name":"h","page.id":"p"}"#;
    // settings, attributes that come through beside the name of the event
    let table: [(&str, &[&str]); 6] = [
        ("", &["host.name", "page.id", "service.name", "url.full"]),
        ("allowed_attributes: [url.*]", &["url.full"]),
        (
            "denied_attributes: [page.id, \"url.*\"]",
            &["host.name", "service.name"],
        ),
        ("keys: [{key: k}]", &["page.id", "url.full"]),
        (
            "keys: [{key: k, denied_attributes: []}]",
            &["host.name", "page.id", "service.name", "url.full"],
        ),
        (
            "keys: [{key: k, trust_client_fields: [service.name]}]",
            &["page.id", "service.name", "url.full"],
        ),
    ];
    for (settings, expected) in table {
        let rig = Rig::start(&format!("{settings}\nclient_ip: drop\nsplit_url: false")).await;
        let path = if settings.contains("key:") {
            "POST /b/k"
        } else {
            "POST /b"
        };
        rig.send(path, &[TEXT, ("user-agent", "")], body).await;
        let mut attributes = rig.attributes();
        assert_eq!(attributes.remove("event.action"), Some(json!("x")));
        attributes.remove("user_agent.synthetic.type");
        let names: Vec<&String> = attributes.keys().collect();
        assert_eq!(names, expected, "{settings}");
    }
}

#[tokio::test]
async fn names_of_events_beyond_the_limit_are_one_name() {
    for settings in ["max_event_names: 2", "keys: [{key: k, max_event_names: 2}]"] {
        let rig = Rig::start(settings).await;
        let path = if settings.contains("key:") {
            "POST /b/k"
        } else {
            "POST /b"
        };
        let event = |name: &str| json!({"event.action": name}).to_string();
        for name in ["a", "b", "c", "a"] {
            assert_eq!(rig.send(path, &[TEXT], event(name)).await.status, 204);
        }
        let batch = json!({"event.name": "d", "events": [{"event.action": "a"}]});
        rig.send(path, &[TEXT], batch.to_string()).await;
        let records: Vec<_> = rig.records().iter().map(attributes).collect();
        let names: Vec<&Value> = records
            .iter()
            .map(|record| &record["event.action"])
            .collect();
        assert_eq!(names, ["a", "b", "beacon.other", "a", "a"]);
        assert_eq!(records[2]["beacon.event.action"], "c");
        assert_eq!(records[4]["event.name"], "beacon.other");
        assert_eq!(records[4]["beacon.event.name"], "d");
        assert!(!records[3].contains_key("beacon.event.action"));
    }
}

#[tokio::test]
async fn a_request_may_have_to_say_from_which_page_it_comes() {
    let gateway = |headers: Value| {
        json!({
            "version": "2.0",
            "headers": headers,
            "requestContext": {"http": {}},
            "body": "{\"a\":1}",
            "isBase64Encoded": false,
        })
        .to_string()
    };
    let (good, bad, none) = (
        gateway(json!({"origin": "https://shop.example"})),
        gateway(json!({"origin": "https://evil.example"})),
        gateway(json!({})),
    );
    let shop = ("referer", "https://shop.example/p?q=1");
    let evil = ("referer", "https://evil.example/");
    // request line, headers, body; status with false, true, tag; tagged
    type Row<'t> = (&'t str, &'t [(&'t str, &'t str)], &'t str, [u16; 3], bool);
    let table: [Row<'_>; 8] = [
        ("POST /b", &[TEXT], "{\"a\":1}", [204, 403, 204], true),
        (
            "POST /b",
            &[TEXT, SHOP],
            "{\"a\":1}",
            [204, 204, 204],
            false,
        ),
        ("POST /b", &[TEXT], &good, [204, 204, 204], false),
        ("POST /b", &[TEXT], &bad, [403, 403, 403], false),
        ("POST /b", &[TEXT], &none, [204, 403, 204], true),
        ("GET /b.gif?a=1", &[], "", [200, 200, 200], true),
        ("GET /b.gif?a=1", &[shop], "", [200, 200, 200], false),
        ("GET /b.gif?a=1", &[evil], "", [200, 200, 200], false),
    ];
    for (index, mode) in ["false", "true", "tag"].iter().enumerate() {
        for (line, headers, body, statuses, tagged) in &table {
            let rig = Rig::start(&format!("{CORS}\nrequire_origin: {mode}")).await;
            let reply = rig.send(line, headers, body).await;
            let what = format!("{mode}: {line} {headers:?} {body}");
            assert_eq!(reply.status, statuses[index], "{what}");
            let is_picture = line.starts_with("GET");
            // a picture is always shown: whether it was taken is said beside it
            let is_refused = reply.status == 403
                || is_picture && *mode != "false" && headers.contains(&evil)
                || is_picture && *mode == "true" && headers.is_empty();
            assert_eq!(rig.records().is_empty(), is_refused, "{what}");
            let reason = is_refused.then_some("1;origin");
            assert_eq!(reply.header("x-beacon-dropped"), reason, "{what}");
            if !is_refused {
                let missing = rig.attributes().get("beacon.origin.missing").cloned();
                let expected = (*tagged && *mode == "tag").then_some(json!(true));
                assert_eq!(missing, expected, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn who_names_no_origins_leaves_those_inside_envelopes_to_whoever_forwards_them() {
    let rig = Rig::start("").await;
    let gateway = r#"{"headers":{"origin":"https://shop.example"},"requestContext":{},"body":"{\"a\":1}","isBase64Encoded":false}"#;
    assert_eq!(rig.beacon(gateway).await.status, 204);
}

#[tokio::test]
async fn urls_lose_what_is_not_wanted() {
    let body = json!({
        "url.full": "https://a.example/p?q=1&utm_source=s#top",
        "url.query": "q=1",
        "url.fragment": "top",
        "http.request.referrer": "https://b.example/?q=2",
        "browser.link.url.full": "https://c.example/?token=t&utm_campaign=c",
        "message": "https://d.example/?q=3#x",
    });
    let rig = Rig::start("strip_query: allowlist\nstrip_fragment: true").await;
    rig.beacon(body.to_string()).await;
    let attributes = rig.attributes();
    for (path, expected) in [
        ("url.full", "https://a.example/p?utm_source=s"),
        ("http.request.referrer", "https://b.example/"),
        ("browser.link.url.full", "https://c.example/?utm_campaign=c"),
        ("message", "https://d.example/?q=3#x"),
    ] {
        assert_eq!(attributes[path], expected);
    }
    assert!(!attributes.contains_key("url.query") && !attributes.contains_key("url.fragment"));

    let rig = Rig::start("strip_query: all\nsanitize: false").await;
    let headers = [TEXT, ("referer", "https://a.example/p?q=1")];
    rig.send("POST /b", &headers, "{\"a\":1}").await;
    assert_eq!(rig.attributes()["url.full"], "https://a.example/p");
}

#[tokio::test]
async fn reports_of_browsers_lose_secrets_too() {
    let rig = Rig::start("").await;
    let body = r#"[{"type":"csp-violation","url":"https://a.example/?token=t",
        "body":{"documentURL":"https://a.example/?token=t","blockedURL":"https://b.example/?q=1","referrer":"https://c.example/?sig=s"}}]"#;
    let headers = [("content-type", "application/reports+json")];
    assert_eq!(rig.send("POST /reports", &headers, body).await.status, 204);
    let attributes = rig.attributes();
    for (path, expected) in [
        ("url.full", "https://a.example/?token=REDACTED"),
        (
            "browser.report.body.documentURL",
            "https://a.example/?token=REDACTED",
        ),
        ("browser.report.body.blockedURL", "https://b.example/?q=1"),
        (
            "browser.report.body.referrer",
            "https://c.example/?sig=REDACTED",
        ),
    ] {
        assert_eq!(attributes[path], expected);
    }
}

#[tokio::test]
async fn addresses_are_shortened_as_far_as_asked() {
    let settings = "client_ip: anonymize\nanonymize_prefix: {ipv4: 16, ipv6: 32}\ntrusted_proxies: [127.0.0.1]";
    for (address, expected) in [
        ("198.51.100.77", "198.51.0.0"),
        ("2001:db8:1:2::3", "2001:db8::"),
    ] {
        let rig = Rig::start(settings).await;
        rig.send(
            "POST /b",
            &[TEXT, ("x-forwarded-for", address)],
            "{\"a\":1}",
        )
        .await;
        assert_eq!(rig.attributes()["client.ip"], expected);
    }
}

#[test]
fn settings_that_make_no_sense() {
    for (yaml, expected) in [
        ("require_origin: maybe", "true, false or tag"),
        (
            "strip_query: some",
            r#"expected one of "keep", "allowlist", "all""#,
        ),
        (
            "denied_attributes: [\"a*b\"]",
            "expected a name, name.* or *",
        ),
        (
            "keys: [{key: a, allowed_attributes: [\"\"]}]",
            "keys::0::allowed_attributes::0",
        ),
        (
            "keys: [{key: a}]\nmax_event_names: 5",
            "set it in each of keys",
        ),
        (
            "anonymize_prefix: {ipv4: 33}",
            "anonymize_prefix::ipv4: must be at most 32",
        ),
        ("anonymize_prefix: {ipv6: 129}", "must be at most 128"),
        (
            "keys: [{key: a}]\ntrust_client_fields: [a]",
            "set it in each of keys",
        ),
        ("keys: [{key: a.gif}]", "no .gif at the end"),
        (
            "keys: [{key: \"a b\"}]",
            "must be usable in paths and queries",
        ),
        (
            "keys: [{key: a, origins: [\"https://a.example/\"]}]",
            "keys::0::origins::0",
        ),
        ("keys: [{key: a, token_secret: short}]", "at least 16 bytes"),
    ] {
        let problems = decode(yaml).err().unwrap_or_default();
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
}

#[tokio::test]
async fn a_key_may_need_a_token_of_the_sites_server() {
    let settings =
        format!("{CORS}\nkeys: [{{key: k, token_secret: a-secret-of-the-shop}}, {{key: open}}]");
    // NOW is hour 482136; printf '482136\nhttps://shop.example' | openssl dgst -sha256 -hmac a-secret-of-the-shop
    let token = "c30d424ac9702e7d610e29dbc82d2d47703f74da1d40f901d2946549c886891a";
    let header = ("x-beacon-token", token);
    let batch = json!({"key": "k", "token": token, "events": [{"a": 1}]}).to_string();
    let query = format!("POST /b/k?token={token}");
    let reports = format!("POST /reports/k?token={token}");
    let pixel = format!("GET /b.gif?a=1&key=k&token={token}");
    let report = r#"[{"type":"crash","body":{}}]"#;
    let kind = ("content-type", "application/reports+json");
    let page = ("referer", "https://shop.example/p");
    let elsewhere = ("referer", "https://evil.example/p");
    // request line, headers, body, taken
    type Row<'t> = (&'t str, &'t [(&'t str, &'t str)], &'t str, bool);
    let table: [Row<'_>; 12] = [
        ("POST /b/k", &[TEXT, SHOP, header], "{\"a\":1}", true),
        ("POST /b", &[TEXT, SHOP], &batch, true),
        (&query, &[TEXT, SHOP], "{\"a\":1}", true),
        (&query, &[TEXT, SHOP], "", false),
        ("POST /b/k?a=1", &[SHOP, header], "", true),
        (&reports, &[kind, SHOP], report, true),
        (&pixel, &[page], "", true),
        (&pixel, &[elsewhere], "", false),
        (&pixel, &[], "", false),
        ("POST /b/k", &[TEXT, SHOP], "{\"a\":1}", false),
        ("POST /b/k", &[TEXT, header], "{\"a\":1}", false),
        ("POST /b/open", &[TEXT], "{\"a\":1}", true),
    ];
    for (line, headers, body, taken) in table {
        let rig = Rig::start(&settings).await;
        let reply = rig.send(line, headers, body).await;
        let what = format!("{line} {headers:?} {body}");
        assert_eq!(rig.records().len(), usize::from(taken), "{what}");
        if taken {
            let attributes = rig.attributes();
            assert!(
                !attributes.contains_key("token") && !attributes.contains_key("key"),
                "{what}"
            );
        } else if line.starts_with("POST") && !body.is_empty() {
            assert_eq!(reply.status, 401, "{what}");
            assert_eq!(reply.header("x-beacon-dropped"), Some("1;key"), "{what}");
        }
    }
    let rig = Rig::start(&settings).await;
    let asked = [SHOP, ("access-control-request-method", "POST")];
    let reply = rig.send("OPTIONS /b", &asked, "").await;
    let allowed = reply.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("x-beacon-token"), "{allowed}");
}
