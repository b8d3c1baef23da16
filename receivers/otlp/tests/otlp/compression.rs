//! Compressed requests over both protocols.

use bytes::Bytes;
use net::grpc::{GrpcClient, GrpcClientOptions};
use net::http::StatusCode;
use net::{Encoding, compress};
use pipeline::Signal;
use tonic::codec::CompressionEncoding;

use crate::sender::{JSON, Post, call};
use crate::stage::{BOTH, Stage};
use crate::telemetry::{EXPORT_LOGS, as_json, logs, status_in};

fn compressed(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    let pieces = [Bytes::copy_from_slice(body)];
    compress(encoding, None, &pieces).unwrap().to_vec()
}

#[tokio::test]
async fn http_reads_every_encoding() {
    let stage = Stage::start(BOTH).await;
    let bodies: Vec<String> = (0..500).map(|n| format!("record {n}")).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let (protobuf, json) = (logs(&bodies), as_json(Signal::Logs, &logs(&bodies)));
    for (name, how) in [
        ("gzip", Encoding::Gzip),
        ("GZIP", Encoding::Gzip),
        ("zstd", Encoding::Zstd),
        ("deflate", Encoding::Deflate),
        ("zlib", Encoding::Zlib),
        ("snappy", Encoding::Snappy),
        ("snappy", Encoding::SnappyFramed),
        ("x-snappy-framed", Encoding::SnappyFramed),
        ("lz4", Encoding::Lz4),
    ] {
        for (post, body) in [
            (Post::logs(""), &protobuf),
            (Post::to("/v1/logs", JSON, ""), &json),
        ] {
            let body = compressed(how, body);
            let post = Post { body, ..post }.header("content-encoding", name);
            let answer = post.send(stage.http()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{name} {how}: {answer:?}");
            let taken = stage.pipeline.taken().pop().unwrap();
            assert_eq!(taken.payload.into_bytes(), protobuf, "{name} {how}");
        }
    }
}

#[tokio::test]
async fn large_bodies_are_inflated_and_read_elsewhere_with_the_same_result() {
    let stage = Stage::start(BOTH).await;
    // xorshift: text that hardly compresses, so that the wire is large, too
    let mut state = 1_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    let bodies: Vec<String> = (0..40_000).map(|_| word()).collect();
    let body = logs(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
    let body = compressed(Encoding::Gzip, &body);
    assert!(body.len() > net::inflate::OFFLOAD_ABOVE);
    let post = Post::logs(body).header("content-encoding", "gzip");
    assert_eq!(post.send(stage.http()).await.status(), StatusCode::OK);
    assert_eq!(stage.pipeline.bodies(), bodies);
}

#[tokio::test]
async fn broken_and_unknown_encodings_are_400_and_nothing_is_taken() {
    let stage = Stage::start(BOTH).await;
    let body = logs(&["one"]);
    for (name, body, says) in [
        ("gzip", body.clone(), "not valid gzip"),
        ("zstd", body.clone(), "not valid zstd"),
        ("snappy", body.clone(), "not valid snappy"),
        ("lz4", body.clone(), "not valid lz4"),
        ("compress", body.clone(), "unknown encoding \"compress\""),
        // brotli is read, but not on the list
        (
            "br",
            compressed(Encoding::Brotli, &body),
            "unknown encoding \"br\"",
        ),
    ] {
        let post = Post::logs(body).header("content-encoding", name);
        let answer = post.send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
        let status = status_in(answer.body());
        assert_eq!(status.code, net::Code::InvalidArgument);
        assert!(status.message.contains(says), "{}", status.message);
    }
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn the_list_of_encodings_is_a_setting() {
    let only_gzip = "protocols: {http: {endpoint: '127.0.0.1:0', compression_algorithms: [gzip]}}";
    let none = "protocols: {http: {endpoint: '127.0.0.1:0', compression_algorithms: []}}";
    for (yaml, how, status) in [
        (only_gzip, "gzip", 200),
        (only_gzip, "zstd", 400),
        (only_gzip, "identity", 200),
        // not inflated at all: the body is no protobuf
        (none, "gzip", 400),
        (none, "identity", 200),
    ] {
        let stage = Stage::start(yaml).await;
        let body = match Encoding::from_http(how).unwrap() {
            Some(encoding) => compressed(encoding, &logs(&["one"])),
            None => logs(&["one"]),
        };
        let post = Post::logs(body).header("content-encoding", how);
        let answer = post.send(stage.http()).await;
        assert_eq!(answer.status().as_u16(), status, "{yaml} {how}: {answer:?}");
    }
}

#[tokio::test]
async fn grpc_reads_gzip_zstd_and_snappy() {
    let stage = Stage::start(BOTH).await;
    let body = Bytes::from(logs(&["one"]));
    let gzip = Some(CompressionEncoding::Gzip);
    call(stage.grpc(), EXPORT_LOGS, body.clone(), gzip)
        .await
        .unwrap();
    for compression in [Encoding::Zstd, Encoding::Snappy] {
        let options = GrpcClientOptions {
            compression: Some(compression),
            ..GrpcClientOptions::default()
        };
        let target = stage.grpc().to_string().parse().unwrap();
        let client = GrpcClient::new(target, options).unwrap();
        let reply = client
            .call(EXPORT_LOGS, std::slice::from_ref(&body), None)
            .await;
        assert!(reply.unwrap().message.is_empty(), "{compression}");
    }
    assert_eq!(stage.pipeline.bodies(), ["one", "one", "one"]);
}
