//! The port that is asked.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use net::http::Request;
use net::tls::TlsAcceptor;
use net::{Incoming, Peer, Server, ServerOptions, Transport};
use parking_lot::Mutex;
use pipeline::{Extension, Host, StartError};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::probe::Probe;

/// How often the queues are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The extension.
pub(crate) struct HealthCheck {
    config: Config,
    running: Mutex<Option<Running>>,
}

struct Running {
    server: Server,
    looking: JoinHandle<()>,
}

impl HealthCheck {
    pub(crate) fn new(config: Config) -> HealthCheck {
        HealthCheck {
            config,
            running: Mutex::new(None),
        }
    }

    async fn open(&self, host: Host) -> Result<(), StartError> {
        let (endpoint, tls) = self.config.server();
        let tls = tls
            .map(|tls| TlsAcceptor::new(tls.clone(), &["h2", "http/1.1"]))
            .transpose();
        let tls = tls
            .map_err(|error| StartError::new(format!("tls: {error}")))?
            .map(Arc::new);
        let listener = host.listeners.listen(endpoint, Transport::Tcp).await;
        let listener = listener.map_err(|error| StartError::new(error.to_string()))?;
        let probe = Arc::new(Probe::new(&self.config, host));
        let looking = tokio::spawn(keep_looking(Arc::clone(&probe)));
        let handler = move |request: Request<Incoming>, _: Arc<Peer>| {
            let response = probe.answer(request.uri());
            std::future::ready(response)
        };
        let options = ServerOptions {
            tls,
            ..ServerOptions::default()
        };
        let server = net::serve(listener, options, Arc::new(handler));
        let server = server.map_err(|error| StartError::new(format!("cannot serve: {error}")))?;
        *self.running.lock() = Some(Running { server, looking });
        Ok(())
    }
}

impl Extension for HealthCheck {
    fn start(&self, host: Host) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(self.open(host))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        let running = self.running.lock().take();
        Box::pin(async move {
            if let Some(Running { server, looking }) = running {
                looking.abort();
                server.stop(Duration::from_secs(1)).await;
            }
        })
    }
}

/// Since when a queue is full can only be told by who looks at it all the time.
async fn keep_looking(probe: Arc<Probe>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        probe.look();
    }
}
