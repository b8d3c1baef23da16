//! Requests of each signal, as an SDK would encode them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data,
    number_data_point::Value,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::{Payload, Signal};
use prost::Message;

use net::grpc::decode_status;

/// The methods of the three services.
pub(crate) const METHODS: [(Signal, &str); 3] = [
    (
        Signal::Logs,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ),
    (
        Signal::Traces,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ),
    (
        Signal::Metrics,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ),
];

pub(crate) const EXPORT_LOGS: &str = METHODS[0].1;

/// A request with two records.
pub(crate) fn two(signal: Signal) -> Vec<u8> {
    match signal {
        Signal::Logs => logs(&["one", "two"]),
        Signal::Traces => two_spans().encode_to_vec(),
        Signal::Metrics => two_points().encode_to_vec(),
    }
}

pub(crate) fn logs(bodies: &[&str]) -> Vec<u8> {
    let payload = test_kit::logs(bodies.iter().copied());
    payload.into_bytes().to_vec()
}

/// The same request in JSON.
pub(crate) fn as_json(signal: Signal, protobuf: &[u8]) -> Vec<u8> {
    let payload = Payload::validate(signal, protobuf.to_vec().into()).unwrap();
    let mut text = Vec::new();
    otlp::json::write(&payload, &mut text);
    text
}

/// A request with a log record whose trace id has 5 bytes.
pub(crate) fn broken_logs() -> Vec<u8> {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    let mut request = ExportLogsServiceRequest::decode(&*logs(&["fine", "bad"])).unwrap();
    request.resource_logs[0].scope_logs[0].log_records[1].trace_id = vec![7; 5];
    request.encode_to_vec()
}

/// `code`, message and delay in a `google.rpc.Status`, whatever its encoding.
pub(crate) fn status_in(body: &[u8]) -> net::Status {
    decode_status(body).unwrap_or_else(|| panic!("no status: {body:?}"))
}

fn two_spans() -> ExportTraceServiceRequest {
    let span = |name: &str| Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.into(),
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span("one"), span("two")],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn two_points() -> ExportMetricsServiceRequest {
    let point = |value| NumberDataPoint {
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "queue.length".into(),
        data: Some(Data::Gauge(Gauge {
            data_points: vec![point(1), point(2)],
        })),
        ..Metric::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![metric],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}
