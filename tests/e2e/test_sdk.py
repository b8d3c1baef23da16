"""The official SDKs: every record, every attribute and every value is found in the tables.

The Python SDK over gRPC and over HTTP in protobuf, the Node SDK over HTTP in JSON, all with gzip.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos
from rig import sdk
from rig.pharos import Ports, delta_to, otlp_to
from rig.places import node_folder
from rig.programs import run
from rig.readers import Lake

MS = sdk.MS
RESOURCE = {"host.id": "h-7", "process.pid": "4711"}
# Strings as they are, everything else as JSON.
VALUES = {
    "a.string": 'zażółć "gęślą" \\ jaźń',
    "a.int": "9007199254740991",
    "a.double": "0.1",
    "a.bool": "true",
    "a.strings": '["x","y"]',
    "a.ints": "[1,2,3]",
}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def python_grpc(ports: Ports) -> None:
    """The Python SDK over gRPC."""
    sdk.send(ports.grpc, None)


def python_http(ports: Ports) -> None:
    """The Python SDK over HTTP in protobuf."""
    sdk.send(None, ports.http)


def node_json(ports: Ports) -> None:
    """The Node SDK over HTTP in JSON."""
    done = run(["node", "sdk.mjs", f"http://127.0.0.1:{ports.http}"], cwd=node_folder())
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr


@pytest.mark.parametrize("send", [python_grpc, python_http, node_json])
def test_every_value_is_found(start_pharos: StartPharos, tmp_path: Path, send: Callable[[Ports], None]) -> None:
    """Row by row, column by column, through all readers."""
    location, ports = str(tmp_path / "lake"), Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports)
    send(ports)
    pharos.stop()
    language = "node" if send is node_json else "python"
    lake = Lake(location, pharos.config)
    logs_are_found(lake, language)
    numbered_logs_are_found(lake)
    span_is_found(lake, language)
    metrics_are_found(lake, language)


def head(language: str) -> dict[str, Any]:
    """What every row of one SDK has in common."""
    return {"service_name": f"sdk-{language}", "scope_name": f"{language}-scope", "scope_version": "1.2.3"}


def rows_with_resource(lake: Lake, sql: str) -> list[dict[str, Any]]:
    """Rows whose resource attributes were checked and taken out (SDKs add attributes of their own)."""
    rows = lake.rows(sql)
    for row in rows:
        resource = row.pop("resource_attributes")
        assert RESOURCE.items() <= resource.items()
    return rows


def logs_are_found(lake: Lake, language: str) -> None:
    """One record with everything, one with a structured body."""
    rows = rows_with_resource(
        lake,
        "select service_name, scope_name, scope_version, resource_attributes, time, time_unix_nano, date, "
        "observed_time_unix_nano, severity_number, severity_text, event_name, body, body_type, attributes, trace_id, "
        "span_id, flags from otel_logs where severity_number > 5",
    )
    when = {
        "time": "2026-01-01T00:00:00.123000+00:00",
        "time_unix_nano": sdk.TIME,
        "date": "2026-01-01",
        "observed_time_unix_nano": sdk.TIME + MS,
    }
    full = {
        **head(language),
        **when,
        "severity_number": 13,
        "severity_text": "warning",
        "event_name": "order.placed",
        "body": "plain text",
        "body_type": "string",
        "attributes": VALUES,
        "trace_id": TRACE,
        "span_id": PARENT,
        "flags": 1,
    }
    structured = {
        **head(language),
        **when,
        "severity_number": 9,
        "severity_text": None,
        "event_name": None,
        "body": '{"user":{"id":7,"tags":["a","b"]},"ok":false}',
        "body_type": "map",
        "attributes": {"nested": '{"deep":{"er":"yes"}}'},
        "trace_id": None,
        "span_id": None,
    }
    by_severity = {row["severity_number"]: row for row in rows}
    assert by_severity[13] == full
    # The SDKs differ in what they send as flags when there is no span.
    assert by_severity[9].pop("flags") in (None, 0)
    assert by_severity[9] == structured
    assert len(rows) == 2


def numbered_logs_are_found(lake: Lake) -> None:
    """All of many records, each once, each with its own time."""
    rows = lake.rows("select body, attributes, time_unix_nano from otel_logs where severity_number = 5")
    wanted = [
        {"body": f"numbered {n}", "attributes": {"n": str(n)}, "time_unix_nano": sdk.TIME + n * MS}
        for n in range(sdk.NUMBERED)
    ]
    assert sorted(rows, key=lambda row: row["time_unix_nano"]) == wanted


def span_is_found(lake: Lake, language: str) -> None:
    """One span with attributes, an event, a link and a status."""
    (row,) = rows_with_resource(
        lake,
        "select service_name, scope_name, scope_version, resource_attributes, time_unix_nano, end_time_unix_nano, "
        "duration_nano, trace_id, length(span_id) as span_id_length, parent_span_id, span_name, span_kind, "
        "status_code, status_message, attributes, events, links from otel_traces",
    )
    assert (
        row.pop("links")[0].items()
        >= {
            "trace_id": TRACE,
            "span_id": PARENT,
            "attributes": {"why": "retry"},
        }.items()
    )
    assert row == {
        **head(language),
        "time_unix_nano": sdk.TIME,
        "end_time_unix_nano": sdk.TIME + 250 * MS,
        "duration_nano": 250 * MS,
        "trace_id": TRACE,
        "span_id_length": 16,
        "parent_span_id": PARENT,
        "span_name": "GET /orders/{id}",
        "span_kind": "server",
        "status_code": "error",
        "status_message": "upstream said 502",
        "attributes": VALUES,
        "events": [{"time_unix_nano": sdk.TIME + 10 * MS, "name": "cache.miss", "attributes": {"key": "order:7"}}],
    }


def metrics_are_found(lake: Lake, language: str) -> None:
    """A counter, an up-down counter, a gauge and a histogram."""
    rows = rows_with_resource(
        lake,
        "select service_name, scope_name, scope_version, resource_attributes, metric_name, metric_type, description, "
        "unit, attributes, aggregation_temporality, is_monotonic, value_double, value_long, count, sum, min, max, "
        "bucket_counts, explicit_bounds from otel_metrics",
    )
    nothing = dict.fromkeys(
        (
            *("description", "unit", "aggregation_temporality", "is_monotonic", "value_double", "value_long"),
            *("count", "sum", "min", "max", "bucket_counts", "explicit_bounds"),
        )
    )
    cumulative = {**nothing, **head(language), "aggregation_temporality": "cumulative"}
    # The Node SDK sends every number as a double.
    orders = {"value_double": 3.0} if language == "node" else {"value_long": 3}
    wanted: dict[str, dict[str, Any]] = {
        "orders": {
            **cumulative,
            **orders,
            "metric_type": "sum",
            "is_monotonic": True,
            "description": "orders placed",
            "unit": "{order}",
            "attributes": {"shop.region": "eu"},
        },
        "basket": {
            **cumulative,
            "metric_type": "sum",
            "is_monotonic": False,
            "value_double": -2.5,
            "attributes": {},
        },
        "temperature": {
            **nothing,
            **head(language),
            "metric_type": "gauge",
            "unit": "Cel",
            "value_double": 21.5,
            "attributes": {"room": "attic"},
        },
        "latency": {
            **cumulative,
            "metric_type": "histogram",
            "unit": "ms",
            "attributes": {"route": "/"},
            "count": 4,
            "sum": 562.0,
            "min": 5.0,
            "max": 500.0,
            "bucket_counts": [2, 1, 1],
            "explicit_bounds": [10.0, 100.0],
        },
    }
    found = {row.pop("metric_name"): row for row in rows}
    assert found == wanted
