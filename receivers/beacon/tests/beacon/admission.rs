//! Who may send what: origins, keys, rates, sizes, and the answers.

use std::time::Duration;

use pipeline::{Accepted, Refused};

use crate::rig::{Rig, attributes};

const CORS: &str = "cors: {allowed_origins: [https://shop.example, \"https://*.shop.example\"]}";
/// Request line, headers, body, status of the answer.
type Row<'t> = (&'t str, &'t [(&'t str, &'t str)], &'t str, u16);

const TEXT: (&str, &str) = ("content-type", "text/plain");

#[tokio::test]
async fn preflights() {
    let rig = Rig::start(CORS).await;
    let asked = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    // origin, status
    let table = [
        ("https://shop.example", 204),
        ("https://www.shop.example", 204),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("null", 403),
    ];
    for (origin, status) in table {
        let headers = [("origin", origin), asked[0], asked[1]];
        let reply = rig.send("OPTIONS /b", &headers, "").await;
        assert_eq!(reply.status, status, "{origin}");
        assert!(
            reply
                .header("vary")
                .is_some_and(|vary| vary.to_lowercase().contains("origin"))
        );
        if status == 403 {
            assert_eq!(
                reply.header("access-control-allow-origin"),
                None,
                "{origin}"
            );
            continue;
        }
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(reply.header("access-control-max-age"), Some("7200"));
        let allowed = reply.header("access-control-allow-headers").unwrap();
        for name in [
            "content-type",
            "content-encoding",
            "x-api-key",
            "idempotency-key",
        ] {
            assert!(allowed.contains(name), "{name}");
        }
        assert!(
            !allowed.contains('*'),
            "browsers take * for a name when there are credentials"
        );
    }
}

#[tokio::test]
async fn preflights_come_before_keys_and_rates() {
    let yaml = format!("{CORS}\nkeys: [{{key: pk}}]\nrate_limit: {{per_client: 1/h, burst: 1}}");
    let rig = Rig::start(&yaml).await;
    let headers = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
    ];
    for _ in 0..3 {
        assert_eq!(rig.send("OPTIONS /b", &headers, "").await.status, 204);
    }
}

#[tokio::test]
async fn answers_can_be_read_by_the_pages_that_may_send() {
    let rig = Rig::start(CORS).await;
    // body, status
    for (body, status) in [("{\"a\":1}", 204), ("nonsense", 400)] {
        let headers = [TEXT, ("origin", "https://shop.example")];
        let reply = rig.send("POST /b", &headers, body).await;
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("https://shop.example")
        );
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            Some("true")
        );
        assert!(
            reply
                .header("access-control-expose-headers")
                .unwrap()
                .contains("retry-after")
        );
    }
    let reply = rig
        .send(
            "POST /b",
            &[TEXT, ("origin", "https://evil.example")],
            "{\"a\":1}",
        )
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;origin"));
    assert_eq!(rig.records().len(), 1);
}

#[tokio::test]
async fn the_own_origin_may_always_send() {
    let rig = Rig::start("").await;
    let host = ("host", "localhost:8080");
    let own = [TEXT, host, ("origin", "http://localhost:8080")];
    assert_eq!(rig.send("POST /", &own, "{\"a\":1}").await.status, 204);
    let other = [TEXT, host, ("origin", "http://localhost:3000")];
    assert_eq!(rig.send("POST /", &other, "{\"a\":1}").await.status, 403);
}

