//! `otlp_grpc` over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::{Buf, Bytes};
use net::grpc::GrpcOptions;
use net::{Body, Code, Incoming, Peer, Server, ServerOptions, Status};
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use otlp::Signal;
use pipeline::{Exporter, Host};
use prost::Message;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::rig::{
    Call1, Script, build, export, grpc, grpc_server, grpc_server_on, listen, outcome, rope,
};

fn plain(address: SocketAddr, more: &str) -> Arc<dyn Exporter> {
    grpc(&format!("endpoint: http://{address}\n{more}"))
}

async fn scripted(
    answers: impl IntoIterator<Item = Call1>,
) -> (Server, SocketAddr, Arc<Script<Call1>>) {
    let script = Script::new(answers);
    let (server, address) = grpc_server(&script, GrpcOptions::default(), None).await;
    (server, address, script)
}

fn status(code: Code, message: &str) -> Call1 {
    Err(Status::new(code, message))
}

#[tokio::test]
async fn the_payload_arrives_as_it_is_with_every_compression() {
    let (_server, address, script) = scripted([]).await;
    for compression in ["gzip", "zstd", "snappy", "none", "''"] {
        let exporter = plain(address, &format!("compression: {compression}"));
        let report = export(&exporter, rope()).await;
        assert_eq!(outcome(report), (3001, 0, vec![]));
        let seen = script.seen().pop().expect("a call");
        assert!(seen.message == rope().into_bytes(), "{compression}");
        let packed = seen.wire_size < seen.message.len() / 2;
        assert_eq!(
            packed,
            !matches!(compression, "none" | "''"),
            "{compression}"
        );
        match packed {
            true => assert_eq!(seen.headers["grpc-encoding"], compression),
            false => assert!(!seen.headers.contains_key("grpc-encoding")),
        }
    }
}

#[tokio::test]
async fn every_signal_has_its_method() {
    let (_server, address, script) = scripted([]).await;
    for signal in Signal::ALL {
        let yaml = format!("endpoint: http://{address}");
        let host = Host::new(1 << 20);
        let exporter = build(&exporter_otlp::grpc_factory(), &yaml, signal, &host).expect("builds");
        export(&exporter, otlp::Payload::empty(signal)).await;
        assert_eq!(script.seen().pop().expect("a call").path, signal.name());
    }
}

#[tokio::test]
async fn calls_carry_what_is_configured() {
    let (_server, address, script) = scripted([]).await;
    let exporter = grpc(&format!(
        "{{endpoint: '{address}', tls: {{insecure: true}}, headers: {{x-team: web}}, timeout: 9s}}"
    ));
    export(&exporter, test_kit::logs(["a"])).await;
    let headers = script.seen().pop().expect("a call").headers;
    assert_eq!(headers["x-team"], "web");
    let agent = headers["user-agent"].to_str().unwrap();
    assert!(
        agent.starts_with("Pharos/") && agent.ends_with(')'),
        "{agent}"
    );
    assert!(headers.contains_key("grpc-timeout"));
    let exporter = plain(address, "user_agent: mine/1\ntimeout: 0");
    export(&exporter, test_kit::logs(["a"])).await;
    let headers = script.seen().pop().expect("a call").headers;
    assert_eq!(headers["user-agent"], "mine/1");
    assert!(!headers.contains_key("grpc-timeout"), "without limit");
}

