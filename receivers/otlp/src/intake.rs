//! What both protocols share: the doors of the signals, and who is at them.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;
use net::{Identity, Peer};
use otlp::Signal;
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Client, Host, Outputs};

use crate::door::Door;

/// How a request is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Protobuf,
    Json,
}

/// Where requests of one transport go in.
pub(crate) struct Intake {
    logs: Arc<Door>,
    traces: Arc<Door>,
    metrics: Arc<Door>,
    include_metadata: bool,
}

impl Intake {
    pub(crate) fn new(
        outputs: &Outputs,
        metrics: &ReceiverMetrics,
        host: &Host,
        include_metadata: bool,
    ) -> Intake {
        let outputs = outputs.charged_to(&host.budget);
        let door = |signal| {
            let outlet = outputs.get(signal).cloned();
            let budget = host.budget.clone();
            Arc::new(Door::new(signal, outlet, budget, metrics.clone()))
        };
        Intake {
            logs: door(Signal::Logs),
            traces: door(Signal::Traces),
            metrics: door(Signal::Metrics),
            include_metadata,
        }
    }

    pub(crate) fn door(&self, signal: Signal) -> &Arc<Door> {
        match signal {
            Signal::Logs => &self.logs,
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        }
    }

    /// Whether a pipeline takes this signal.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.door(signal).leads_somewhere()
    }

    /// What later stages may know of the sender. `authority` is the host that
    /// HTTP/2 names outside of the headers.
    pub(crate) fn client(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        authority: Option<&str>,
        identity: Option<Identity>,
    ) -> Arc<Client> {
        let mut metadata = BTreeMap::new();
        if self.include_metadata {
            metadata = collected(headers);
            if let Some(authority) = authority {
                metadata
                    .entry(HOST.as_str().to_owned())
                    .or_insert_with(|| vec![authority.to_owned()]);
            }
        }
        Arc::new(Client {
            address: peer.address.map(|address| address.ip().to_canonical()),
            metadata,
            auth: identity.map(attributes).unwrap_or_default(),
        })
    }
}

fn collected(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut metadata: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        metadata
            .entry(name.as_str().to_owned())
            .or_default()
            .push(value);
    }
    metadata
}

/// `auth.subject` and what else the authenticator found out.
fn attributes(identity: Identity) -> BTreeMap<String, String> {
    let mut attributes = identity.attributes;
    if let Some(subject) = identity.subject {
        attributes.entry("subject".to_owned()).or_insert(subject);
    }
    attributes
}