#[tokio::test]
async fn the_status_of_everything() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(300 << 10));
    let many = format!("[{}{{}}]", "{\"a\":1},".repeat(500));
    let rig = Rig::start("").await;
    // request line, headers, body, status
    let table: [Row<'_>; 16] = [
        ("POST /b", &[TEXT], "{\"a\":1}", 204),
        ("POST /", &[TEXT], "{\"a\":1}", 204),
        ("HEAD /b", &[], "", 204),
        ("OPTIONS /b", &[], "", 204),
        ("PUT /b", &[TEXT], "{\"a\":1}", 405),
        ("DELETE /b", &[], "", 405),
        ("POST /nothing", &[TEXT], "{\"a\":1}", 404),
        ("GET /nothing", &[], "", 404),
        ("POST /b", &[TEXT], "{\"a\":", 400),
        ("POST /b", &[TEXT], "{}", 400),
        (
            "POST /b",
            &[("content-type", "text/html")],
            "{\"a\":1}",
            415,
        ),
        (
            "POST /b",
            &[("content-type", "text/plain; charset=latin1")],
            "{\"a\":1}",
            415,
        ),
        (
            "POST /b",
            &[TEXT, ("content-encoding", "rot13")],
            "{\"a\":1}",
            415,
        ),
        (
            "POST /b",
            &[TEXT, ("content-encoding", "gzip")],
            "no gzip",
            400,
        ),
        ("POST /b", &[TEXT], &large, 413),
        ("POST /b", &[TEXT], &many, 413),
    ];
    for (line, headers, body, status) in table {
        let reply = rig.send(line, headers, body).await;
        let shown = &body[..body.len().min(40)];
        assert_eq!(reply.status, status, "{line} {headers:?} {shown}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{line}: {name}");
        }
        assert_eq!(
            reply.header("allow").is_some(),
            status == 405 || line.starts_with("OPTIONS")
        );
        assert_eq!(reply.header("accept-post").is_some(), status == 415);
        if status == 204 {
            assert!(reply.body.is_empty() && reply.header("content-type").is_none());
        }
    }
    assert_eq!(
        rig.records().len(),
        2,
        "nothing of what was refused was taken"
    );
}

#[tokio::test]
async fn a_body_without_a_length_has_the_same_limit() {
    let rig = Rig::start("max_body_bytes: 100").await;
    let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "x".repeat(size));
    let head =
        "POST /b HTTP/1.1\r\nhost: c\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let request = format!("{head}{}{}0\r\n\r\n", chunk(60), chunk(60));
    assert_eq!(rig.raw(request.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn a_bomb_is_refused() {
    let rig = Rig::start("max_inflated_bytes: 64KiB").await;
    let zeros = bytes::Bytes::from(vec![b' '; 1 << 20]);
    let bomb = net::compress(net::Encoding::Gzip, None, &[zeros]).unwrap();
    assert_eq!(rig.beacon(&bomb).await.status, 413);
}

#[tokio::test]
async fn other_successes() {
    let rig = Rig::start(
        "success_status: 202\nexpose_drop_reason: false\nresponse_headers: {x-own: \"1\"}",
    )
    .await;
    let reply = rig.beacon("[{\"a\":1},7]").await;
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (202, b"ok".as_slice())
    );
    assert_eq!(reply.header("x-beacon-dropped"), None);
    assert_eq!(reply.header("x-own"), Some("1"));
    let rig = Rig::start("debug: true").await;
    let body = String::from_utf8(rig.beacon("[1,").await.body).unwrap();
    assert!(body.contains("at byte 3"), "{body}");
}

#[tokio::test]
async fn what_the_pipeline_says() {
    let rig = Rig::start("").await;
    rig.consumer
        .refuse(Refused::later("full", Some(Duration::from_secs(7))));
    let reply = rig.beacon("{\"a\":1}").await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("7"))
    );
    rig.consumer.refuse(Refused::later("full", None));
    let reply = rig.beacon("{\"a\":1}").await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1"))
    );
    // It is asked before the body is read, and again with the events.
    rig.consumer.refuse(Refused::never("no"));
    rig.consumer.refuse(Refused::never("no"));
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 500);
    rig.consumer.answer(Err(Refused::later("late", None)));
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 503);
    let rejected = Accepted {
        rejected: 1,
        why: None,
    };
    rig.consumer.answer(Ok(rejected));
    let reply = rig.beacon("[{\"a\":1},{\"a\":2}]").await;
    assert_eq!(
        (reply.status, reply.header("x-beacon-dropped")),
        (204, Some("1;refused"))
    );
}

