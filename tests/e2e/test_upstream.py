"""Upstream's own programs agree with Pharos.

An upstream collector in front sends every record once into a file and once, over each protocol and
each compression, into a pipeline of Pharos; Pharos forwards each pipeline over the same protocol
and compression into another upstream collector, which writes one file a lane. Each of these files
must hold the records of the first one, every field of them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos
from rig import sdk
from rig.otlp_json import records
from rig.payloads import rich_logs, rich_metrics, rich_spans
from rig.pharos import Pharos, Ports, delta_to, otlp_to, write_config
from rig.ports import free_port
from rig.readers import Lake
from rig.sender import post
from rig.upstream import Otelcol, telemetrygen
from rig.waiting import Deadline, until

SIGNALS = ("logs", "traces", "metrics")
GRPC = ("none", "gzip", "snappy", "zstd")
HTTP = ("none", "gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4")
GENERATED = 50


@dataclass
class Lane:
    """One way through: into Pharos and out of it again."""

    protocol: str
    compression: str
    into: int = field(default_factory=free_port)
    out: int = field(default_factory=free_port)

    @property
    def name(self) -> str:
        """How the lane's components are called."""
        return f"{self.protocol}-{self.compression}"

    def receiver(self, port: int) -> dict[str, Any]:
        """An OTLP receiver of this lane's protocol."""
        return {"protocols": {self.protocol: {"endpoint": f"127.0.0.1:{port}"}}}

    def exporter(self, port: int) -> dict[str, Any]:
        """An OTLP exporter with this lane's compression."""
        scheme = "" if self.protocol == "grpc" else "http://"
        return {
            "endpoint": f"{scheme}127.0.0.1:{port}",
            "compression": self.compression,
            "tls": {"insecure": True},
        }


LANES = [Lane("grpc", c) for c in GRPC] + [Lane("http", c) for c in HTTP]


def through_config() -> dict[str, Any]:
    """Pharos: each lane a pipeline a signal."""
    pipelines = {
        f"{signal}/{lane.name}": {
            "receivers": [f"otlp/{lane.name}"],
            "processors": ["batch"],
            "exporters": [f"otlp_{lane.protocol}/{lane.name}"],
        }
        for lane in LANES
        for signal in SIGNALS
    }
    return {
        "receivers": {f"otlp/{lane.name}": lane.receiver(lane.into) for lane in LANES},
        "processors": {"batch": {"timeout": "100ms"}},
        "exporters": {f"otlp_{lane.protocol}/{lane.name}": lane.exporter(lane.out) for lane in LANES},
        "extensions": {"health_check": {}},
        "service": {"extensions": ["health_check"], "pipelines": pipelines},
    }


def front_config(folder: Path, ports: Ports) -> dict[str, Any]:
    """Upstream in front: everything it gets goes into a file and down every lane."""
    exporters: dict[str, Any] = {"file": _file(folder / "source.jsonl")}
    for lane in LANES:
        exporters[f"otlp_{lane.protocol}/{lane.name}"] = lane.exporter(lane.into)
    config = otlp_to(exporters, ports)
    pipeline = {"receivers": ["otlp"], "exporters": list(exporters)}
    service = {"pipelines": dict.fromkeys(SIGNALS, pipeline)}
    return {"receivers": config["receivers"], "exporters": exporters, "service": service}


def back_config(folder: Path) -> dict[str, Any]:
    """Upstream behind: each lane into a file of its own."""
    return {
        "receivers": {f"otlp/{lane.name}": lane.receiver(lane.out) for lane in LANES},
        "exporters": {f"file/{lane.name}": _file(folder / f"{lane.name}.jsonl") for lane in LANES},
        "service": {
            "pipelines": {
                f"{signal}/{lane.name}": {
                    "receivers": [f"otlp/{lane.name}"],
                    "exporters": [f"file/{lane.name}"],
                }
                for lane in LANES
                for signal in SIGNALS
            }
        },
    }


def _file(path: Path) -> dict[str, Any]:
    return {"path": str(path), "flush_interval": "100ms"}


