//! Exporters from YAML, and servers that answer as they are told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use ::http::{HeaderMap, Request, Response, Version};
use bytes::Bytes;
use net::grpc::{Call, GrpcOptions, GrpcServer, UnaryService};
use net::tls::{ServerTlsSettings, TlsAcceptor};
use net::{
    Body, Budget, Encoding, Incoming, InflateLimits, Limits, Listener, Peer, Server, ServerOptions,
    Status, Transport, Unlimited,
};
use otlp::{Payload, Signal};
use parking_lot::Mutex;
use pipeline::registry::{ExporterConfig, Factory};
use pipeline::tail::Driver;
use pipeline::{Batch, Exporter, Host, Report, StartError};
use settings::{Node, Problems, SourceKind, SourceName};

pub(crate) fn node(yaml: &str) -> Node {
    let kind = SourceKind::File("t.yaml".to_owned());
    let source = Arc::new(SourceName { order: 0, kind });
    settings::parse(yaml, &source, &mut Problems::new()).expect("is YAML")
}

/// The settings in `yaml`, and all problems as text.
pub(crate) fn read(
    factory: &Factory<dyn ExporterConfig>,
    yaml: &str,
) -> (Option<Box<dyn ExporterConfig>>, Problems) {
    let mut problems = Problems::new();
    let config = (factory.decode)(&node(yaml), "exporters::x", &mut problems);
    (config, problems)
}

/// The exporter that `yaml` describes.
pub(crate) fn build(
    factory: &Factory<dyn ExporterConfig>,
    yaml: &str,
    signal: Signal,
    host: &Host,
) -> Result<Arc<dyn Exporter>, StartError> {
    let (config, problems) = read(factory, yaml);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    match config.build(&"x".parse().expect("an id"), signal, host)? {
        Driver::Exporter(exporter) => Ok(exporter),
        Driver::Sink(_) => panic!("an exporter"),
    }
}

pub(crate) fn grpc(yaml: &str) -> Arc<dyn Exporter> {
    build(
        &exporter_otlp::grpc_factory(),
        yaml,
        Signal::Logs,
        &Host::new(1 << 30),
    )
    .expect("builds")
}

pub(crate) fn http(yaml: &str) -> Arc<dyn Exporter> {
    build(
        &exporter_otlp::http_factory(),
        yaml,
        Signal::Logs,
        &Host::new(1 << 30),
    )
    .expect("builds")
}

/// Several segments, more than a frame and a read.
pub(crate) fn rope() -> Payload {
    let mut rope = test_kit::numbered_logs(0..1000);
    rope.append(test_kit::numbered_logs(1000..3000));
    rope.append(test_kit::numbered_logs(3000..3001));
    assert!(rope.segments().len() > 1);
    rope
}

/// What became of a batch: sent, items to be sent again, reasons of refusals.
pub(crate) fn outcome(report: Report) -> (usize, usize, Vec<String>) {
    let again = report.again.map_or(0, |again| again.payload.items());
    let refused = report.refused.iter().map(|part| part.why.to_string());
    (report.sent, again, refused.collect())
}

pub(crate) async fn export(exporter: &Arc<dyn Exporter>, payload: Payload) -> Report {
    exporter.export(&Batch::new(payload)).await
}

/// A request as a server saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
    /// Inflated.
    pub(crate) message: Bytes,
    /// Before that.
    pub(crate) wire_size: usize,
}

/// Answers in order, then successes; remembers what it saw.
pub(crate) struct Script<A> {
    answers: Mutex<VecDeque<A>>,
    seen: Mutex<Vec<Seen>>,
}

impl<A> Script<A> {
    pub(crate) fn new(answers: impl IntoIterator<Item = A>) -> Arc<Script<A>> {
        Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
        })
    }

    fn next(&self, seen: Seen) -> Option<A> {
        self.seen.lock().push(seen);
        self.answers.lock().pop_front()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock())
    }

    /// The bodies of the log records of each request.
    pub(crate) fn bodies(&self) -> Vec<Vec<String>> {
        let logs = |seen: Seen| Payload::validate(Signal::Logs, seen.message).expect("is valid");
        let seen = self.seen().into_iter();
        seen.map(|seen| test_kit::log_bodies(&logs(seen))).collect()
    }
}