#[tokio::test]
async fn a_client_that_comes_too_often() {
    let rig =
        Rig::start("rate_limit: {per_client: 1/h, burst: 2}\ntrusted_proxies: [127.0.0.1]").await;
    let one = ("x-forwarded-for", "192.0.2.1");
    for status in [204, 204, 429, 429] {
        let reply = rig.send("POST /b", &[TEXT, one], "{\"a\":1}").await;
        assert_eq!(reply.status, status);
        if status == 429 {
            let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((3590..=3600).contains(&after), "{after}");
            assert_eq!(reply.header("x-beacon-dropped"), Some("1;rate"));
        }
    }
    let other = ("x-forwarded-for", "192.0.2.2");
    assert_eq!(
        rig.send("POST /b", &[TEXT, other], "{\"a\":1}")
            .await
            .status,
        204
    );
    let off = Rig::start("rate_limit: {enabled: false}").await;
    for _ in 0..150 {
        assert_eq!(off.beacon("{\"a\":1}").await.status, 204);
    }
}

#[tokio::test]
async fn keys() {
    let rig = Rig::start(
        r#"
cors: {allowed_origins: ["https://*.example"]}
keys:
  - {key: pk_shop, attributes: {service.name: shop}, origins: [https://shop.example]}
  - {key: pk_old, retired: true}
  - {key: pk_slow, rate_limit: {rate: 1/h, burst: 1}}
"#,
    )
    .await;
    // request line, headers, body, status
    let table: [Row<'_>; 11] = [
        ("POST /b", &[TEXT], "{\"a\":1}", 401),
        ("POST /b/pk_unknown", &[TEXT], "{\"a\":1}", 401),
        ("POST /b/pk_shop", &[TEXT], "{\"a\":1}", 204),
        (
            "POST /b",
            &[TEXT, ("x-api-key", "pk_shop")],
            "{\"a\":1}",
            204,
        ),
        (
            "POST /b",
            &[TEXT],
            "{\"key\":\"pk_shop\",\"events\":[{\"a\":1}]}",
            204,
        ),
        ("GET /b.gif?a=1&key=pk_shop", &[], "", 200),
        (
            "POST /b/pk_shop",
            &[TEXT, ("origin", "https://shop.example")],
            "{\"a\":1}",
            204,
        ),
        (
            "POST /b/pk_shop",
            &[TEXT, ("origin", "https://blog.example")],
            "{\"a\":1}",
            403,
        ),
        ("POST /b/pk_old", &[TEXT], "{\"a\":1}", 410),
        ("POST /b/pk_slow", &[TEXT], "{\"a\":1}", 204),
        ("POST /b/pk_slow", &[TEXT], "{\"a\":1}", 429),
    ];
    for (line, headers, body, status) in table {
        assert_eq!(
            rig.send(line, headers, body).await.status,
            status,
            "{line} {headers:?}"
        );
    }
    let records = rig.records();
    assert_eq!(records.len(), 6);
    assert_eq!(records[0]["resource"]["service.name"], "shop");
    assert!(
        records
            .iter()
            .all(|record| !attributes(record).contains_key("key"))
    );
}

#[tokio::test]
async fn a_batch_that_comes_twice_is_taken_once() {
    let rig = Rig::start("").await;
    let batch = "{\"batch.id\":\"b1\",\"events\":[{\"a\":1}]}";
    rig.consumer.refuse(Refused::later("full", None));
    assert_eq!(rig.beacon(batch).await.status, 503);
    let reply = rig.beacon(batch).await;
    assert_eq!(
        (reply.status, reply.header("x-beacon-dropped")),
        (204, None)
    );
    let reply = rig.beacon(batch).await;
    assert_eq!(
        (reply.status, reply.header("x-beacon-dropped")),
        (204, Some("1;duplicate"))
    );
    let headers = [TEXT, ("idempotency-key", "b1")];
    let reply = rig.send("POST /b", &headers, "{\"a\":1}").await;
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;duplicate"));
    assert_eq!(rig.records().len(), 1);
}
