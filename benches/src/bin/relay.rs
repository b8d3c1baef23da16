//! The least that a relay can do: OTLP/gRPC in, skim the count, join to batches, OTLP/gRPC out.
//!
//! Same sockets, same HTTP/2, same allocator and batch size as the collector, but nothing is validated, queued
//! with an account, retried, counted by signal or shut down in order. What the collector costs beyond this is the
//! price of those things.
//!
//! `relay --listen 127.0.0.1:24317 --to 127.0.0.1:24319`

use std::sync::Arc;
use std::time::Duration;

use benches::Failure;
use benches::arguments::Arguments;
use bytes::Bytes;
use net::grpc::{Call, GrpcClient, GrpcClientOptions, GrpcOptions, GrpcServer, UnaryService};
use net::{Budget, Code, Listener, Protocols, ServerOptions, Status, Transport, Unlimited};
use otlp::{Signal, count_items};
use tokio::sync::{Semaphore, mpsc};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// Records at which a batch is sent, and how long they wait for company: those of the `batch` processor.
const BATCH: usize = 8192;
const TIMEOUT: Duration = Duration::from_millis(200);
/// Batches on their way at a time: `num_consumers` of a sending queue.
const CONSUMERS: usize = 10;

struct Relay {
    batches: mpsc::Sender<(Bytes, usize)>,
}

impl UnaryService for Relay {
    type Method = ();

    fn route(&self, path: &str) -> Option<()> {
        (path == LOGS).then_some(())
    }

    fn budget(&self, (): ()) -> Arc<dyn Budget> {
        Arc::new(Unlimited)
    }

    async fn call(&self, (): (), call: Call) -> Result<Bytes, Status> {
        let items = count_items(Signal::Logs, &call.message)
            .ok_or_else(|| Status::new(Code::InvalidArgument, "no OTLP request"))?;
        let sent = self.batches.send((call.message, items)).await;
        sent.map_err(|_| Status::new(Code::Unavailable, "stopping"))?;
        Ok(Bytes::new())
    }
}

/// Joins what comes and sends it on.
async fn join(mut incoming: mpsc::Receiver<(Bytes, usize)>, client: Arc<GrpcClient>) {
    let consumers = Arc::new(Semaphore::new(CONSUMERS));
    while let Some((first, mut items)) = incoming.recv().await {
        let mut batch = vec![first];
        let until = tokio::time::Instant::now() + TIMEOUT;
        while items < BATCH
            && let Ok(Some((next, more))) = tokio::time::timeout_at(until, incoming.recv()).await
        {
            batch.push(next);
            items += more;
        }
        let Ok(consumer) = consumers.clone().acquire_owned().await else {
            return;
        };
        let client = client.clone();
        tokio::spawn(async move {
            if let Err(status) = client.call(LOGS, &batch, None).await {
                eprintln!("relay: {status}");
            }
            drop(consumer);
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["listen", "to"])?;
    let listen: String = arguments.get("listen", "127.0.0.1:24317".to_owned())?;
    let to: String = arguments.get("to", "127.0.0.1:24319".to_owned())?;
    let client = GrpcClient::new(to.parse()?, GrpcClientOptions::default())?;
    let (batches, incoming) = mpsc::channel(1000);
    let options = GrpcOptions {
        max_message: 64 << 20,
        ..GrpcOptions::default()
    };
    let handler = Arc::new(GrpcServer::new(Relay { batches }, options));
    let listener = Listener::bind(&listen, Transport::Tcp).await?;
    let server = ServerOptions {
        protocols: Protocols::Http2,
        ..ServerOptions::default()
    };
    let _server = net::serve(listener, server, handler)?;
    join(incoming, Arc::new(client)).await;
    Ok(())
}
