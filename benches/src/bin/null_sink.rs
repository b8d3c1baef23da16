//! An OTLP/gRPC server that counts log records and throws them away.
//!
//! `null_sink --listen 127.0.0.1:24319 --tally 127.0.0.1:24320 --check yes --rate 100000`
//!
//! With `--check yes` it reads the number of each record and counts those that come twice; with `--rate` it answers
//! so slowly that no more records a second go in.

use std::sync::Arc;
use std::time::Duration;

use benches::Failure;
use benches::arguments::Arguments;
use benches::input::number_of;
use benches::numbers::Numbers;
use benches::tally::{self, Tally};
use bytes::Bytes;
use net::grpc::{Call, GrpcOptions, GrpcServer, UnaryService};
use net::{Budget, Code, Listener, Protocols, ServerOptions, Status, Transport, Unlimited};
use otlp::{Payload, Signal, count_items};
use parking_lot::Mutex;
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

struct Sink {
    check: bool,
    /// Records a second.
    rate: Option<f64>,
    counted: Mutex<Counted>,
}

struct Counted {
    tally: Tally,
    numbers: Numbers,
    /// When the records so far are allowed to have been taken.
    taken_until: Instant,
}

impl Sink {
    fn count(&self, message: Bytes) -> Result<Instant, Status> {
        let invalid = || Status::new(Code::InvalidArgument, "no OTLP request");
        if !self.check {
            let items = count_items(Signal::Logs, &message).ok_or_else(invalid)?;
            return Ok(self.add(items, |_| ()));
        }
        let payload = Payload::validate(Signal::Logs, message).map_err(|_| invalid())?;
        Ok(self.add(payload.items(), |numbers| {
            let scopes = payload.logs().flat_map(|resource| resource.scopes());
            for record in scopes.flat_map(|scope| scope.records()) {
                if let Some(number) = number_of(&record) {
                    numbers.add(number);
                }
            }
        }))
    }

    fn add(&self, items: usize, note: impl FnOnce(&mut Numbers)) -> Instant {
        let mut counted = self.counted.lock();
        counted.tally.requests += 1;
        counted.tally.records += items as u64;
        note(&mut counted.numbers);
        let now = Instant::now();
        if let Some(rate) = self.rate {
            let from = counted.taken_until.max(now);
            counted.taken_until = from + Duration::from_secs_f64(items as f64 / rate);
        }
        counted.taken_until
    }

    fn tally(&self) -> Tally {
        let counted = self.counted.lock();
        Tally {
            distinct: counted.numbers.distinct,
            again: counted.numbers.again,
            ..counted.tally
        }
    }
}

struct Service(Arc<Sink>);

impl UnaryService for Service {
    type Method = ();

    fn route(&self, path: &str) -> Option<()> {
        (path == LOGS).then_some(())
    }

    fn budget(&self, (): ()) -> Arc<dyn Budget> {
        Arc::new(Unlimited)
    }

    async fn call(&self, (): (), call: Call) -> Result<Bytes, Status> {
        let until = self.0.count(call.message)?;
        if self.0.rate.is_some() {
            tokio::time::sleep_until(until).await;
        }
        Ok(Bytes::new())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["listen", "tally", "check", "rate"])?;
    let listen: String = arguments.get("listen", "127.0.0.1:24319".to_owned())?;
    let tell: String = arguments.get("tally", "127.0.0.1:24320".to_owned())?;
    let sink = Arc::new(Sink {
        check: arguments.get("check", "no".to_owned())? == "yes",
        rate: arguments.optional("rate")?,
        counted: Mutex::new(Counted {
            tally: Tally::default(),
            numbers: Numbers::default(),
            taken_until: Instant::now(),
        }),
    });
    let options = GrpcOptions {
        max_message: 64 << 20,
        ..GrpcOptions::default()
    };
    let handler = Arc::new(GrpcServer::new(Service(sink.clone()), options));
    let listener = Listener::bind(&listen, Transport::Tcp).await?;
    let server = ServerOptions {
        protocols: Protocols::Http2,
        ..ServerOptions::default()
    };
    let _server = net::serve(listener, server, handler)?;
    tally::tell(&tell, || sink.tally()).await
}
