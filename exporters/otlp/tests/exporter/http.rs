//! `otlp_http` over real sockets.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Version};
use net::{Code, Status};
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use otlp::{Payload, Signal};
use pipeline::consumer::hand_over;
use pipeline::tail::Tail;
use pipeline::{Accepted, Batch, Host};
use prost::Message;
use tokio::time::Instant;

use crate::rig::{
    Reply, Script, build, export, http, http_server, listen, outcome, read, reply, rope,
};

const PROTOBUF: &str = "application/x-protobuf";

async fn one(answer: Reply) -> (usize, usize, Vec<String>) {
    let script = Script::new([answer]);
    let (_server, address) = http_server(&script, None).await;
    let exporter = http(&format!("endpoint: http://{address}"));
    outcome(export(&exporter, test_kit::logs(["a", "b"])).await)
}

#[tokio::test]
async fn the_payload_arrives_with_every_compression() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    for compression in [
        "gzip",
        "zstd",
        "snappy",
        "x-snappy-framed",
        "deflate",
        "zlib",
        "lz4",
        "none",
    ] {
        let exporter = http(&format!(
            "endpoint: http://{address}/\ncompression: {compression}"
        ));
        assert_eq!(outcome(export(&exporter, rope()).await), (3001, 0, vec![]));
        let seen = script.seen().pop().expect("a request");
        assert!(seen.message == rope().into_bytes(), "{compression}");
        assert_eq!(seen.path, "/v1/logs");
        assert_eq!(seen.headers["content-type"], PROTOBUF);
        let sent = seen.headers.get("content-encoding");
        let name = (compression != "none").then(|| HeaderValue::from_static(compression));
        assert_eq!(sent, name.as_ref());
        assert_eq!(
            seen.wire_size < seen.message.len() / 2,
            compression != "none"
        );
    }
}

#[tokio::test]
async fn a_level_makes_smaller_requests() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    let mut sizes = Vec::new();
    for level in [1, 9] {
        let exporter = http(&format!(
            "endpoint: http://{address}\ncompression_params: {{level: {level}}}"
        ));
        export(&exporter, rope()).await;
        sizes.push(script.seen().pop().expect("a request").wire_size);
    }
    assert!(sizes[1] < sizes[0], "{sizes:?}");
}

