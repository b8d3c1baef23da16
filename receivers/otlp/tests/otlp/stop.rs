//! Unix sockets and the end.

use std::sync::Arc;

use net::grpc::{GrpcClient, GrpcClientOptions};
use net::http::StatusCode;
use parking_lot::Mutex;
use pipeline::{Accepted, Ack, Batch, Consumer, Host, Outcome, Refused, Room, Signal, Size};
use test_kit::log_bodies;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, oneshot};

use crate::sender::{Post, call};
use crate::stage::{Stage, address, outputs, start};
use crate::telemetry::{EXPORT_LOGS, logs};

/// A request as it stands on the wire.
fn by_hand(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: me\r\nconnection: close\r\n\
         content-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn unix_sockets_serve_both_protocols() {
    let files = tempfile::tempdir().unwrap();
    let (grpc, http) = (files.path().join("grpc"), files.path().join("http"));
    let yaml = format!(
        "protocols: {{grpc: {{endpoint: '{}', transport: unix}}, http: {{endpoint: '{}', transport: unix}}}}",
        grpc.display(),
        http.display()
    );
    let stage = Stage::start(&yaml).await;
    assert!(stage.running.addresses.is_empty());
    let target = format!("unix:{}", grpc.display()).parse().unwrap();
    let client = GrpcClient::new(target, GrpcClientOptions::default()).unwrap();
    client
        .call(EXPORT_LOGS, &[logs(&["a"]).into()], None)
        .await
        .unwrap();

    let mut stream = UnixStream::connect(&http).await.unwrap();
    stream.write_all(&by_hand(&logs(&["b"]))).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(stage.pipeline.bodies(), ["a", "b"]);
    assert!(
        stage.pipeline.taken()[1]
            .client
            .as_ref()
            .unwrap()
            .address
            .is_none()
    );

    stage.running.stop.cancel();
    stage.running.done.await.unwrap().unwrap();
    assert!(!http.exists(), "the socket's file goes with it");
}

/// Answers when the test says so.
#[derive(Default)]
struct Slow {
    waiting: Mutex<Vec<(Batch, oneshot::Sender<Outcome>)>>,
    came: Notify,
}

impl Consumer for Slow {
    fn admit(&self, _: &Size) -> Result<Room, Refused> {
        Ok(Room::unlimited())
    }

    fn offer(&self, batch: Batch, _: Room) -> Ack {
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().push((batch, sender));
        self.came.notify_one();
        Ack::Waiting(Box::pin(async move { answer.await.expect("answered") }))
    }
}

impl Slow {
    async fn wait_for(&self, count: usize) {
        while self.waiting.lock().len() < count {
            self.came.notified().await;
        }
    }
}

#[tokio::test]
async fn stopping_answers_requests_in_flight_and_takes_no_new_ones() {
    let slow = Arc::new(Slow::default());
    let consumer: Arc<dyn Consumer> = slow.clone();
    let outputs = outputs(&Signal::ALL, &consumer);
    let host = Host::new(usize::MAX);
    let running = start(crate::stage::BOTH, outputs, &host).await.unwrap();
    let (http, grpc) = (address(&running, "http"), address(&running, "grpc"));
    let over_http = tokio::spawn(Post::logs(logs(&["a"])).send(http));
    let over_grpc = tokio::spawn(call(grpc, EXPORT_LOGS, logs(&["b"]), None));
    slow.wait_for(2).await;

    running.stop.cancel();
    // the ports are closed while the requests are still waiting
    while TcpStream::connect(http).await.is_ok() || TcpStream::connect(grpc).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!running.done.is_finished());
    assert!(!over_http.is_finished() && !over_grpc.is_finished());

    for (_, answer) in slow.waiting.lock().drain(..) {
        answer.send(Ok(Accepted::default())).unwrap();
    }
    assert_eq!(over_http.await.unwrap().status(), StatusCode::OK);
    over_grpc.await.unwrap().unwrap();
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_take_its_data_along() {
    let slow = Arc::new(Slow::default());
    let consumer: Arc<dyn Consumer> = slow.clone();
    let host = Host::new(usize::MAX);
    let running = start(crate::stage::BOTH, outputs(&Signal::ALL, &consumer), &host)
        .await
        .unwrap();
    let grpc = address(&running, "grpc");
    let sender = tokio::spawn(call(grpc, EXPORT_LOGS, logs(&["a"]), None));
    slow.wait_for(1).await;
    let (batch, mut answer) = slow.waiting.lock().pop().unwrap();
    sender.abort();
    // the pipeline learns that nobody waits any more, and keeps the data
    answer.closed().await;
    assert_eq!(log_bodies(&batch.payload), ["a"]);
    running.stop.cancel();
    running.done.await.unwrap().unwrap();
}
