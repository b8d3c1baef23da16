"""OTLP requests built by hand from the official messages: one with every field set, and numbered ones."""

from collections.abc import Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
    Summary,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

T0 = 1_767_225_600_123_456_789  # 2026-01-01T00:00:00.123456789Z
TRACE, SPAN, PARENT = bytes(range(1, 17)), bytes(range(1, 9)), bytes(range(11, 19))
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"

Request = ExportLogsServiceRequest | ExportTraceServiceRequest | ExportMetricsServiceRequest


def text(value: str) -> AnyValue:
    """A string value."""
    return AnyValue(string_value=value)


def attributes() -> list[KeyValue]:
    """One attribute of each type that OTLP has, nested ones included."""
    inner = KeyValueList(values=[KeyValue(key="deep", value=AnyValue(bool_value=False))])
    values = {
        "string": text('a "b" \\ ż €'),
        "empty": text(""),
        "int": AnyValue(int_value=-(2**63)),
        "double": AnyValue(double_value=1e-300),
        "bool": AnyValue(bool_value=True),
        "bytes": AnyValue(bytes_value=b"\x00\xff\x10"),
        "array": AnyValue(array_value=ArrayValue(values=[text("x"), AnyValue(int_value=2), AnyValue()])),
        "map": AnyValue(kvlist_value=inner),
    }
    return [KeyValue(key=key, value=value) for key, value in values.items()]


def resource() -> Resource:
    """A resource with attributes of several types."""
    return Resource(
        attributes=[KeyValue(key="service.name", value=text("rich")), *attributes()],
        dropped_attributes_count=1,
    )


def scope() -> InstrumentationScope:
    """A scope with every field."""
    return InstrumentationScope(name="by.hand", version="7", attributes=attributes(), dropped_attributes_count=2)


def rich_logs() -> ExportLogsServiceRequest:
    """Log records: one with every field, one with a structured body, one with next to nothing."""
    full = LogRecord(
        time_unix_nano=T0,
        observed_time_unix_nano=T0 + 1,
        severity_number=17,
        severity_text="ERROR",
        body=text("it broke"),
        attributes=attributes(),
        dropped_attributes_count=3,
        flags=1,
        trace_id=TRACE,
        span_id=SPAN,
        event_name="order.failed",
    )
    structured = LogRecord(time_unix_nano=T0, body=AnyValue(kvlist_value=KeyValueList(values=attributes())))
    bare = LogRecord(observed_time_unix_nano=T0 + 2)
    logs = ScopeLogs(scope=scope(), log_records=[full, structured, bare], schema_url=SCHEMA)
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource(), scope_logs=[logs], schema_url=SCHEMA)]
    )


def rich_spans() -> ExportTraceServiceRequest:
    """A span with every field."""
    event = Span.Event(time_unix_nano=T0 + 5, name="retry", attributes=attributes(), dropped_attributes_count=4)
    link = Span.Link(
        trace_id=TRACE[::-1],
        span_id=SPAN[::-1],
        trace_state="l=1",
        attributes=attributes(),
        dropped_attributes_count=5,
        flags=0x301,
    )
    span = Span(
        trace_id=TRACE,
        span_id=SPAN,
        trace_state="a=1,b=2",
        parent_span_id=PARENT,
        flags=0x101,
        name="GET /",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=T0,
        end_time_unix_nano=T0 + 1_000_001,
        attributes=attributes(),
        dropped_attributes_count=6,
        events=[event],
        dropped_events_count=7,
        links=[link],
        dropped_links_count=8,
        status=Status(message="no", code=Status.STATUS_CODE_ERROR),
    )
    spans = ScopeSpans(scope=scope(), spans=[span], schema_url=SCHEMA)
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource(), scope_spans=[spans], schema_url=SCHEMA)]
    )


def _exemplars() -> list[Exemplar]:
    return [
        Exemplar(
            filtered_attributes=attributes(),
            time_unix_nano=T0 - 3,
            as_double=0.25,
            span_id=SPAN,
            trace_id=TRACE,
        ),
        Exemplar(time_unix_nano=T0 - 2, as_int=-9),
    ]


def rich_metrics() -> ExportMetricsServiceRequest:
    """One metric of each kind, with every field of its points."""
    when = {"start_time_unix_nano": T0 - 1000, "time_unix_nano": T0}
    buckets = ExponentialHistogramDataPoint.Buckets
    metrics = [
        Metric(
            name="gauge",
            description="a gauge",
            unit="1",
            gauge=Gauge(
                data_points=[
                    NumberDataPoint(attributes=attributes(), as_double=0.1, exemplars=_exemplars(), **when),
                    NumberDataPoint(as_int=-5, flags=1, **when),
                ]
            ),
        ),
        Metric(
            name="sum",
            unit="By",
            sum=Sum(
                data_points=[NumberDataPoint(as_int=2**62, **when)],
                aggregation_temporality=1,
                is_monotonic=True,
            ),
        ),
        Metric(
            name="histogram",
            histogram=Histogram(
                data_points=[
                    HistogramDataPoint(
                        attributes=attributes(),
                        count=6,
                        sum=-1.5,
                        bucket_counts=[1, 2, 3],
                        explicit_bounds=[0.5, 1.5],
                        exemplars=_exemplars(),
                        min=-3,
                        max=9,
                        **when,
                    ),
                    HistogramDataPoint(count=0, **when),
                ],
                aggregation_temporality=2,
            ),
        ),
        Metric(
            name="exponential",
            exponential_histogram=ExponentialHistogram(
                data_points=[
                    ExponentialHistogramDataPoint(
                        count=10,
                        sum=3.5,
                        scale=-2,
                        zero_count=1,
                        positive=buckets(offset=-3, bucket_counts=[4, 0, 2]),
                        negative=buckets(offset=5, bucket_counts=[3]),
                        min=-2,
                        max=4,
                        zero_threshold=0.01,
                        exemplars=_exemplars(),
                        **when,
                    )
                ],
                aggregation_temporality=2,
            ),
        ),
        Metric(
            name="summary",
            summary=Summary(
                data_points=[
                    SummaryDataPoint(
                        count=4,
                        sum=10.5,
                        quantile_values=[
                            SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=2),
                            SummaryDataPoint.ValueAtQuantile(quantile=0.99, value=5.5),
                        ],
                        **when,
                    )
                ]
            ),
        ),
    ]
    scoped = ScopeMetrics(scope=scope(), metrics=metrics, schema_url=SCHEMA)
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=resource(), scope_metrics=[scoped], schema_url=SCHEMA)]
    )


HOUR = 3_600_000_000_000


def numbered_logs(sender: str, numbers: Iterable[int], padding: int = 100, hours: int = 1) -> ExportLogsServiceRequest:
    """Log records that can be told apart: attributes `sender` and `n`; `padding` bytes make them larger.

    Their times are spread over so many hours.
    """
    filler = "." * padding
    records = [
        LogRecord(
            time_unix_nano=T0 + n + n % hours * HOUR,
            severity_number=9,
            body=text(f"{sender} number {n}, padded to the size of an ordinary line of a log: {filler}"),
            attributes=[
                KeyValue(key="sender", value=text(sender)),
                KeyValue(key="n", value=AnyValue(int_value=n)),
            ],
        )
        for n in numbers
    ]
    head = Resource(attributes=[KeyValue(key="service.name", value=text(sender))])
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=head, scope_logs=[ScopeLogs(log_records=records)])]
    )
