//! From the bytes of a request to the pipeline's answer.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use net::{Code, Identity, Status};
use otlp::{Payload, Signal};
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Accepted, Ack, Batch, Client, Outlet, Outputs, Refused, Size};

/// Requests above this size are read and transformed off the threads that
/// serve sockets (validation alone takes a third of a millisecond there).
const OFFLOAD_ABOVE: usize = 256 << 10;

/// How a request is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Protobuf,
    Json,
}

/// Hands requests of one transport over to the pipelines.
#[derive(Clone)]
pub(crate) struct Intake {
    outputs: Outputs,
    metrics: ReceiverMetrics,
    include_metadata: bool,
}

impl Intake {
    pub(crate) fn new(
        outputs: Outputs,
        metrics: ReceiverMetrics,
        include_metadata: bool,
    ) -> Intake {
        for signal in Signal::ALL {
            if outputs.get(signal).is_some() {
                metrics.announce(signal);
            }
        }
        Intake {
            outputs,
            metrics,
            include_metadata,
        }
    }

    /// Whether a pipeline takes this signal.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.outputs.get(signal).is_some()
    }

    /// Asks the pipeline for room before the body is read or inflated, so that
    /// an overloaded collector spends nothing on what it will refuse.
    pub(crate) fn probe(&self, signal: Signal, announced: usize) -> Result<(), Status> {
        let Some(outlet) = self.outputs.get(signal) else {
            return Ok(());
        };
        match outlet.admit(&Size {
            items: 0,
            bytes: announced,
        }) {
            Ok(_room) => Ok(()),
            Err(refused) => Err(status_of(refused)),
        }
    }

    /// Reads a request and hands it over; the answer is the pipeline's.
    pub(crate) async fn take(
        &self,
        signal: Signal,
        form: Form,
        bytes: Bytes,
        client: Option<Arc<Client>>,
    ) -> Result<Accepted, Status> {
        let Some(outlet) = self.outputs.get(signal) else {
            let message = format!("no pipeline takes {}", signal.name());
            return Err(Status::new(Code::Unimplemented, message));
        };
        let (items, ack) = if bytes.len() > OFFLOAD_ABOVE {
            let (outlet, metrics) = (outlet.clone(), self.metrics.clone());
            let work = move || hand_over(&outlet, &metrics, signal, form, bytes, client);
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|error| {
                Status::new(
                    Code::Unavailable,
                    format!("the collector is stopping: {error}"),
                )
            })??
        } else {
            hand_over(outlet, &self.metrics, signal, form, bytes, client)?
        };
        match ack.await {
            Ok(accepted) => {
                self.metrics
                    .accepted(signal, items - accepted.rejected.min(items));
                self.metrics.refused(signal, accepted.rejected.min(items));
                Ok(accepted)
            }
            Err(refused) => {
                self.metrics.refused(signal, items);
                Err(status_of(refused))
            }
        }
    }

    /// What later stages may know of the sender.
    pub(crate) fn client(
        &self,
        address: Option<IpAddr>,
        headers: &HeaderMap,
        identity: Option<Identity>,
    ) -> Option<Arc<Client>> {
        let mut metadata: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if self.include_metadata {
            for (name, value) in headers {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                metadata
                    .entry(name.as_str().to_owned())
                    .or_default()
                    .push(value);
            }
        }
        let auth = identity
            .map(|identity| identity.attributes.into_iter().collect())
            .unwrap_or_default();
        Some(Arc::new(Client {
            address,
            metadata,
            auth,
        }))
    }
}

fn hand_over(
    outlet: &Outlet,
    metrics: &ReceiverMetrics,
    signal: Signal,
    form: Form,
    bytes: Bytes,
    client: Option<Arc<Client>>,
) -> Result<(usize, Ack), Status> {
    let read = match form {
        Form::Protobuf => Payload::validate(signal, bytes).map_err(|invalid| invalid.to_string()),
        Form::Json => otlp::json::read(signal, &bytes).map_err(|error| error.to_string()),
    };
    let payload = read.map_err(|why| {
        metrics.failed(signal, 1);
        Status::new(Code::InvalidArgument, why)
    })?;
    let items = payload.items();
    if items == 0 {
        return Ok((0, Ack::accepted()));
    }
    Ok((items, outlet.send(Batch { payload, client })))
}

/// The pipeline's refusal as a status: clients try UNAVAILABLE again, and
/// nothing else that comes from here.
fn status_of(refused: Refused) -> Status {
    match refused {
        Refused::Later { after, why } => Status::new(Code::Unavailable, &*why).retry_after(after),
        Refused::Never { why } => Status::new(Code::Internal, &*why),
    }
}
