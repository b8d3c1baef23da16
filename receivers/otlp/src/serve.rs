//! Opens the ports and keeps them until the host says stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use net::config::{AuthSettings, header_map};
use net::cors::Cors;
use net::grpc::{GrpcOptions, GrpcServer};
use net::{Authenticator, Handler, Limits, Server, ServerOptions, Transport};
use otlp::Signal;
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Host, Outputs, Receiver, Running, StartError};
use settings::Optional;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Grpc, Http};
use crate::grpc::ExportService;
use crate::http::ExportEndpoint;
use crate::intake::Intake;

/// How long clients may take to end their requests when the collector stops.
const DRAIN: Duration = Duration::from_secs(10);

/// The receiver before it is started.
pub(crate) struct OtlpReceiver {
    pub(crate) id: String,
    pub(crate) config: Config,
    pub(crate) outputs: Outputs,
}

impl Receiver for OtlpReceiver {
    fn start(self: Box<Self>, host: Host) -> BoxFuture<'static, Result<Running, StartError>> {
        Box::pin(async move { self.open(&host).await })
    }
}

impl OtlpReceiver {
    async fn open(self, host: &Host) -> Result<Running, StartError> {
        let mut servers = Vec::new();
        let protocols = &self.config.protocols;
        if let Some(grpc) = protocols.grpc.as_option() {
            let server = self.serve_grpc(grpc, host).await;
            servers.push(("grpc", server.map_err(|e| about("grpc", &e))?));
        }
        if let Some(http) = protocols.http.as_option() {
            let server = self.serve_http(http, host).await;
            servers.push(("http", server.map_err(|e| about("http", &e))?));
        }
        let addresses: Vec<(String, SocketAddr)> = servers
            .iter()
            .filter_map(|(name, server)| Some(((*name).to_owned(), server.local_address().ip()?)))
            .collect();
        let stop = CancellationToken::new();
        let done = tokio::spawn(run(self.id, servers, stop.clone()));
        Ok(Running {
            addresses,
            stop,
            done,
        })
    }

    async fn serve_grpc(&self, config: &Grpc, host: &Host) -> Result<Server, StartError> {
        let settings = &config.0;
        let service = ExportService {
            intake: self.intake("grpc", settings.include_metadata, host),
        };
        let options = GrpcOptions {
            authenticator: authenticator(&settings.auth, host)?,
            // Inflating must not hold up the other calls of a connection.
            worker: Some(tokio::runtime::Handle::current()),
            ..settings.grpc_options()
        };
        let handler = Arc::new(GrpcServer::new(service, options));
        let options = settings.options(ServerOptions::default());
        let options = options.map_err(|e| StartError::new(format!("tls: {e}")))?;
        serve(
            host,
            config.endpoint(),
            settings.transport,
            options,
            handler,
        )
        .await
    }

    async fn serve_http(&self, config: &Http, host: &Host) -> Result<Server, StartError> {
        let settings = &config.0.shared;
        let handler = ExportEndpoint {
            intake: self.intake("http", settings.include_metadata, host),
            paths: Signal::ALL.map(|signal| (config.path(signal), signal)),
            cors: settings.cors.as_option().and_then(Cors::new),
            authenticator: authenticator(&settings.auth, host)?,
            auth_parameters: config
                .auth_parameters()
                .map_err(|name| StartError::new(format!("auth::request_params: {name}")))?,
            limits: Limits {
                wire: settings.max_body(),
                deadline: settings.body_deadline(None),
            },
            encodings: settings.encodings(),
            headers: header_map(&settings.response_headers).map_err(StartError::new)?,
        };
        let options = settings.options(ServerOptions::default());
        let options = options.map_err(|e| StartError::new(format!("tls: {e}")))?;
        let handler = Arc::new(handler);
        serve(
            host,
            config.endpoint(),
            settings.transport,
            options,
            handler,
        )
        .await
    }

    fn intake(&self, transport: &'static str, include_metadata: bool, host: &Host) -> Intake {
        let metrics = ReceiverMetrics::new(&self.id, transport);
        Intake::new(&self.outputs, &metrics, host, include_metadata)
    }
}

/// Waits for the word to stop, then lets requests in flight end.
async fn run(
    id: String,
    servers: Vec<(&'static str, Server)>,
    stop: CancellationToken,
) -> Result<(), String> {
    stop.cancelled().await;
    let stopping = servers.into_iter().map(async |(protocol, server)| {
        let stopped = server.stop(DRAIN).await;
        if stopped.cut > 0 {
            let connections = stopped.cut;
            tracing::warn!(receiver = id, protocol, connections, within = ?DRAIN, "Connections were still busy when the receiver stopped and were cut off; their senders will try again.");
        }
    });
    join_all(stopping).await;
    Ok(())
}

fn about(protocol: &str, error: &StartError) -> StartError {
    StartError::new(format!("protocols::{protocol}: {error}"))
}

fn authenticator(
    auth: &Optional<AuthSettings>,
    host: &Host,
) -> Result<Option<Arc<dyn Authenticator>>, StartError> {
    auth.as_option()
        .and_then(|auth| auth.authenticator.as_ref())
        .map(|id| host.offers.get(&id.to_string(), "server authenticator"))
        .transpose()
}

async fn serve<H: Handler>(
    host: &Host,
    endpoint: &str,
    transport: Transport,
    options: ServerOptions,
    handler: Arc<H>,
) -> Result<Server, StartError> {
    let listener = host.listeners.listen(endpoint, transport).await;
    let listener = listener.map_err(|e| StartError::new(e.to_string()))?;
    net::serve(listener, options, handler)
        .map_err(|error| StartError::new(format!("cannot serve {endpoint}: {error}")))
}
