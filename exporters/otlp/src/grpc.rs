//! OTLP over gRPC.

use std::time::Duration;

use bytes::Bytes;
use net::Status;
use net::grpc::GrpcClient;
use otlp::{Payload, Signal};

use crate::answer::{self, Answer};
use crate::deliver::Wire;
use crate::size;

/// One `Export` method of a destination.
pub(crate) struct GrpcWire {
    client: GrpcClient,
    path: &'static str,
    timeout: Option<Duration>,
}

impl GrpcWire {
    pub(crate) fn new(client: GrpcClient, signal: Signal, timeout: Option<Duration>) -> GrpcWire {
        let path = match signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        };
        GrpcWire {
            client,
            path,
            timeout,
        }
    }
}

impl Wire for GrpcWire {
    async fn send(&self, payload: &Payload) -> Answer {
        let message: Vec<Bytes> = payload.segments().cloned().collect();
        match self.client.call(self.path, &message, self.timeout).await {
            Ok(reply) => match answer::protobuf(&reply.message) {
                Ok(taken) => Answer::Taken(taken),
                Err(why) => Answer::Never(format!(
                    "the answer cannot be read, what was sent may be stored: {why}"
                )),
            },
            Err(status) => judge(&status),
        }
    }
}

/// What a failure means for the same request: the table of the OTLP
/// specification, and RESOURCE_EXHAUSTED for the size of the message.
fn judge(status: &Status) -> Answer {
    let why = status.to_string();
    if size::refuses_size(status) {
        return Answer::TooLarge(why);
    }
    // an empty token file is filled some day; nothing was sent
    let unsent = status.message.starts_with("no credentials to send");
    match status.retryable() || unsent {
        true => Answer::Later {
            after: status.retry_after,
            why,
        },
        false => Answer::Never(why),
    }
}
