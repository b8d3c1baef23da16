//! The port that is asked.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use net::http::header::CONTENT_TYPE;
use net::http::{HeaderValue, Request, Response, StatusCode};
use net::tls::TlsAcceptor;
use net::{Body, Incoming, Peer, Server, ServerOptions, Transport};
use parking_lot::Mutex;
use pipeline::{Extension, Host, StartError};

use crate::answer;
use crate::config::Config;

/// The extension.
pub(crate) struct HealthCheck {
    config: Config,
    server: Mutex<Option<Server>>,
}

impl HealthCheck {
    pub(crate) fn new(config: Config) -> HealthCheck {
        HealthCheck {
            config,
            server: Mutex::new(None),
        }
    }

    async fn open(&self, host: Host) -> Result<(), StartError> {
        let tls = self
            .config
            .tls
            .as_option()
            .map(|tls| TlsAcceptor::new(tls.clone(), &["h2", "http/1.1"]))
            .transpose();
        let tls = tls
            .map_err(|error| StartError::new(format!("tls: {error}")))?
            .map(Arc::new);
        let listener = host
            .listeners
            .listen(&self.config.endpoint, Transport::Tcp)
            .await;
        let listener = listener.map_err(|error| StartError::new(error.to_string()))?;
        let probe = Arc::new(Probe {
            config: self.config.clone(),
            started: host.clock.unix_nano(),
            host,
        });
        let handler = move |request: Request<Incoming>, _: Arc<Peer>| {
            let response = probe.answer(request.uri().path());
            std::future::ready(response)
        };
        let options = ServerOptions {
            tls,
            ..ServerOptions::default()
        };
        let server = net::serve(listener, options, Arc::new(handler));
        *self.server.lock() =
            Some(server.map_err(|error| StartError::new(format!("cannot serve: {error}")))?);
        Ok(())
    }
}

impl Extension for HealthCheck {
    fn start(&self, host: Host) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(self.open(host))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        let server = self.server.lock().take();
        Box::pin(async move {
            if let Some(server) = server {
                server.stop(Duration::from_secs(1)).await;
            }
        })
    }
}

struct Probe {
    config: Config,
    started: u64,
    host: Host,
}

impl Probe {
    fn answer(&self, path: &str) -> Response<Body> {
        let health = &self.host.health;
        let ready = health.is_ready();
        if path == "/status" {
            let body = answer::status(ready, &time(self.started), &health.components(), time);
            return json(
                if ready {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                },
                body,
            );
        }
        if path != self.config.path {
            return json(
                StatusCode::NOT_FOUND,
                "{\"status\":\"not found\"}".to_owned(),
            );
        }
        let uptime = Duration::from_nanos(self.host.clock.unix_nano().saturating_sub(self.started));
        let body = match self.config.response_body.as_option() {
            Some(bodies) if ready => bodies.healthy.clone(),
            Some(bodies) => bodies.unhealthy.clone(),
            None => answer::probe(
                ready,
                &time(self.started),
                &settings::Duration::new(uptime).to_string(),
            ),
        };
        json(
            if ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            },
            body,
        )
    }
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// RFC 3339 in UTC.
fn time(unix_nano: u64) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(unix_nano));
    at.map_or_else(|_| unix_nano.to_string(), |at| at.to_string())
}
