"""Bad input at the doors of a running collector: refused with what and where, others untouched."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import StartPharos
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from rig.payloads import numbered_logs
from rig.pharos import Pharos, Ports, delta_to, otlp_to
from rig.readers import Lake
from rig.sender import post, post_bytes

GOOD = numbered_logs("good", range(5))
LIMIT = 64 * 1024


@pytest.fixture
def collector(start_pharos: StartPharos, tmp_path: Path) -> Iterator[Pharos]:
    """OTLP with small limits into a table; at the end only the good records are there."""
    ports = Ports()
    yield from only_good_is_stored(start_pharos, limited_config(tmp_path, ports), ports)


@pytest.fixture
def beacons(start_pharos: StartPharos, tmp_path: Path) -> Iterator[Pharos]:
    """The same, and beacons with small limits."""
    ports = Ports()
    config = limited_config(tmp_path, ports)
    config["receivers"]["beacon"] = {"endpoint": f"127.0.0.1:{ports.beacon}", "max_body_bytes": LIMIT}
    config["service"]["pipelines"]["logs"]["receivers"] = ["otlp", "beacon"]
    yield from only_good_is_stored(start_pharos, config, ports)


def limited_config(folder: Path, ports: Ports) -> dict[str, Any]:
    """OTLP with small limits in front of a table."""
    config = otlp_to({"delta": delta_to(folder / "lake")}, ports)
    protocols = config["receivers"]["otlp"]["protocols"]
    protocols["http"]["max_request_body_size"] = LIMIT
    protocols["grpc"]["max_recv_msg_size_mib"] = 1
    return config


def only_good_is_stored(start: StartPharos, config: dict[str, Any], ports: Ports) -> Iterator[Pharos]:
    """Good records before and after what the test does, and nothing but them in the table."""
    pharos = start(config, ports)
    post(ports.http, GOOD)
    yield pharos
    post(ports.http, GOOD)
    pharos.stop()
    lake = Lake(config["exporters"]["delta"]["location"], pharos.config)
    rows = lake.rows("select attributes['sender'] as sender, count(*) as n from otel_logs group by 1")
    assert rows == [{"sender": "good", "n": 10}]


def test_malformed_protobuf(collector: Pharos) -> None:
    """Half of a request: 400 with a Status in protobuf that says what is wrong; nothing of it is taken."""
    body = numbered_logs("bad", range(3)).SerializeToString()[:-7]
    code, answer = post_bytes(collector.ports.http, "/v1/logs", body)
    assert code == 400
    assert Status.FromString(answer).message


def test_malformed_json(collector: Pharos) -> None:
    """A wrong type deep inside: 400 with a Status in JSON that names the place."""
    body = (
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}, {"timeUnixNano": []}]}]}]}'
    )
    code, answer = post_bytes(collector.ports.http, "/v1/logs", body, "application/json")
    assert code == 400
    message = json.loads(answer)["message"]
    assert "timeUnixNano" in message or "line 1" in message or "byte" in message, message


def test_malformed_gzip(collector: Pharos) -> None:
    """A body that says gzip and is not."""
    code, answer = post_bytes(
        collector.ports.http, "/v1/logs", b"not gzip", "application/json", **{"Content-Encoding": "gzip"}
    )
    assert code == 400
    assert "gzip" in json.loads(answer)["message"]


def test_malformed_grpc_message(collector: Pharos) -> None:
    """A gRPC message that is no request: an error that clients do not retry."""
    with grpc.insecure_channel(f"127.0.0.1:{collector.ports.grpc}") as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        with pytest.raises(grpc.RpcError) as refused:
            export(b"\x0a\xff\xff", timeout=20)
    assert refused.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL)


def test_oversize_http(collector: Pharos) -> None:
    """More than the limit: 413."""
    code, _ = post_bytes(collector.ports.http, "/v1/logs", b"\x00" * (LIMIT + 1))
    assert code == 413


def test_oversize_after_inflating(collector: Pharos) -> None:
    """A small body that inflates beyond the limit: 413 too."""
    body = gzip.compress(b"\x00" * (20 * LIMIT))
    assert len(body) < LIMIT
    code, _ = post_bytes(collector.ports.http, "/v1/logs", body, **{"Content-Encoding": "gzip"})
    assert code == 413


def test_oversize_grpc(collector: Pharos) -> None:
    """RESOURCE_EXHAUSTED, which clients do not retry without RetryInfo."""
    request = numbered_logs("big", range(8000))
    assert request.ByteSize() > 1024 * 1024
    with (
        grpc.insecure_channel(f"127.0.0.1:{collector.ports.grpc}") as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        LogsServiceStub(channel).Export(request, timeout=20)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(("path", "content_type", "code"), [("/v1/nothing", None, 404), ("/v1/logs", "text/html", 415)])
def test_wrong_door(collector: Pharos, path: str, content_type: str | None, code: int) -> None:
    """An unknown path, an unknown content type."""
    answer, _ = post_bytes(collector.ports.http, path, b"x", content_type or "application/json")
    assert answer == code


def test_malformed_beacon(beacons: Pharos) -> None:
    """A beacon that is no JSON: 400, nothing stored."""
    code, _ = post_bytes(beacons.ports.beacon, "/", b'{"event.action": ', "text/plain;charset=UTF-8")
    assert code == 400


def test_oversize_beacon(beacons: Pharos) -> None:
    """A beacon over the limit: 413."""
    body = json.dumps({"event.action": "x" * (2 * LIMIT)}).encode()
    code, _ = post_bytes(beacons.ports.beacon, "/", body, "text/plain;charset=UTF-8")
    assert code == 413
