//! A receiver between a port and a scripted pipeline.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use ::settings::{Node, Problems, SourceKind, SourceName, parse};
use net::{Authenticator, Identity, Unauthenticated};
use pipeline::extension::Offers;
use pipeline::{Consumer, Host, Outlet, Outputs, Running, Signal, StartError};
use test_kit::ScriptedConsumer;

/// A running receiver.
pub(crate) struct Stage {
    /// What stands behind it, for all signals that have a pipeline.
    pub(crate) pipeline: ScriptedConsumer,
    pub(crate) host: Host,
    pub(crate) running: Running,
}

/// Both protocols with their defaults, on free ports.
pub(crate) const BOTH: &str =
    "protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}";

impl Stage {
    /// Starts a receiver with pipelines for all signals.
    pub(crate) async fn start(yaml: &str) -> Stage {
        Stage::with_host(yaml, Host::new(usize::MAX)).await
    }

    pub(crate) async fn with_host(yaml: &str, host: Host) -> Stage {
        let pipeline = ScriptedConsumer::new();
        let outputs = outputs(&Signal::ALL, &pipeline.consumer());
        let running = start(yaml, outputs, &host).await.unwrap();
        Stage {
            pipeline,
            host,
            running,
        }
    }

    pub(crate) async fn with_signals(yaml: &str, signals: &[Signal]) -> Stage {
        let pipeline = ScriptedConsumer::new();
        let host = Host::new(usize::MAX);
        let outputs = outputs(signals, &pipeline.consumer());
        let running = start(yaml, outputs, &host).await.unwrap();
        Stage {
            pipeline,
            host,
            running,
        }
    }

    pub(crate) fn http(&self) -> SocketAddr {
        address(&self.running, "http")
    }

    pub(crate) fn grpc(&self) -> SocketAddr {
        address(&self.running, "grpc")
    }

    /// Records that the pipeline took, of any signal.
    pub(crate) fn items(&self) -> usize {
        let taken = self.pipeline.taken();
        taken.iter().map(|batch| batch.payload.items()).sum()
    }
}

pub(crate) fn address(running: &Running, protocol: &str) -> SocketAddr {
    let mut addresses = running.addresses.iter();
    let found = addresses.find(|(name, _)| name == protocol);
    found.map(|(_, address)| *address).unwrap()
}

pub(crate) fn outputs(signals: &[Signal], consumer: &Arc<dyn Consumer>) -> Outputs {
    let mut outputs = Outputs::default();
    for signal in signals {
        outputs.set(*signal, Outlet::new(Arc::clone(consumer)));
    }
    outputs
}

pub(crate) fn node(yaml: &str) -> Node {
    let kind = SourceKind::File("test.yaml".to_owned());
    let source = Arc::new(SourceName { order: 0, kind });
    let mut problems = Problems::new();
    parse(yaml, &source, &mut problems).unwrap_or_else(|| panic!("{problems}"))
}

pub(crate) async fn start(
    yaml: &str,
    outputs: Outputs,
    host: &Host,
) -> Result<Running, StartError> {
    let mut problems = Problems::new();
    let decode = receiver_otlp::factory().decode;
    let config = decode(&node(yaml), "receivers::otlp", &mut problems);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    let receiver = config.build(&"otlp/test".parse().unwrap(), outputs)?;
    receiver.start(host.clone()).await
}

/// Lets in who says so.
#[derive(Debug)]
struct Token;

impl Authenticator for Token {
    fn authenticate(&self, headers: &net::http::HeaderMap) -> Result<Identity, Unauthenticated> {
        let token = headers
            .get("authorization")
            .or_else(|| headers.get("token"));
        match token.map(|value| value.as_bytes()) {
            Some(b"Bearer good one") => Ok(Identity {
                subject: Some("team-a".into()),
                attributes: [("tier".to_owned(), "gold".to_owned())].into(),
            }),
            _ => Err(Unauthenticated {
                why: "no valid token".into(),
                challenge: Some("Bearer"),
            }),
        }
    }
}

/// A host whose extension `bearertokenauth/team` knows one token.
pub(crate) fn guarded_host() -> Host {
    let token: Arc<dyn Authenticator> = Arc::new(Token);
    let offered: Arc<dyn std::any::Any + Send + Sync> = Arc::new(token);
    let offers = HashMap::from([("bearertokenauth/team".to_owned(), vec![offered])]);
    Host {
        offers: Offers::new(offers),
        ..Host::new(usize::MAX)
    }
}
