//! OTLP over gRPC.

use std::sync::Arc;

use bytes::Bytes;
use net::grpc::{Call, UnaryService};
use net::{Budget, Status};
use otlp::Signal;

use crate::answer;
use crate::intake::{Form, Intake};

/// The `Export` methods of the three collector services.
pub(crate) struct ExportService {
    pub(crate) intake: Intake,
}

impl UnaryService for ExportService {
    type Method = Signal;

    fn route(&self, path: &str) -> Option<Signal> {
        let signal = match path {
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Signal::Logs,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Signal::Traces,
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Signal::Metrics,
            _ => return None,
        };
        self.intake.takes(signal).then_some(signal)
    }

    fn budget(&self, signal: Signal) -> Arc<dyn Budget> {
        Arc::clone(self.intake.door(signal)) as Arc<dyn Budget>
    }

    async fn call(&self, signal: Signal, call: Call) -> Result<Bytes, Status> {
        let client = self
            .intake
            .client(&call.peer, &call.headers, None, call.identity);
        let door = self.intake.door(signal);
        let accepted = door.take(Form::Protobuf, call.message, client).await?;
        Ok(answer::success(Form::Protobuf, signal, &accepted))
    }
}