#[tokio::test]
async fn every_code_is_treated_as_the_specification_says() {
    use Code::*;
    let later = [
        Cancelled,
        DeadlineExceeded,
        Aborted,
        OutOfRange,
        Unavailable,
        DataLoss,
    ];
    for number in 1..17 {
        let code = Code::from_number(number);
        let (_server, address, _script) = scripted([status(code, "no")]).await;
        let report = export(&plain(address, ""), test_kit::logs(["a", "b"])).await;
        let (sent, again, refused) = outcome(report);
        let expected = if later.contains(&code) {
            (0, 2, 0)
        } else {
            (0, 0, 1)
        };
        assert_eq!((sent, again, refused.len()), expected, "{code}");
        assert!(
            refused.iter().all(|why| why.contains(code.name())),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn retry_info_makes_exhaustion_pass_and_sets_the_delay() {
    let after = Some(Duration::from_secs(42));
    let busy = Status::new(Code::ResourceExhausted, "quota").retry_after(after);
    let (_server, address, _script) = scripted([Err(busy)]).await;
    let again = export(&plain(address, ""), test_kit::logs(["a"]))
        .await
        .again
        .expect("again");
    assert_eq!(again.after, after);
}

#[tokio::test]
async fn a_message_over_the_limit_is_cut_until_it_fits() {
    // packed, the message passes, and what it inflates to does not
    for compression in ["none", "gzip", "zstd", "snappy"] {
        let script = Script::new([]);
        let options = GrpcOptions {
            max_message: 16 << 10,
            ..GrpcOptions::default()
        };
        let (_server, address) = grpc_server(&script, options, None).await;
        let exporter = plain(address, &format!("compression: {compression}"));
        let mut payload = rope();
        payload.append(test_kit::logs([&*"x".repeat(20_000)]));
        let (sent, again, refused) = outcome(export(&exporter, payload).await);
        assert_eq!((sent, again, refused.len()), (3001, 0, 1), "{compression}");
        assert!(refused[0].contains("too large by itself"), "{refused:?}");
        let bodies = script.bodies().concat();
        let expected: Vec<String> = (0..3001).map(|number| number.to_string()).collect();
        assert_eq!(bodies, expected, "in order, and each once");
    }
}

#[tokio::test]
async fn a_partial_success_is_counted() {
    let answer = logs::ExportLogsServiceResponse {
        partial_success: Some(logs::ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "too old".into(),
        }),
    };
    let garbage = Bytes::from_static(b"<html>");
    let (_server, address, _script) =
        scripted([Ok(answer.encode_to_vec().into()), Ok(garbage)]).await;
    let exporter = plain(address, "");
    let report = export(&exporter, test_kit::logs(["a", "b", "c"])).await;
    assert_eq!((report.sent, report.refused[0].items), (2, 1));
    assert!(report.refused[0].why.contains("too old"));
    let (sent, again, refused) = outcome(export(&exporter, test_kit::logs(["a"])).await);
    assert_eq!((sent, again, refused.len()), (0, 0, 1), "never sent again");
    assert!(refused[0].contains("cannot be read"), "{refused:?}");
}

#[tokio::test]
async fn silence_and_absence_are_worth_another_attempt() {
    let nobody = listen().await;
    let address = nobody
        .local_address()
        .expect("an address")
        .ip()
        .expect("an address");
    // accepts connections in the kernel, answers nothing
    let exporter = plain(address, "timeout: 100ms");
    let again = export(&exporter, test_kit::logs(["a"]))
        .await
        .again
        .expect("again");
    assert!(again.why.contains("within 100ms"), "{}", again.why);
    drop(nobody);
    let exporter = plain(address, "");
    let again = export(&exporter, test_kit::logs(["a"]))
        .await
        .again
        .expect("again");
    assert!(again.why.contains("cannot connect"), "{}", again.why);
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_a_destination() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("otlp.sock").display().to_string();
    let listener = net::Listener::bind(&path, net::Transport::Unix).await;
    let script = Script::new([]);
    let _server = grpc_server_on(
        listener.expect("a socket"),
        &script,
        GrpcOptions::default(),
        None,
    );
    let exporter = grpc(&format!("endpoint: unix://{path}\ntls: {{insecure: true}}"));
    assert_eq!(export(&exporter, test_kit::logs(["a"])).await.sent, 1);
    assert_eq!(script.bodies(), [["a"]]);
}

/// Messages of `opentelemetry-proto` for tonic.
#[derive(Clone, Copy, Default)]
struct Logs;

impl Codec for Logs {
    type Encode = logs::ExportLogsServiceResponse;
    type Decode = logs::ExportLogsServiceRequest;
    type Encoder = Logs;
    type Decoder = Logs;

    fn encoder(&mut self) -> Logs {
        Logs
    }

    fn decoder(&mut self) -> Logs {
        Logs
    }
}

impl Encoder for Logs {
    type Item = logs::ExportLogsServiceResponse;
    type Error = tonic::Status;

    fn encode(&mut self, item: Self::Item, dst: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        item.encode(dst)
            .map_err(|error| tonic::Status::internal(error.to_string()))
    }
}

impl Decoder for Logs {
    type Item = logs::ExportLogsServiceRequest;
    type Error = tonic::Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, tonic::Status> {
        let bytes = src.copy_to_bytes(src.remaining());
        let message = Self::Item::decode(bytes);
        message
            .map(Some)
            .map_err(|error| tonic::Status::internal(error.to_string()))
    }
}

/// Rejects as many records as it got, so that the count comes back.
struct CountLogs;

impl tonic::server::UnaryService<logs::ExportLogsServiceRequest> for CountLogs {
    type Response = logs::ExportLogsServiceResponse;
    type Future = std::future::Ready<Result<tonic::Response<Self::Response>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<logs::ExportLogsServiceRequest>) -> Self::Future {
        let resources = request.into_inner().resource_logs.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_logs);
        let count: usize = scopes.map(|scope| scope.log_records.len()).sum();
        let answer = logs::ExportLogsServiceResponse {
            partial_success: Some(logs::ExportLogsPartialSuccess {
                rejected_log_records: count as i64,
                error_message: "counted by tonic".into(),
            }),
        };
        std::future::ready(Ok(tonic::Response::new(answer)))
    }
}

#[tokio::test]
async fn tonic_reads_every_record_and_its_limit_is_met_by_cutting() {
    for (compression, limit) in [("none", 4 << 20), ("gzip", 4 << 20), ("none", 30 << 10)] {
        let answer = move |request: Request<Incoming>, _: Arc<Peer>| async move {
            let mut grpc = tonic::server::Grpc::new(Logs)
                .accept_compressed(CompressionEncoding::Gzip)
                .send_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(limit);
            let answer: Response<tonic::body::Body> = grpc.unary(CountLogs, request).await;
            answer.map(Body::stream)
        };
        let server = net::serve(listen().await, ServerOptions::default(), Arc::new(answer));
        let server = server.expect("serves");
        let address = server.local_address().ip().expect("an address");
        let exporter = plain(address, &format!("compression: {compression}"));
        let report = export(&exporter, rope()).await;
        let counted: usize = report.refused.iter().map(|part| part.items).sum();
        assert_eq!((report.sent, counted), (0, 3001), "{compression} {limit}");
        assert!(
            report
                .refused
                .iter()
                .all(|part| part.why.contains("counted by tonic"))
        );
        assert_eq!(
            report.refused.len() > 1,
            limit < 1 << 20,
            "cut only for the small limit"
        );
    }
}