#[tokio::test]
async fn json_reads_back_as_what_was_sent() {
    let script = Script::new([
        reply(
            200,
            "application/json; charset=utf-8",
            r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}"#,
        ),
        reply(
            400,
            "application/json",
            r#"{"code":3,"message":"bad time"}"#,
        ),
    ]);
    let (_server, address) = http_server(&script, None).await;
    let exporter = http(&format!("endpoint: http://{address}\nencoding: json"));
    let report = export(&exporter, rope()).await;
    assert_eq!((report.sent, report.refused[0].items), (2999, 2));
    let seen = script.seen().pop().expect("a request");
    assert_eq!(seen.headers["content-type"], "application/json");
    let back = otlp::json::read(Signal::Logs, &seen.message).expect("is OTLP/JSON");
    let decode = |payload: Payload| logs::ExportLogsServiceRequest::decode(payload.into_bytes());
    let (back, sent) = (
        decode(back).expect("decodes"),
        decode(rope()).expect("decodes"),
    );
    assert!(back == sent);
    let (.., refused) = outcome(export(&exporter, test_kit::logs(["a"])).await);
    assert!(
        refused[0].ends_with("answered 400 Bad Request: bad time"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn every_signal_has_its_url() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    let base = format!("endpoint: http://{address}/otlp/");
    let own = format!("{base}\ntraces_endpoint: http://{address}/spans?x=1");
    for (yaml, signal, path) in [
        (&base, Signal::Logs, "/otlp/v1/logs"),
        (&base, Signal::Traces, "/otlp/v1/traces"),
        (&base, Signal::Metrics, "/otlp/v1/metrics"),
        (&own, Signal::Traces, "/spans"),
        (&own, Signal::Logs, "/otlp/v1/logs"),
    ] {
        let host = Host::new(1 << 20);
        let exporter = build(&exporter_otlp::http_factory(), yaml, signal, &host).expect("builds");
        export(&exporter, Payload::empty(signal)).await;
        assert_eq!(script.seen().pop().expect("a request").path, path);
    }
}

#[tokio::test]
async fn every_status_is_treated_as_the_specification_says() {
    let statuses = [
        301, 308, 400, 401, 403, 404, 408, 418, 422, 429, 431, 500, 501, 502, 503, 504, 505, 511,
    ];
    for status in statuses {
        let later = [429, 502, 503, 504].contains(&status);
        let (sent, again, refused) = one(reply(status, "text/plain", "sorry")).await;
        let expected = if later { (0, 2, 0) } else { (0, 0, 1) };
        assert_eq!((sent, again, refused.len()), expected, "{status}");
        let text = format!("/v1/logs answered {status}");
        assert!(
            refused
                .iter()
                .all(|why| why.contains(&text) && why.contains("sorry")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    for (value, seconds) in [("17", 17), ("Sun, 06 Nov 1994 08:50:07 GMT", 30)] {
        let mut busy = reply(503, "text/plain", "");
        busy.headers_mut()
            .insert("retry-after", HeaderValue::from_static(value));
        let script = Script::new([busy]);
        let (_server, address) = http_server(&script, None).await;
        let host = Host {
            // Sun, 06 Nov 1994 08:49:37 GMT
            clock: pipeline::Clock::fixed(784_111_777_000_000_000),
            ..Host::new(1 << 20)
        };
        let yaml = format!("endpoint: http://{address}");
        let exporter = build(&exporter_otlp::http_factory(), &yaml, Signal::Logs, &host);
        let report = export(&exporter.expect("builds"), test_kit::logs(["a"])).await;
        let after = report.again.expect("again").after;
        assert_eq!(after, Some(Duration::from_secs(seconds)), "{value}");
    }
}

#[tokio::test]
async fn successes_are_read() {
    let partial = logs::ExportLogsServiceResponse {
        partial_success: Some(logs::ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "too old".into(),
        }),
    };
    let (sent, again, refused) = one(reply(200, PROTOBUF, partial.encode_to_vec())).await;
    assert_eq!((sent, again), (1, 0));
    assert!(refused[0].contains("too old"), "{refused:?}");
    assert_eq!(
        one(reply(202, "text/html", "<p>thanks</p>")).await,
        (2, 0, vec![])
    );
    let (sent, again, refused) = one(reply(200, PROTOBUF, "<html>")).await;
    assert_eq!((sent, again, refused.len()), (0, 0, 1), "never sent again");
    assert!(refused[0].contains("cannot be read"), "{refused:?}");
}

#[tokio::test]
async fn the_status_in_a_body_is_the_reason() {
    let body = net::grpc::encode_status(&Status::new(Code::InvalidArgument, "field 3 is no text"));
    let (.., refused) = one(reply(400, PROTOBUF, body)).await;
    assert!(
        refused[0].ends_with("answered 400 Bad Request: field 3 is no text"),
        "{refused:?}"
    );
    let (.., refused) = one(reply(302, "text/html", "")).await;
    assert!(
        refused[0].contains("redirects are not followed"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_cut_until_it_fits() {
    let too_large = || reply(413, "text/plain", "");
    // upstream's receiver answers 400 for this
    let upstream = || reply(400, "text/plain", "http: request body too large");
    for first in [too_large(), upstream()] {
        let script = Script::new([first, too_large(), reply(200, PROTOBUF, "")]);
        let (_server, address) = http_server(&script, None).await;
        let exporter = http(&format!("endpoint: http://{address}"));
        let report = export(&exporter, test_kit::numbered_logs(0..8)).await;
        assert_eq!(outcome(report), (8, 0, vec![]));
        let sizes: Vec<usize> = script.bodies().iter().map(Vec::len).collect();
        assert_eq!(sizes, [8, 4, 2, 2, 4]);
    }
    let (sent, again, refused) = one(reply(413, "text/plain", "")).await;
    assert_eq!((sent, again, refused.len()), (2, 0, 0));
}

#[tokio::test]
async fn behind_a_queue_every_record_arrives_once() {
    // busy, then too large, then half of it, then busy again, then the rest
    let script = Script::new([
        reply(503, "text/plain", ""),
        reply(413, "text/plain", ""),
        reply(200, PROTOBUF, ""),
        reply(429, "text/plain", ""),
    ]);
    let (_server, address) = http_server(&script, None).await;
    let yaml = format!(
        "endpoint: http://{address}\nretry_on_failure: {{initial_interval: 1ms}}\nsending_queue: {{wait_for_result: true}}"
    );
    let (config, problems) = read(&exporter_otlp::http_factory(), &yaml);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    let host = Host::new(1 << 20);
    let id = "otlp_http".parse().expect("an id");
    let driver = config.build(&id, Signal::Logs, &host).expect("builds");
    let tail = Tail::start("otlp_http", Signal::Logs, driver, config.tail(), &host).await;
    let tail = tail.expect("starts");
    let batch = Batch::new(test_kit::numbered_logs(0..8));
    let outcome = hand_over(&*tail.consumer(), batch).await;
    assert_eq!(outcome, Ok(Accepted::default()));
    let sizes: Vec<usize> = script.bodies().iter().map(Vec::len).collect();
    assert_eq!(sizes, [8, 8, 4, 4, 4]);
    let report = tail.stop(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!((report.sent, report.unaccounted()), (8, 0), "{report:?}");
}

#[tokio::test]
async fn silence_and_absence_are_worth_another_attempt() {
    let nobody = listen().await;
    let address = nobody.local_address().expect("an address");
    let exporter = http(&format!("endpoint: http://{address}\ntimeout: 100ms"));
    let batch = Batch::new(test_kit::logs(["a"]));
    let again = exporter.export(&batch).await.again.expect("again");
    assert!(again.why.contains("within 100ms"), "{}", again.why);
    drop(nobody);
    let again = exporter.export(&batch).await.again.expect("again");
    assert!(again.why.contains("cannot connect"), "{}", again.why);
}

#[tokio::test]
async fn a_proxy_gets_the_whole_url() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    let exporter = http(&format!(
        "endpoint: http://collector.example:4318\nproxy_url: http://{address}\nheaders: {{x-team: web}}"
    ));
    let report = export(&exporter, test_kit::logs(["a"])).await;
    assert_eq!(report.sent, 1);
    let seen = script.seen().pop().expect("a request");
    assert_eq!(
        (seen.version, &seen.headers["x-team"]),
        (Version::HTTP_11, &HeaderValue::from_static("web"))
    );
    assert_eq!(seen.headers["host"], "collector.example:4318");
}

#[tokio::test]
async fn a_rope_of_many_senders_is_one_request() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    let exporter = Arc::new(http(&format!("endpoint: http://{address}")));
    let sends = (0..20).map(|_| {
        let exporter = Arc::clone(&exporter);
        tokio::spawn(async move { export(&exporter, rope()).await.sent })
    });
    let mut sent = 0;
    for send in sends.collect::<Vec<_>>() {
        sent += send.await.expect("is sent");
    }
    assert_eq!(sent, 20 * 3001);
    assert_eq!(script.seen().len(), 20);
}
