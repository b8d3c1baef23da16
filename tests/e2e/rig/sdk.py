"""The official Python SDK, told to send one known set of logs, metrics and spans.

The same set as tests/node/sdk.mjs sends with the Node SDK.
"""

from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

TIME = 1_767_225_600_123_000_000  # 2026-01-01T00:00:00.123Z, in nanoseconds
MS = 1_000_000
PARENT = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(1))
VALUES: dict[str, Any] = {
    "a.string": 'zażółć "gęślą" \\ jaźń',
    "a.int": 9007199254740991,
    "a.double": 0.1,
    "a.bool": True,
    "a.strings": ["x", "y"],
    "a.ints": [1, 2, 3],
}
NUMBERED = 500


def send(grpc_port: int | None, http_port: int | None) -> None:
    """Sends everything with gzip: over gRPC when `grpc_port` is given, else over HTTP/protobuf."""
    resource = Resource({"service.name": "sdk-python", "host.id": "h-7", "process.pid": 4711})
    if grpc_port is not None:
        options: dict[str, Any] = {
            "endpoint": f"http://127.0.0.1:{grpc_port}",
            "insecure": True,
            "compression": grpc.Compression.Gzip,
        }
        _logs(resource, GrpcLogs(**options))
        _spans(resource, GrpcSpans(**options))
        _metrics(resource, GrpcMetrics(**options))
        return

    def to(signal: str) -> dict[str, Any]:
        return {"endpoint": f"http://127.0.0.1:{http_port}/v1/{signal}", "compression": Compression.Gzip}

    _logs(resource, HttpLogs(**to("logs")))
    _spans(resource, HttpSpans(**to("traces")))
    _metrics(resource, HttpMetrics(**to("metrics")))


def _logs(resource: Resource, exporter: Any) -> None:
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("python-scope", "1.2.3")
    logger.emit(
        timestamp=TIME,
        observed_timestamp=TIME + MS,
        context=trace.set_span_in_context(trace.NonRecordingSpan(PARENT)),
        severity_number=SeverityNumber.WARN,
        severity_text="warning",
        body="plain text",
        attributes=VALUES,
        event_name="order.placed",
    )
    logger.emit(
        timestamp=TIME,
        observed_timestamp=TIME + MS,
        severity_number=SeverityNumber.INFO,
        body={"user": {"id": 7, "tags": ["a", "b"]}, "ok": False},
        attributes={"nested": {"deep": {"er": "yes"}}},
    )
    for n in range(NUMBERED):
        logger.emit(
            timestamp=TIME + n * MS,
            severity_number=SeverityNumber.DEBUG,
            body=f"numbered {n}",
            attributes={"n": n},
        )
    provider.shutdown()


def _spans(resource: Resource, exporter: Any) -> None:
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("python-scope", "1.2.3")
    span = tracer.start_span(
        "GET /orders/{id}",
        context=trace.set_span_in_context(trace.NonRecordingSpan(PARENT)),
        kind=SpanKind.SERVER,
        attributes=VALUES,
        links=[Link(PARENT, {"why": "retry"})],
        start_time=TIME,
    )
    span.add_event("cache.miss", {"key": "order:7"}, TIME + 10 * MS)
    span.set_status(Status(StatusCode.ERROR, "upstream said 502"))
    span.end(TIME + 250 * MS)
    provider.shutdown()


def _metrics(resource: Resource, exporter: Any) -> None:
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter("python-scope", "1.2.3")
    meter.create_counter("orders", unit="{order}", description="orders placed").add(3, {"shop.region": "eu"})
    meter.create_up_down_counter("basket").add(-2.5)
    meter.create_gauge("temperature", unit="Cel").set(21.5, {"room": "attic"})
    latency = meter.create_histogram("latency", unit="ms", explicit_bucket_boundaries_advisory=[10, 100])
    for value in (5, 50, 500, 7):
        latency.record(value, {"route": "/"})
    provider.shutdown()
