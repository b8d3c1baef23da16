//! The door of one signal: what a sender meets before and after its bytes are read.

use std::sync::Arc;

use bytes::Bytes;
use net::{Budget, Charge, Code, Status};
use otlp::{Payload, Signal};
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Accepted, Ack, Batch, Client, Outlet, Refused, Size};

use crate::intake::Form;

/// Requests above this size are read and transformed off the threads that
/// serve sockets (validation alone takes a third of a millisecond there).
const OFFLOAD_ABOVE: usize = 256 << 10;

/// Takes the requests of one signal. It is also the budget that their bytes
/// are charged to: the pipeline is asked first, so that an overloaded collector
/// reads and inflates nothing that it will refuse.
pub(crate) struct Door {
    signal: Signal,
    outlet: Option<Outlet>,
    budget: pipeline::Budget,
    metrics: ReceiverMetrics,
}

impl Budget for Door {
    fn charge(&self, bytes: usize) -> Result<Charge, net::Refused> {
        self.knock(bytes)
            .and_then(|()| Budget::charge(&self.budget, bytes))
            // How many records these bytes are is not known: the request counts as one.
            .inspect_err(|_| self.metrics.refused(self.signal, 1))
    }
}

impl Door {
    pub(crate) fn new(
        signal: Signal,
        outlet: Option<Outlet>,
        budget: pipeline::Budget,
        metrics: ReceiverMetrics,
    ) -> Door {
        if outlet.is_some() {
            metrics.announce(signal);
        }
        Door {
            signal,
            outlet,
            budget,
            metrics,
        }
    }

    /// Whether a pipeline is behind it.
    pub(crate) fn leads_somewhere(&self) -> bool {
        self.outlet.is_some()
    }

    /// Asks the pipeline whether it takes anything now. A refusal for good is
    /// left to the request itself: the size of a body is not that of its payload.
    fn knock(&self, bytes: usize) -> Result<(), net::Refused> {
        let Some(outlet) = &self.outlet else {
            return Ok(());
        };
        match outlet.admit(&Size { items: 1, bytes }) {
            Err(Refused::Later { after, why }) => Err(net::Refused {
                why: why.to_string().into(),
                after,
            }),
            Ok(_) | Err(Refused::Never { .. }) => Ok(()),
        }
    }

    /// Reads a request and hands it over; the answer is the pipeline's.
    pub(crate) async fn take(
        self: &Arc<Self>,
        form: Form,
        bytes: Bytes,
        client: Arc<Client>,
    ) -> Result<Accepted, Status> {
        let mut span = self.metrics.span(self.signal);
        let (items, ack) = if bytes.len() > OFFLOAD_ABOVE {
            let door = Arc::clone(self);
            let work = move || door.hand_over(form, bytes, client);
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|error| {
                let why = format!("the collector is stopping: {error}");
                Status::new(Code::Unavailable, why)
            })??
        } else {
            self.hand_over(form, bytes, client)?
        };
        match ack.await {
            Ok(accepted) => {
                let rejected = accepted.rejected.min(items);
                self.metrics.accepted(self.signal, items - rejected);
                self.metrics.refused(self.signal, rejected);
                span.count("accepted", items - rejected);
                span.count("refused", rejected);
                Ok(accepted)
            }
            Err(refused) => {
                self.metrics.refused(self.signal, items);
                span.count("refused", items);
                Err(status_of(refused))
            }
        }
    }

    fn hand_over(
        &self,
        form: Form,
        bytes: Bytes,
        client: Arc<Client>,
    ) -> Result<(usize, Ack), Status> {
        let signal = self.signal;
        let Some(outlet) = &self.outlet else {
            let message = format!("no pipeline takes {signal}");
            return Err(Status::new(Code::Unimplemented, message));
        };
        let read = match form {
            Form::Protobuf => Payload::validate(signal, bytes).map_err(|e| e.to_string()),
            // What is made of the text replaces it, and is paid for like it.
            Form::Json => otlp::json::read(signal, &bytes)
                .map(|payload| outlet.hold(payload))
                .map_err(|e| e.to_string()),
        };
        let payload = read.map_err(|why| {
            self.metrics.failed(signal, 1);
            Status::new(Code::InvalidArgument, why)
        })?;
        let items = payload.items();
        if items == 0 {
            return Ok((0, Ack::accepted()));
        }
        let client = Some(client);
        Ok((items, outlet.send(Batch { payload, client })))
    }
}

/// The pipeline's refusal as a status: clients try UNAVAILABLE again, and
/// nothing else that comes from here.
fn status_of(refused: Refused) -> Status {
    match refused {
        Refused::Later { after, why } => Status::new(Code::Unavailable, &*why).retry_after(after),
        Refused::Never { why } => Status::new(Code::Internal, &*why),
    }
}
