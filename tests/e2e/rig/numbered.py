"""Numbered records of every signal, on as many days as wanted; attributes `sender` and `n` tell them apart."""

from collections.abc import Callable, Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from rig.payloads import T0, Request, numbered_logs, text

DAY = 86_400 * 10**9

# A table, and the signal that it keeps.
TABLES = {"otel_logs": "logs", "ecs_events": "logs", "otel_traces": "traces", "otel_metrics": "metrics"}


def time_of(number: int, days: int) -> int:
    """Neighbours are on different days, nanoseconds since 1970."""
    return T0 + number % days * DAY + number


def _attributes(sender: str, number: int) -> list[KeyValue]:
    return [KeyValue(key="sender", value=text(sender)), KeyValue(key="n", value=AnyValue(int_value=number))]


def _resource(sender: str) -> Resource:
    return Resource(attributes=[KeyValue(key="service.name", value=text(sender))])


def logs(sender: str, numbers: Iterable[int], padding: int, days: int) -> ExportLogsServiceRequest:
    """Log records."""
    request = numbered_logs(sender, numbers, padding)
    for record in request.resource_logs[0].scope_logs[0].log_records:
        record.time_unix_nano = time_of(record.time_unix_nano - T0, days)
    return request


def spans(sender: str, numbers: Iterable[int], padding: int, days: int) -> ExportTraceServiceRequest:
    """Spans, each of a trace of its own."""
    found = [
        Span(
            trace_id=(n + 1).to_bytes(16, "big"),
            span_id=(n + 1).to_bytes(8, "big"),
            name="." * padding,
            start_time_unix_nano=time_of(n, days),
            end_time_unix_nano=time_of(n, days) + 1000,
            attributes=_attributes(sender, n),
        )
        for n in numbers
    ]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=_resource(sender), scope_spans=[ScopeSpans(spans=found)])]
    )


def points(sender: str, numbers: Iterable[int], padding: int, days: int) -> ExportMetricsServiceRequest:
    """Points of one gauge."""
    found = [
        NumberDataPoint(as_int=n, time_unix_nano=time_of(n, days), attributes=_attributes(sender, n)) for n in numbers
    ]
    metric = Metric(name="numbered", description="." * padding, gauge=Gauge(data_points=found))
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=_resource(sender), scope_metrics=[ScopeMetrics(metrics=[metric])])]
    )


REQUESTS: dict[str, Callable[[str, Iterable[int], int, int], Request]] = {
    "logs": logs,
    "traces": spans,
    "metrics": points,
}


def numbers_in(request: ExportLogsServiceRequest) -> list[tuple[str, int]]:
    """Sender and number of each log record."""
    found = []
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                values = {a.key: a.value for a in record.attributes}
                found.append((values["sender"].string_value, values["n"].int_value))
    return found
