//! Bodies: every form in which browsers and services send events.

use base64::Engine;
use bytes::Bytes;
use net::Encoding;
use serde_json::json;

use crate::rig::{Rig, attributes};

/// The values of `a` of all records.
fn seen(rig: &Rig) -> Vec<serde_json::Value> {
    rig.records()
        .iter()
        .map(|record| attributes(record)["a"].clone())
        .collect()
}

#[tokio::test]
async fn every_sender_of_the_table() {
    let multipart =
        "--B\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n{\"a\":1}\r\n--B--\r\n";
    // media type (empty: none), body
    let table = [
        ("text/plain;charset=UTF-8", "{\"a\":1}"),
        ("text/plain", "\u{feff}{\"a\":1}"),
        ("application/json", "[{\"a\":1}]"),
        ("APPLICATION/JSON; charset=utf-8", "{\"a\":1}"),
        ("application/x-ndjson", "{\"a\":1}\n"),
        ("text/plain", "{\"events\":[{\"a\":1}]}"),
        (
            "application/x-www-form-urlencoded;charset=UTF-8",
            "data=%7B%22a%22%3A1%7D",
        ),
        ("application/x-www-form-urlencoded", "{\"a\":1}"),
        ("multipart/form-data; boundary=B", multipart),
        ("", "{\"a\":1}"),
        ("", "d={\"a\":1}"),
        ("application/octet-stream", "{\"a\":1}"),
        ("text/plain", "eyJhIjoxfQ=="),
        (
            "text/plain",
            "{\"body\":\"eyJhIjoxfQ==\",\"isBase64Encoded\":true}",
        ),
    ];
    for (kind, body) in table {
        let rig = Rig::start("").await;
        let reply = rig.send("POST /b", &[("content-type", kind)], body).await;
        assert_eq!(reply.status, 204, "{kind}: {body}: {reply:?}");
        assert_eq!(seen(&rig), [json!(1)], "{kind}: {body}");
    }
}

#[tokio::test]
async fn many_events_keep_their_order_and_a_bad_one_costs_only_itself() {
    let table = [
        (
            "[{\"a\":1},{\"a\":2},7,{\"a\":3},{}]",
            vec![1, 2, 3],
            "2;parse",
        ),
        ("{\"a\":1}\n{bad}\r\n\n{\"a\":2}", vec![1, 2], "1;parse"),
        (
            "{\"a\":1}\n{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":1}}}}}}}}}",
            vec![1],
            "1;depth",
        ),
        (
            "{\"sent_at\":\"2025-01-01T00:00:00Z\",\"events\":[{\"a\":1},{\"a\":NaN}]}",
            vec![],
            "1;parse",
        ),
    ];
    for (body, expected, dropped) in table {
        let rig = Rig::start("").await;
        let reply = rig.beacon(body).await;
        assert_eq!(
            reply.status,
            if expected.is_empty() { 400 } else { 204 },
            "{body}"
        );
        assert_eq!(seen(&rig), expected, "{body}");
        assert_eq!(reply.header("x-beacon-dropped"), Some(dropped), "{body}");
    }
}

#[tokio::test]
async fn compressed_bodies_with_and_without_a_header() {
    let body = Bytes::from_static(b"{\"a\":1}");
    // encoding, the header that says so
    let table = [
        (Encoding::Gzip, "gzip"),
        (Encoding::Gzip, ""),
        (Encoding::Deflate, "deflate"),
        (Encoding::Brotli, "br"),
        (Encoding::Zstd, "zstd"),
        (Encoding::Zstd, ""),
    ];
    for (encoding, header) in table {
        let rig = Rig::start("").await;
        let small = net::compress(encoding, None, std::slice::from_ref(&body)).unwrap();
        let headers = [("content-type", "text/plain"), ("content-encoding", header)];
        let reply = rig.send("POST /b", &headers, &small).await;
        assert_eq!(
            (reply.status, seen(&rig)),
            (204, vec![json!(1)]),
            "{encoding} {header}"
        );
    }
}

#[tokio::test]
async fn values_keep_their_types() {
    let rig = Rig::start("").await;
    let body = r#"{"i":-5,"d":1.5,"e":1e3,"big":9223372036854775808,"t":true,"s":"é\ud83d\ude00\u0000x",
        "n":null,"l":[1,null,"x",{"k":[true]}],"o":{"p":{"q":"r"}},"half":"\ud800"}"#;
    assert_eq!(rig.beacon(body).await.status, 204);
    let attributes = rig.attributes();
    for (key, expected) in [
        ("i", json!(-5)),
        ("d", json!(1.5)),
        ("e", json!(1000)),
        ("big", json!("9223372036854775808")),
        ("t", json!(true)),
        ("s", json!("é😀x")),
        ("l", json!([1, "x", {"k": [true]}])),
        ("o.p.q", json!("r")),
        ("half", json!("\u{fffd}")),
    ] {
        assert_eq!(attributes[key], expected, "{key}");
    }
    assert!(!attributes.contains_key("n"));
}

#[tokio::test]
async fn a_batch_has_defaults_and_a_resource() {
    let rig = Rig::start("").await;
    let body = r#"{"session.id":"s1","a":9,"resource":{"service":{"name":"shop"},"service.version":"1"},
        "events":[{"a":1},{"b":2,"session.id":"own"}]}"#;
    assert_eq!(rig.beacon(body).await.status, 204);
    let records = rig.records();
    let (first, second) = (attributes(&records[0]), attributes(&records[1]));
    assert_eq!(
        (&first["a"], &first["session.id"]),
        (&json!(1), &json!("s1"))
    );
    assert_eq!(
        (&second["a"], &second["session.id"]),
        (&json!(9), &json!("own"))
    );
    let resource = json!({"service.name": "shop", "service.version": "1"});
    assert!(records.iter().all(|record| record["resource"] == resource));
}

