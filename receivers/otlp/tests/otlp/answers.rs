//! What is taken over HTTP, and what is answered.

use net::http::{Method, StatusCode};
use net::{Body, HttpClient, HttpClientOptions};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use pipeline::{Accepted, Signal};
use prost::Message;

use crate::sender::{JSON, PROTOBUF, Post, header};
use crate::stage::{BOTH, Stage};
use crate::telemetry::{as_json, logs, two};

const PATHS: [(Signal, &str); 3] = [
    (Signal::Logs, "/v1/logs"),
    (Signal::Traces, "/v1/traces"),
    (Signal::Metrics, "/v1/metrics"),
];

#[tokio::test]
async fn every_signal_is_taken_in_both_encodings() {
    let stage = Stage::start(BOTH).await;
    for (signal, path) in PATHS {
        let protobuf = two(signal);
        let json = as_json(signal, &protobuf);
        for (content_type, body, success) in [(PROTOBUF, &protobuf, ""), (JSON, &json, "{}")] {
            let answer = Post::to(path, content_type, &**body)
                .send(stage.http())
                .await;
            assert_eq!(answer.status(), StatusCode::OK, "{path} {content_type:?}");
            assert_eq!(header(&answer, "content-type"), content_type.1);
            assert_eq!(answer.body(), success);
            let taken = stage.pipeline.taken().pop().unwrap();
            assert_eq!(taken.payload.signal(), signal);
            let taken = taken.payload.into_bytes();
            assert_eq!(as_json(signal, &taken), json);
            if content_type == PROTOBUF {
                assert_eq!(taken, protobuf, "as it was sent");
            }
        }
    }
}

#[tokio::test]
async fn content_types_may_have_parameters_and_any_case() {
    let stage = Stage::start(BOTH).await;
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
    ] {
        let body = as_json(Signal::Logs, &logs(&["one"]));
        let answer = Post::to("/v1/logs", ("content-type", content_type), body)
            .send(stage.http())
            .await;
        assert_eq!(answer.status(), StatusCode::OK, "{content_type}");
    }
    assert_eq!(stage.pipeline.bodies(), ["one", "one"]);
}

#[tokio::test]
async fn http2_without_tls_works_on_the_same_port() {
    let stage = Stage::start(BOTH).await;
    let client = HttpClient::new(HttpClientOptions {
        http2_only: true,
        ..HttpClientOptions::default()
    });
    let base = format!("http://{}", stage.http());
    let answer = Post::logs(logs(&["one"])).send_with(&client, &base).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(stage.pipeline.bodies(), ["one"]);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_taken() {
    let stage = Stage::start(BOTH).await;
    let body = logs(&["one", "two"]);
    let request = Post::logs(Vec::new()).request(&format!("http://{}", stage.http()));
    // a rope behind a stream has no length: it goes out in chunks
    let pieces = body.chunks(7).map(|piece| piece.to_vec().into()).collect();
    let request = request.map(|_| Body::stream(Body::rope(pieces)));
    let client = HttpClient::new(HttpClientOptions::default());
    let answer = client.send(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(stage.pipeline.bodies(), ["one", "two"]);
}

#[tokio::test]
async fn a_request_without_records_succeeds_and_goes_nowhere() {
    let stage = Stage::start(BOTH).await;
    for (content_type, body, success) in [
        (PROTOBUF, &b""[..], ""),
        (PROTOBUF, &[0x0a, 0x00], ""),
        (JSON, b"{}", "{}"),
        (JSON, br#"{"resourceLogs":[{"scopeLogs":[{}]}]}"#, "{}"),
    ] {
        let answer = Post::to("/v1/logs", content_type, body)
            .send(stage.http())
            .await;
        assert_eq!(answer.status(), StatusCode::OK, "{body:?}");
        assert_eq!(answer.body(), success);
    }
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn partial_success_says_how_many_and_why() {
    let stage = Stage::start(BOTH).await;
    let partly = || Accepted {
        rejected: 1,
        why: Some("older than the table allows".into()),
    };
    stage.pipeline.answer(Ok(partly()));
    let answer = Post::logs(logs(&["one", "two"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let partial = ExportLogsServiceResponse::decode(answer.into_body())
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(partial.error_message, "older than the table allows");
    for (signal, path) in PATHS {
        stage.pipeline.answer(Ok(partly()));
        let body = as_json(signal, &two(signal));
        let answer = Post::to(path, JSON, body).send(stage.http()).await;
        let field = match signal {
            Signal::Logs => "rejectedLogRecords",
            Signal::Traces => "rejectedSpans",
            Signal::Metrics => "rejectedDataPoints",
        };
        let text = String::from_utf8(answer.into_body().to_vec()).unwrap();
        assert!(text.contains(&format!(r#""{field}":"1""#)), "{text}");
    }
}

#[tokio::test]
async fn only_post_is_a_method() {
    let stage = Stage::start(BOTH).await;
    for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::DELETE] {
        let post = Post {
            method: method.clone(),
            ..Post::logs(logs(&["one"]))
        };
        let answer = post.send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(header(&answer, "allow"), "POST");
        assert!(header(&answer, "content-type").starts_with("text/plain"));
    }
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn other_content_types_are_415_in_words() {
    let stage = Stage::start(BOTH).await;
    for content_type in [
        "text/plain",
        "application/protobuf",
        "application/jsonx",
        "",
    ] {
        let answer = Post::to("/v1/logs", ("content-type", content_type), logs(&["one"]))
            .send(stage.http())
            .await;
        assert_eq!(
            answer.status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
        assert!(header(&answer, "content-type").starts_with("text/plain"));
        let text = String::from_utf8_lossy(answer.body());
        assert!(text.contains("application/x-protobuf"), "{text}");
    }
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_signals_without_a_pipeline_are_404() {
    let stage = Stage::with_signals(BOTH, &[Signal::Logs]).await;
    for path in [
        "/v1/traces",
        "/v1/metrics",
        "/v1development/profiles",
        "/",
        "/v1/logs/",
    ] {
        let answer = Post::to(path, PROTOBUF, two(Signal::Traces))
            .send(stage.http())
            .await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let answer = Post::logs(logs(&["one"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn paths_are_settings_and_need_no_slash() {
    let stage = Stage::start(
        "protocols: {http: {endpoint: '127.0.0.1:0', logs_url_path: in/logs, traces_url_path: /t}}",
    )
    .await;
    for (path, signal, status) in [
        ("/in/logs", Signal::Logs, 200),
        ("/t", Signal::Traces, 200),
        ("/v1/metrics", Signal::Metrics, 200),
        ("/v1/logs", Signal::Logs, 404),
    ] {
        let answer = Post::to(path, PROTOBUF, two(signal))
            .send(stage.http())
            .await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn configured_headers_are_on_every_answer() {
    let stage = Stage::start(
        "protocols: {http: {endpoint: '127.0.0.1:0', response_headers: {x-frame-options: DENY}}}",
    )
    .await;
    for post in [
        Post::logs(logs(&["one"])),
        Post::logs("broken"),
        Post::to("/nowhere", PROTOBUF, ""),
    ] {
        let answer = post.send(stage.http()).await;
        assert_eq!(
            header(&answer, "x-frame-options"),
            "DENY",
            "{}",
            answer.status()
        );
    }
}
