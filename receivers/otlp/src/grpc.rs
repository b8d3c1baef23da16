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
    pub(crate) budget: Arc<dyn Budget>,
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

    fn budget(&self, _: Signal) -> Arc<dyn Budget> {
        Arc::clone(&self.budget)
    }

    async fn call(&self, signal: Signal, call: Call) -> Result<Bytes, Status> {
        let address = call.peer.address.map(|address| address.ip());
        let client = self.intake.client(address, &call.headers, call.identity);
        let accepted = self
            .intake
            .take(signal, Form::Protobuf, call.message, client)
            .await?;
        Ok(answer::success(Form::Protobuf, signal, &accepted))
    }
}
