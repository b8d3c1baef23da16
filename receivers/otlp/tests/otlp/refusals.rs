//! Requests that are not taken: what the sender is told, over both protocols.

use std::time::Duration;

use net::Code;
use net::http::StatusCode;
use net::{Encoding, compress};
use pipeline::{Host, Refused, Signal};

use crate::sender::{JSON, Post, call, header};
use crate::stage::{BOTH, Stage};
use crate::telemetry::{EXPORT_LOGS, as_json, broken_logs, logs, status_in};

const SMALL: &str = "protocols: {http: {endpoint: '127.0.0.1:0', max_request_body_size: 1000}}";

fn json(body: &[u8]) -> (u64, String) {
    let text = std::str::from_utf8(body).unwrap();
    let number = |key: &str| {
        let rest = text.split_once(&format!("\"{key}\":")).unwrap().1;
        rest.split([',', '}']).next().unwrap().parse().unwrap()
    };
    (number("code"), text.to_owned())
}

#[tokio::test]
async fn malformed_protobuf_is_400_with_a_status_that_says_where() {
    let stage = Stage::start(BOTH).await;
    let whole = logs(&["one", "two"]);
    for (body, says) in [
        (
            broken_logs(),
            vec![
                "resourceLogs[0].scopeLogs[0].logRecords[1].traceId",
                "16",
                "5",
            ],
        ),
        (whole[..whole.len() - 3].to_vec(), vec!["cut short"]),
        (br#"{"resourceLogs":[]}"#.to_vec(), vec!["found JSON"]),
        (b"\xff\xff\xff\xff\xff\xff".to_vec(), vec!["protobuf field"]),
    ] {
        let answer = Post::logs(body).send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(header(&answer, "content-type"), "application/x-protobuf");
        assert_eq!(header(&answer, "retry-after"), "");
        let status = status_in(answer.body());
        assert_eq!(status.code, Code::InvalidArgument);
        for part in says {
            assert!(
                status.message.contains(part),
                "{} lacks {part}",
                status.message
            );
        }
    }
    assert!(
        stage.pipeline.taken().is_empty(),
        "nothing of them is taken"
    );
    let answer = Post::logs(whole).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        stage.pipeline.bodies(),
        ["one", "two"],
        "others are untouched"
    );
}

#[tokio::test]
async fn malformed_json_is_400_with_a_status_in_json_that_says_where() {
    let stage = Stage::start(BOTH).await;
    let record = |field: &str| {
        format!(
            "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[\n{{}},{{{field}}}]}}]}}]}}"
        )
    };
    for (body, says) in [
        ("{".to_owned(), vec!["line 1, column 2"]),
        (
            record(r#""traceId":"abc""#),
            vec![
                "resourceLogs[0].scopeLogs[0].logRecords[1].traceId",
                "line 2",
            ],
        ),
        (
            record(r#""timeUnixNano":"soon""#),
            vec!["logRecords[1].timeUnixNano"],
        ),
        ("[]".to_owned(), vec!["line 1, column 1"]),
    ] {
        let answer = Post::to("/v1/logs", JSON, body).send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(header(&answer, "content-type"), "application/json");
        let (code, text) = json(answer.body());
        assert_eq!(code, 3);
        for part in says {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn too_large_is_413_on_the_wire_and_inflated() {
    let stage = Stage::start(SMALL).await;
    let large = logs(&[&"x".repeat(1000)]);
    let pieces = [bytes::Bytes::from(large.clone())];
    let bomb = compress(Encoding::Gzip, None, &pieces).unwrap().to_vec();
    assert!(bomb.len() < 1000);
    let posts = [
        Post::logs(large),
        Post::logs(bomb).header("content-encoding", "gzip"),
    ];
    for post in posts {
        let answer = post.send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(header(&answer, "retry-after"), "");
        let status = status_in(answer.body());
        assert_eq!(status.code, Code::ResourceExhausted);
        assert!(status.message.contains("1000"), "{}", status.message);
    }
    assert!(stage.pipeline.taken().is_empty());
    let answer = Post::logs(logs(&["small"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn back_pressure_is_503_with_the_time_to_come_back() {
    let stage = Stage::start(BOTH).await;
    let full = || Refused::later("sending queue is full", Some(Duration::from_millis(2500)));
    stage.pipeline.refuse(full());
    let answer = Post::logs(logs(&["one"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), "3", "never too early");
    let status = status_in(answer.body());
    assert_eq!(
        (status.code, &*status.message),
        (Code::Unavailable, "sending queue is full")
    );
    assert_eq!(status.retry_after, Some(Duration::from_millis(2500)));

    stage.pipeline.refuse(full());
    let body = as_json(Signal::Logs, &logs(&["one"]));
    let answer = Post::to("/v1/logs", JSON, body).send(stage.http()).await;
    assert_eq!(header(&answer, "retry-after"), "3");
    let (code, text) = json(answer.body());
    assert_eq!(code, 14);
    assert!(text.contains(r#""retryDelay":"2.5s""#), "{text}");

    stage.pipeline.refuse(full());
    let error = call(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unavailable);
    let details = status_in(error.details());
    assert_eq!(details.retry_after, Some(Duration::from_millis(2500)));
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_is_inflated() {
    let stage = Stage::start(BOTH).await;
    stage.pipeline.refuse(Refused::later("full", None));
    // broken, but nobody gets to see that
    let post = Post::logs("broken").header("content-encoding", "gzip");
    let answer = post.send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), "", "nobody knows when");
}

#[tokio::test]
async fn an_outcome_that_comes_late_is_the_answer_too() {
    let stage = Stage::start(BOTH).await;
    let away = || Refused::later("the sink is away", Some(Duration::from_secs(9)));
    stage.pipeline.answer(Err(away()));
    let answer = Post::logs(logs(&["one"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), "9");
    stage.pipeline.answer(Err(away()));
    let error = call(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn a_refusal_for_good_is_500_and_internal() {
    let stage = Stage::start(BOTH).await;
    let never = || Refused::never("the table has another schema");
    stage.pipeline.answer(Err(never()));
    let answer = Post::logs(logs(&["one"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(header(&answer, "retry-after"), "");
    let status = status_in(answer.body());
    assert_eq!(
        (status.code, &*status.message),
        (Code::Internal, "the table has another schema")
    );
    stage.pipeline.answer(Err(never()));
    let error = call(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::Internal);
    assert!(error.details().is_empty());
}

#[tokio::test]
async fn a_spent_budget_is_503_until_the_data_are_gone() {
    let body = logs(&[&"x".repeat(600)]);
    let stage = Stage::with_host(BOTH, Host::new(1000)).await;
    let answer = Post::logs(body.clone()).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        stage.host.budget.used(),
        body.len(),
        "charged while the pipeline has it"
    );
    let answer = Post::logs(body.clone()).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), "1");
    assert_eq!(status_in(answer.body()).code, Code::Unavailable);
    let error = call(stage.grpc(), EXPORT_LOGS, body.clone(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unavailable);
    assert_eq!(stage.items(), 1);
    assert_eq!(
        stage.host.budget.used(),
        body.len(),
        "what was refused is given back"
    );
}
