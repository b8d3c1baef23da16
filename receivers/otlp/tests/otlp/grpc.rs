//! OTLP over gRPC, called by tonic.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use pipeline::{Accepted, Signal};
use prost::Message;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::sender::{call, call_with};
use crate::stage::{BOTH, Stage};
use crate::telemetry::{EXPORT_LOGS, METHODS, broken_logs, logs, two};

#[tokio::test]
async fn every_signal_is_taken() {
    let stage = Stage::start(BOTH).await;
    for (signal, method) in METHODS {
        let answer = call(stage.grpc(), method, two(signal), None).await.unwrap();
        assert!(answer.is_empty(), "no partial success");
        let taken = stage.pipeline.taken().pop().unwrap();
        assert_eq!(taken.payload.signal(), signal);
        assert_eq!(taken.payload.into_bytes(), two(signal), "as it was sent");
        call(stage.grpc(), method, "", None).await.unwrap();
    }
    assert_eq!(stage.items(), 6, "empty requests go nowhere");
}

#[tokio::test]
async fn partial_success_says_how_many_and_why() {
    let stage = Stage::start(BOTH).await;
    stage.pipeline.answer(Ok(Accepted {
        rejected: 2,
        why: Some("too many attributes".into()),
    }));
    let (signal, method) = METHODS[1];
    let answer = call(stage.grpc(), method, two(signal), None).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(answer).unwrap();
    let partial = partial.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert_eq!(partial.error_message, "too many attributes");
}

#[tokio::test]
async fn signals_without_a_pipeline_and_unknown_methods_are_unimplemented() {
    let stage = Stage::with_signals(BOTH, &[Signal::Logs]).await;
    for method in [METHODS[1].1, METHODS[2].1, "/some.Other/Method"] {
        let error = call(stage.grpc(), method, two(Signal::Traces), None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented, "{method}");
    }
    call(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn malformed_messages_say_what_and_where_and_spare_other_clients() {
    let stage = Stage::start(BOTH).await;
    let error = call(stage.grpc(), EXPORT_LOGS, broken_logs(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    for part in ["logRecords[1].traceId", "16", "5 bytes"] {
        assert!(error.message().contains(part), "{}", error.message());
    }
    assert!(
        error.details().is_empty(),
        "nothing invites to send it again"
    );
    call(stage.grpc(), EXPORT_LOGS, logs(&["another"]), None)
        .await
        .unwrap();
    assert_eq!(stage.pipeline.bodies(), ["another"]);
}

#[tokio::test]
async fn oversized_messages_are_resource_exhausted_for_good() {
    let stage =
        Stage::start("protocols: {grpc: {endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 1}}")
            .await;
    let large = "x".repeat(1 << 20);
    for compression in [None, Some(CompressionEncoding::Gzip)] {
        let error = call(stage.grpc(), EXPORT_LOGS, logs(&[&large]), compression)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted, "{compression:?}");
        assert!(error.details().is_empty(), "without RetryInfo it is final");
    }
    let fits = "x".repeat((1 << 20) - 200);
    call(stage.grpc(), EXPORT_LOGS, logs(&[&fits]), None)
        .await
        .unwrap();
    assert_eq!(stage.items(), 1);
}

#[tokio::test]
async fn four_mebibytes_are_the_default() {
    let stage = Stage::start(BOTH).await;
    let (fits, large) = ("x".repeat((4 << 20) - 200), "x".repeat(4 << 20));
    call(stage.grpc(), EXPORT_LOGS, logs(&[&fits]), None)
        .await
        .unwrap();
    let error = call(stage.grpc(), EXPORT_LOGS, logs(&[&large]), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn metadata_travel_with_the_data_when_asked_for() {
    let yaml = "protocols: {grpc: {endpoint: '127.0.0.1:0', include_metadata: true}}";
    let sent = [("x-tenant", "a"), ("x-tenant", "b")];
    for (yaml, tenants) in [
        (yaml, Some(vec!["a".to_owned(), "b".to_owned()])),
        (BOTH, None),
    ] {
        let stage = Stage::start(yaml).await;
        call_with(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None, &sent)
            .await
            .unwrap();
        let client = stage.pipeline.taken()[0].client.clone().unwrap();
        assert_eq!(client.metadata.get("x-tenant"), tenants.as_ref());
        assert_eq!(client.address.unwrap().to_string(), "127.0.0.1");
    }
}
