//! What `prost` encodes is accepted and reads the same.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as Metrics;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Traces;
use otlp::{Payload, Signal, count_items};
use proptest::prelude::*;
use prost::Message;

use crate::generate;
use crate::structs::{self, Explicit};

fn reads_equal<M: Message + Explicit>(signal: Signal, message: M, items: usize) {
    let encoded = Bytes::from(message.encode_to_vec());
    let payload = Payload::validate(signal, encoded.clone()).expect("valid by our rules");
    assert_eq!(payload.items(), items);
    assert_eq!(count_items(signal, &encoded), Some(items));
    assert_eq!(payload.size(), encoded.len());
    assert_eq!(
        structs::encode(&payload),
        message.explicit().encode_to_vec()
    );
    assert_eq!(payload.into_bytes(), encoded, "bytes stay as they came");
}

proptest! {
    #[test]
    fn logs(request in generate::logs()) {
        let items = log_records(&request);
        reads_equal(Signal::Logs, request, items);
    }

    #[test]
    fn traces(request in generate::traces()) {
        let items = spans(&request);
        reads_equal(Signal::Traces, request, items);
    }

    #[test]
    fn metrics(request in generate::metrics()) {
        let items = points(&request);
        reads_equal(Signal::Metrics, request, items);
    }
}

fn log_records(request: &Logs) -> usize {
    let scopes = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
    scopes.map(|s| s.log_records.len()).sum()
}

fn spans(request: &Traces) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|r| &r.scope_spans);
    scopes.map(|s| s.spans.len()).sum()
}

fn points(request: &Metrics) -> usize {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|r| &r.scope_metrics);
    let data = scopes
        .flat_map(|s| &s.metrics)
        .filter_map(|m| m.data.as_ref());
    data.map(|data| match data {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(data) => data.data_points.len(),
    })
    .sum()
}