#[tokio::test]
async fn a_pixel_is_always_a_picture() {
    let table = [
        ("GET /b.gif?a=x&event.duration=5", Some(json!("x")), None),
        ("GET /b?a=x", Some(json!("x")), None),
        ("GET /b.gif?d=eyJhIjoxfQ", Some(json!(1)), None),
        ("GET /b.gif", None, Some("1;parse")),
    ];
    for (line, expected, dropped) in table {
        let rig = Rig::start("").await;
        let reply = rig.send(line, &[], "").await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("image/gif"))
        );
        assert_eq!(reply.body.len(), 42);
        assert!(reply.body.starts_with(b"GIF89a"));
        assert_eq!(
            seen(&rig),
            expected.into_iter().collect::<Vec<_>>(),
            "{line}"
        );
        assert_eq!(reply.header("x-beacon-dropped"), dropped, "{line}");
    }
    let rig = Rig::start("").await;
    rig.send("GET /b.gif?event.duration=5&x=5", &[], "").await;
    let attributes = rig.attributes();
    assert_eq!(attributes["client.ip"], "127.0.0.1");
    assert!(
        attributes["user_agent.original"]
            .as_str()
            .is_some_and(|agent| agent.contains("Chrome"))
    );
    assert_eq!(
        (&attributes["event.duration"], &attributes["x"]),
        (&json!(5), &json!("5"))
    );
}

#[tokio::test]
async fn an_empty_beacon_has_its_data_in_the_query() {
    let rig = Rig::start("").await;
    assert_eq!(rig.send("POST /b?a=x", &[], "").await.status, 204);
    assert_eq!(seen(&rig), [json!("x")]);
    assert_eq!(rig.send("POST /b", &[], "").await.status, 400);
}

#[tokio::test]
async fn envelopes_of_aws() {
    let event = base64::engine::general_purpose::STANDARD.encode("{\"a\":1}");
    let gateway = format!(
        r#"{{"version":"2.0","headers":{{"user-agent":"Inner/1","referer":"https://shop.example/p"}},
        "requestContext":{{"http":{{"sourceIp":"192.0.2.7"}}}},"body":"{event}","isBase64Encoded":true}}"#
    );
    let rig = Rig::start("trusted_proxies: [127.0.0.1]").await;
    assert_eq!(rig.beacon(&gateway).await.status, 204);
    let attributes = rig.attributes();
    for (key, expected) in [
        ("a", json!(1)),
        ("client.ip", json!("192.0.2.7")),
        ("user_agent.original", json!("Inner/1")),
        ("url.full", json!("https://shop.example/p")),
    ] {
        assert_eq!(attributes[key], expected);
    }
    let stranger = Rig::start("").await;
    stranger.beacon(&gateway).await;
    assert_eq!(
        stranger.attributes()["client.ip"],
        "127.0.0.1",
        "nobody is believed unasked"
    );

    let firehose = format!(
        r#"{{"requestId":"r-1","timestamp":1,"records":[{{"data":"{event}"}},{{"data":"%"}},{{"data":"{event}"}}]}}"#
    );
    let rig = Rig::start("").await;
    let reply = rig
        .send("POST /b", &[("content-type", "application/json")], firehose)
        .await;
    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        answer,
        json!({"requestId": "r-1", "timestamp": crate::rig::NOW / 1_000_000})
    );
    assert_eq!((reply.status, seen(&rig).len()), (200, 2));
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;parse"));

    let cut = r#"{"Records":[{"cf":{"request":{"body":{"data":"e30=","inputTruncated":true}}}}]}"#;
    assert_eq!(rig.beacon(cut).await.status, 413);

    let plain = Rig::start("body_encoding: plain").await;
    plain.beacon(&gateway).await;
    assert_eq!(plain.attributes()["isBase64Encoded"], true);
    let encoded = Rig::start("body_encoding: base64").await;
    assert_eq!(encoded.beacon("{\"a\":1}").await.status, 400);
    assert_eq!(encoded.beacon(event).await.status, 204);
}

#[tokio::test]
async fn reports_of_browsers() {
    let rig = Rig::start("").await;
    let body = r#"[{"type":"csp-violation","age":1000,"url":"https://a.example/p","user_agent":"Other/1",
        "body":{"blockedURL":"inline","statusCode":200}},{"type":"crash","age":0,"url":"https://a.example/","body":{}}]"#;
    let headers = [
        ("content-type", "application/reports+json"),
        ("referer", "https://r.example/"),
    ];
    assert_eq!(rig.send("POST /reports", &headers, body).await.status, 204);
    let records = rig.records();
    let first = attributes(&records[0]);
    assert_eq!(first["event.action"], "browser.report.csp-violation");
    assert_eq!(first["url.full"], "https://a.example/p");
    assert_eq!(first["user_agent.original"], "Other/1");
    assert_eq!(first["browser.report.body.statusCode"], 200);
    assert_eq!(
        records[0]["timeUnixNano"],
        (crate::rig::NOW - 1_000_000_000).to_string()
    );
    assert_eq!(
        (&records[0]["severityNumber"], &records[1]["severityNumber"]),
        (&json!(13), &json!(17))
    );

    let legacy = r#"{"csp-report":{"document-uri":"https://a.example/","blocked-uri":"eval"}}"#;
    let headers = [("content-type", "application/csp-report")];
    assert_eq!(
        rig.send("POST /reports", &headers, legacy).await.status,
        204
    );
    let last = attributes(rig.records().last().unwrap());
    assert_eq!(last["browser.report.body.blockedURL"], "eval");
    assert_eq!(rig.send("POST /reports", &headers, "x").await.status, 400);
}
