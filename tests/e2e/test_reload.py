"""A hundred reloads under load, half of them with files that cannot be used.

Senders on ports that no reload touches keep their connections and number their records. The good
files move another receiver, change an exporter's endpoint or a processor, and take away and bring
back an exporter that has a backlog in its queue on disk.
"""

import itertools
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import StartPharos
from rig.exactness import assert_exactly_once
from rig.otlp_sink import OtlpSink
from rig.payloads import numbered_logs
from rig.pharos import Pharos, Ports, write_config
from rig.ports import free_ports
from rig.sender import Sender, post

RELOADS = 100
ON_DISK = "otlp_http/on_disk"
_REPORT = re.compile(r"Exporter stopped\s+(\{.*\})")


@pytest.fixture
def sinks() -> Iterator[list[OtlpSink]]:
    """Two destinations between which an exporter goes to and fro, and one of another."""
    three = [OtlpSink(delay=0) for _ in range(3)]
    yield three
    for sink in three:
        sink.close()


class Knocking(threading.Thread):
    """Connects to ports all the time and counts refusals."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(daemon=True)
        self.ports, self.refused, self.taken = ports, 0, 0
        self.enough = threading.Event()

    def run(self) -> None:
        """One connection after the other."""
        for port in itertools.cycle(self.ports):
            if self.enough.wait(0.002):
                return
            try:
                socket.create_connection(("127.0.0.1", port), timeout=10).close()
                self.taken += 1
            except OSError:
                self.refused += 1


class Configuration:
    """The configuration of the moment, and its next good and broken versions."""

    def __init__(self, ports: Ports, sinks: list[OtlpSink], storage: Path) -> None:
        self.sinks = sinks
        self.moving = free_ports(2)
        self.nobody, self.held = free_ports(2)
        self.at, self.endpoint, self.step = 0, 0, 0
        self.on_disk: int | None = sinks[2].port
        self.storage, self.ports = storage, ports

    def text(self) -> dict[str, Any]:
        """What is good at the moment."""
        main = {"endpoint": f"http://127.0.0.1:{self.sinks[self.endpoint].port}", "compression": "none"}
        exporters: dict[str, Any] = {"otlp_http/main": main}
        if self.on_disk is not None:
            exporters[ON_DISK] = {
                "endpoint": f"http://127.0.0.1:{self.on_disk}",
                "compression": "none",
                "sending_queue": {"storage": "file_storage"},
                "retry_on_failure": {"initial_interval": "50ms", "max_interval": "200ms"},
            }
        step = {"actions": [{"key": "step", "value": self.step, "action": "upsert"}]}
        return {
            "receivers": {
                "otlp": {
                    "protocols": {
                        "grpc": {"endpoint": f"127.0.0.1:{self.ports.grpc}"},
                        "http": {"endpoint": f"127.0.0.1:{self.ports.http}"},
                    }
                },
                "otlp/moving": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.moving[self.at]}"}}},
            },
            "processors": {"attributes": step, "batch": {"timeout": "20ms"}},
            "exporters": exporters,
            "extensions": {
                "health_check": {},
                "file_storage": {"directory": str(self.storage), "create_directory": True},
            },
            "service": {
                "extensions": ["health_check", "file_storage"],
                "telemetry": {"logs": {"sampling": {"enabled": False}}},
                "pipelines": {
                    "logs": {
                        "receivers": ["otlp", "otlp/moving"],
                        "processors": ["attributes", "batch"],
                        "exporters": list(exporters),
                    }
                },
            },
        }

    def change(self, kind: int) -> None:
        """The next good version."""
        match kind % 6:
            case 0:
                self.endpoint = 1 - self.endpoint
            case 1:
                self.step += 1
            case 2:
                self.at = 1 - self.at
            case 3:
                self.on_disk = self.nobody
            case 4:
                self.on_disk = None
            case _:
                self.on_disk = self.sinks[2].port

    def broken(self, kind: int) -> str:
        """A version that cannot be used, most of which differs from what runs."""
        other = deepcopy(self)
        other.change(0)
        other.change(1)
        other.on_disk = self.nobody
        text = other.text()
        match kind % 5:
            case 0:
                return "receivers: [otlp\n"
            case 1:
                text["exporters"]["otlp_http/main"]["endpont"] = "x"
            case 2:
                text["receivers"]["otlp/held"] = {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.held}"}}}
                text["service"]["pipelines"]["logs"]["receivers"].append("otlp/held")
            case 3:
                text["service"]["pipelines"]["logs"]["exporters"].append("nothing")
            case _:
                # found out when the exporter is started, after its predecessor has stopped
                text["exporters"][ON_DISK]["auth"] = {"authenticator": "bearertokenauth"}
        return yaml.safe_dump(text, sort_keys=False)

    def __deepcopy__(self, _: object) -> "Configuration":
        copy = object.__new__(Configuration)
        copy.__dict__.update(self.__dict__)
        return copy


def reports(pharos: Pharos, exporter: str) -> list[dict[str, int]]:
    """What an exporter said of itself each time it was stopped."""
    found = (_REPORT.search(line) for line in pharos.program.output().splitlines())
    all_of_them = [yaml.safe_load(match.group(1)) for match in found if match]
    return [report for report in all_of_them if report["otelcol.component.id"] == exporter]


def test_a_hundred_reloads_under_load(start_pharos: StartPharos, sinks: list[OtlpSink], tmp_path: Path) -> None:
    """No connection refused on unchanged ports, nothing lost, nothing repeated."""
    ports = Ports()
    config = Configuration(ports, sinks, tmp_path / "storage")
    holder = socket.create_server(("127.0.0.1", config.held))
    pharos = start_pharos(config.text(), ports)
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    senders = [Sender(f"s{n}", port, way, per_request=5, pause=0.01) for n, (way, port) in enumerate(ways)]
    knocking = Knocking([ports.grpc, ports.http])
    for thread in (*senders, knocking):
        thread.start()
    moved: Counter[tuple[str, int]] = Counter()
    for number in range(RELOADS):
        if number % 2:
            pharos.config.write_text(config.broken(number // 2))
            pharos.reload("failure")
        else:
            config.change(number // 2)
            write_config(pharos.config, config.text())
            pharos.reload()
        post(config.moving[config.at], numbered_logs("moved", [number]))
        moved["moved", number] += 1
        time.sleep(0.02)
    # the exporter with its queue on disk is there at the end, and drains
    config.on_disk = sinks[2].port
    write_config(pharos.config, config.text())
    pharos.reload()
    for sender in senders:
        sender.enough.set()
    for sender in senders:
        sender.join(60)
    knocking.enough.set()
    knocking.join(60)
    holder.close()
    pharos.stop()

    assert (knocking.refused, knocking.taken > 0) == (0, True)
    for sender in senders:
        assert not sender.tally.uncertain, f"{sender.name} was refused or lost its connection: {sender.tally.trouble}"
        assert len(sender.tally.acknowledged) > RELOADS
    received = sinks[0].received + sinks[1].received
    assert Counter({key: received.pop(key, 0) for key in moved}) == moved
    assert_exactly_once(received, senders)
    assert min(sinks[0].received.total(), sinks[1].received.total()) > 0

    # The exporter on disk has what was accepted for it, once, whatever became of it in between.
    told = reports(pharos, ON_DISK)
    assert any(report["stored"] > 0 for report in told), "it never had a backlog"
    assert told[-1]["stored"] == 0
    assert sum(report["dropped"] for report in told) == 0
    twice = [key for key, times in sinks[2].received.items() if times > 1]
    assert not twice, f"{len(twice)} sent twice, first {twice[:5]}"
    # what was on its way when the exporter was removed waits with the rest
    between = sum(later["found"] - before["stored"] for before, later in itertools.pairwise(told))
    assert sum(report["accepted"] for report in told) + between == sinks[2].received.total()
    assert between < sinks[2].received.total() / 10