@dataclass
class Run:
    """The files of one run through all lanes."""

    folder: Path
    source: Counter[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Sends everything once through all lanes, and stops all three collectors cleanly."""
    folder = tmp_path_factory.mktemp("upstream")
    front_ports, ports = Ports(), Ports()
    through = write_config(folder / "pharos.yaml", through_config())
    with ExitStack() as stack:
        # From back to front: a gRPC client that finds nobody waits before it tries again.
        back = Otelcol(folder, "back", back_config(folder))
        stack.callback(back.program.kill)
        back.wait_ready()
        pharos = Pharos(through, folder, ports, ports.service_sets())
        stack.callback(pharos.program.kill)
        pharos.wait_ready()
        front = Otelcol(folder, "front", front_config(folder, front_ports))
        stack.callback(front.program.kill)
        front.wait_ready()

        send_everything(front_ports)
        front.stop()
        source = records(folder / "source.jsonl")

        def arrived() -> bool:
            return all(records(folder / f"{lane.name}.jsonl").total() >= source.total() for lane in LANES)

        # A lane that lost something shows in its own test below, with what it lost.
        with suppress(Deadline):
            until("every record to come out of every lane", arrived, 30, every=0.2)
        pharos.stop()
        back.stop()
        yield Run(folder, source)


def send_everything(ports: Ports) -> None:
    """Generated items of every signal over both protocols, one record with every field, an SDK's."""
    for signal in SIGNALS:
        telemetrygen(signal, ports.grpc, GENERATED, http=False)
        telemetrygen(signal, ports.http, GENERATED, http=True)
    for request in (rich_logs(), rich_spans(), rich_metrics()):
        post(ports.http, request)
    sdk.send(ports.grpc, None)


def test_the_source_holds_what_was_sent(run: Run) -> None:
    """Guards the comparison: an empty source would agree with anything."""
    kinds = Counter('"signal": "' + record.split('"signal": "')[1].split('"')[0] for record in run.source.elements())
    logs, spans, points = (kinds[f'"signal": "resource{s}'] for s in ("Logs", "Spans", "Metrics"))
    assert logs == 2 * GENERATED + 3 + sdk.NUMBERED + 2
    assert spans == 2 * GENERATED * 2 + 1 + 1  # telemetrygen: a client and a server span a trace
    assert points == 2 * GENERATED + 7 + 4


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_every_record_arrives_with_every_field(run: Run, lane: Lane) -> None:
    """Through Pharos and back into upstream, nothing is lost, repeated or changed."""
    arrived = records(run.folder / f"{lane.name}.jsonl")
    lost, extra = run.source - arrived, arrived - run.source
    assert not lost, (
        f"{sum(lost.values())} lost or changed, such as {next(iter(lost))}\nextra: {next(iter(extra), None)}"
    )
    assert not extra, f"{sum(extra.values())} repeated, such as {next(iter(extra))}"


@pytest.mark.parametrize("http", [False, True], ids=["grpc", "http"])
def test_telemetrygen_into_the_lake(start_pharos: StartPharos, tmp_path: Path, http: bool) -> None:
    """Upstream's load generator straight into Pharos, found again by every reader."""
    location, ports = tmp_path / "lake", Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports)
    port = ports.http if http else ports.grpc
    for signal in SIGNALS:
        telemetrygen(signal, port, GENERATED, http)
    pharos.stop()
    lake = Lake(str(location), pharos.config)
    (logs,) = lake.rows(
        "select count(*) as n, count(distinct record_id) as ids from otel_logs where attributes['retries'] = '3' "
        "and attributes['hot'] = 'true' and resource_attributes['rack'] = 'r-17'"
    )
    assert logs == {"n": GENERATED, "ids": GENERATED}
    (spans,) = lake.rows(
        "select count(*) as n, count(distinct trace_id) as traces from otel_traces where attributes['retries'] = '3'"
    )
    assert spans == {"n": 2 * GENERATED, "traces": GENERATED}
    (points,) = lake.rows("select count(*) as n from otel_metrics where attributes['shelf'] = 'top'")
    assert points == {"n": GENERATED}