/// What a scripted call of gRPC ends with.
pub(crate) type Call1 = Result<Bytes, Status>;

struct Service(Arc<Script<Call1>>);

impl UnaryService for Service {
    type Method = Signal;

    fn route(&self, path: &str) -> Option<Signal> {
        let services = [
            ("logs.v1.LogsService", Signal::Logs),
            ("trace.v1.TraceService", Signal::Traces),
            ("metrics.v1.MetricsService", Signal::Metrics),
        ];
        let path = path.strip_prefix("/opentelemetry.proto.collector.")?;
        let service = path.strip_suffix("/Export")?;
        services
            .iter()
            .find(|(name, _)| *name == service)
            .map(|(_, signal)| *signal)
    }

    fn budget(&self, _: Signal) -> Arc<dyn Budget> {
        Arc::new(Unlimited)
    }

    async fn call(&self, signal: Signal, call: Call) -> Result<Bytes, Status> {
        let seen = Seen {
            path: signal.name().to_owned(),
            headers: call.headers,
            version: Version::HTTP_2,
            message: call.message,
            wire_size: call.wire_size,
        };
        self.0.next(seen).unwrap_or_else(|| Ok(Bytes::new()))
    }
}

pub(crate) async fn listen() -> Listener {
    Listener::bind("127.0.0.1:0", Transport::Tcp)
        .await
        .expect("a port")
}

pub(crate) async fn grpc_server(
    script: &Arc<Script<Call1>>,
    options: GrpcOptions,
    tls: Option<ServerTlsSettings>,
) -> (Server, SocketAddr) {
    let server = grpc_server_on(listen().await, script, options, tls);
    let address = server.local_address().ip().expect("an address");
    (server, address)
}

pub(crate) fn grpc_server_on(
    listener: Listener,
    script: &Arc<Script<Call1>>,
    options: GrpcOptions,
    tls: Option<ServerTlsSettings>,
) -> Server {
    let connections = ServerOptions {
        protocols: net::Protocols::Http2,
        tls: tls.map(|tls| Arc::new(TlsAcceptor::new(tls, &["h2"]).expect("TLS"))),
        ..ServerOptions::default()
    };
    let handler = Arc::new(GrpcServer::new(Service(Arc::clone(script)), options));
    net::serve(listener, connections, handler).expect("serves")
}

/// What a scripted request of HTTP is answered with.
pub(crate) type Reply = Response<Body>;

pub(crate) fn reply(status: u16, media_type: &str, body: impl Into<Bytes>) -> Reply {
    let response = Response::builder()
        .status(status)
        .header("content-type", media_type);
    response.body(Body::from(body.into())).expect("a response")
}

pub(crate) async fn http_server(
    script: &Arc<Script<Reply>>,
    tls: Option<ServerTlsSettings>,
) -> (Server, SocketAddr) {
    let script = Arc::clone(script);
    let handler = move |request: Request<Incoming>, _: Arc<Peer>| {
        let script = Arc::clone(&script);
        async move {
            let seen = look(request).await;
            let ok = || reply(200, "application/x-protobuf", "");
            script.next(seen).unwrap_or_else(ok)
        }
    };
    let options = ServerOptions {
        tls: tls.map(|tls| Arc::new(TlsAcceptor::new(tls, &["h2", "http/1.1"]).expect("TLS"))),
        ..ServerOptions::default()
    };
    let server = net::serve(listen().await, options, Arc::new(handler)).expect("serves");
    let address = server.local_address().ip().expect("an address");
    (server, address)
}

async fn look(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let limits = Limits {
        wire: 64 << 20,
        deadline: None,
    };
    let wire = net::collect(body, limits, &Unlimited)
        .await
        .expect("a body");
    let name = head
        .headers
        .get("content-encoding")
        .map_or("", |name| name.to_str().expect("a text"));
    let message = match Encoding::from_http(name).expect("a known encoding") {
        None => wire.clone(),
        Some(encoding) => net::inflate(encoding, &wire, InflateLimits::new(64 << 20), &Unlimited)
            .expect("inflates"),
    };
    Seen {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        version: head.version,
        message,
        wire_size: wire.len(),
    }
}
