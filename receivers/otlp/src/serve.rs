//! Opens the ports and keeps them until the host says stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::HeaderName;
use net::cors::Cors;
use net::grpc::{GrpcOptions, GrpcServer};
use net::{Authenticator, Budget, Limits, Listener, Server, ServerOptions, Transport};
use otlp::Signal;
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Host, Outputs, Receiver, Running, StartError};
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
    async fn open(&self, host: &Host) -> Result<Running, StartError> {
        let mut servers = Vec::new();
        if let Some(grpc) = self.config.protocols.grpc.as_option() {
            servers.push(("grpc", self.serve_grpc(grpc, host).await?));
        }
        if let Some(http) = self.config.protocols.http.as_option() {
            servers.push(("http", self.serve_http(http, host).await?));
        }
        let addresses: Vec<(String, SocketAddr)> = servers
            .iter()
            .filter_map(|(name, server)| Some(((*name).to_owned(), server.local_address().ip()?)))
            .collect();
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let done = tokio::spawn(async move {
            stopping.cancelled().await;
            let stopping = servers.into_iter().map(|(_, server)| server.stop(DRAIN));
            futures::future::join_all(stopping).await;
            Ok(())
        });
        Ok(Running {
            addresses,
            stop,
            done,
        })
    }

    async fn serve_grpc(&self, config: &Grpc, host: &Host) -> Result<Server, StartError> {
        let metrics = ReceiverMetrics::new(&self.id, "grpc");
        let service = ExportService {
            intake: Intake::new(self.outputs.clone(), metrics, config.include_metadata),
            budget: budget(host),
        };
        let options = GrpcOptions {
            max_message: config.max_message(),
            authenticator: authenticator(
                config.auth.as_option().map(|auth| &*auth.authenticator),
                host,
            )?,
            ..GrpcOptions::default()
        };
        let handler = Arc::new(GrpcServer::new(service, options));
        let listener = listen(&config.endpoint, config.transport).await?;
        serve(listener, config.server_options()?, handler)
    }

    async fn serve_http(&self, config: &Http, host: &Host) -> Result<Server, StartError> {
        let metrics = ReceiverMetrics::new(&self.id, "http");
        let auth = config.auth.as_option();
        let parameters = auth
            .map(|auth| auth.request_params.as_slice())
            .unwrap_or_default();
        let parameters: Result<Vec<HeaderName>, _> =
            parameters.iter().map(|name| name.parse()).collect();
        let handler = ExportEndpoint {
            intake: Intake::new(self.outputs.clone(), metrics, config.include_metadata),
            budget: budget(host),
            paths: Signal::ALL.map(|signal| (config.path(signal), signal)),
            cors: config.cors.as_option().and_then(Cors::new),
            authenticator: authenticator(auth.map(|auth| &*auth.authenticator), host)?,
            auth_parameters: parameters.map_err(|error| {
                StartError::new(format!("protocols::http::auth::request_params: {error}"))
            })?,
            limits: Limits {
                wire: config.max_request_body_size.as_usize(),
                deadline: config.read_timeout.non_zero(),
            },
            encodings: config.encodings(),
            headers: config.answer_headers().map_err(StartError::new)?,
        };
        let listener = listen(&config.endpoint, config.transport).await?;
        serve(listener, config.server_options()?, Arc::new(handler))
    }
}

fn budget(host: &Host) -> Arc<dyn Budget> {
    Arc::new(host.budget.clone())
}

fn authenticator(
    id: Option<&str>,
    host: &Host,
) -> Result<Option<Arc<dyn Authenticator>>, StartError> {
    id.map(|id| {
        host.offers
            .get::<Arc<dyn Authenticator>>(id, "server authenticator")
    })
    .transpose()
}

async fn listen(endpoint: &str, transport: Transport) -> Result<Listener, StartError> {
    Listener::bind(endpoint, transport)
        .await
        .map_err(|error| StartError::new(error.to_string()))
}

fn serve<H: net::Handler>(
    listener: Listener,
    options: ServerOptions,
    handler: Arc<H>,
) -> Result<Server, StartError> {
    net::serve(listener, options, handler)
        .map_err(|error| StartError::new(format!("cannot serve: {error}")))
}
