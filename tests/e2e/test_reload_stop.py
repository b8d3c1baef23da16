"""SIGTERM in the middle of a reload, at random moments, under load: it ends by its deadline with exit code 0, and
nothing acknowledged is lost or repeated.

PHAROS_FAULT_KILLS rounds (8), PHAROS_FAULT_SEED replays the choices of a run.
"""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartSink
from rig.exactness import assert_exactly_once, assert_none_lost, repeated, stored_numbers
from rig.otlp_sink import OtlpSink
from rig.pharos import Pharos, Ports, durable, write_config
from rig.ports import free_ports
from rig.readers import Lake
from rig.steady import SteadySender, finish, start, wait_for_more
from rig.waiting import until

ROUNDS = int(os.environ.get("PHAROS_FAULT_KILLS", "8"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
# shutdown_timeout, and the most that the process may take on a machine that is busy: a reload may begin by
# waiting for what an exporter is sending.
DEADLINE = 5
LATEST = 40


class Configuration:
    """The configuration of the moment; each change concerns other components."""

    def __init__(self, ports: Ports, sink: OtlpSink, lake: Path, queue: Path) -> None:
        self.ports, self.sink, self.lake, self.queue = ports, sink, lake, queue
        self.moving = free_ports(2)
        self.level, self.timeout, self.at, self.step = 1, 10, 0, 0

    def text(self) -> dict[str, Any]:
        """What is good at the moment."""
        retry = {"initial_interval": "100ms", "max_interval": "500ms"}
        exporters = {
            "delta": {"location": str(self.lake), "commit": {"every": "100ms"}, "compression_level": self.level},
            "otlp_http": {
                "endpoint": f"http://127.0.0.1:{self.sink.port}",
                "timeout": f"{self.timeout}s",
                "retry_on_failure": retry,
            },
        }
        config = durable(exporters, self.ports, self.queue, shutdown_timeout=f"{DEADLINE}s")
        config["receivers"]["otlp/moving"] = {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.moving[self.at]}"}}}
        step = {"actions": [{"key": "step", "value": self.step, "action": "upsert"}]}
        config["processors"]["attributes"] = step
        pipeline = config["service"]["pipelines"]["logs"]
        pipeline["receivers"].append("otlp/moving")
        pipeline["processors"].insert(0, "attributes")
        return config

    def change(self, kind: int) -> None:
        """The next version: an exporter, the other one, both, the rest."""
        if kind in (0, 2):
            self.level = 3 - self.level
        if kind in (1, 2):
            self.timeout = 21 - self.timeout
        if kind == 3:
            self.at, self.step = 1 - self.at, self.step + 1


def how_it_ended(pharos: Pharos) -> str:
    """What became of the reload."""
    output = pharos.program.output()
    if "Reloading the configuration..." not in output:
        return "not begun"
    return "complete" if "Configuration reloaded." in output else "broken off"


@pytest.mark.timeout(180 + 10 * ROUNDS)
def test_stop_in_the_middle_of_a_reload(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """Each run is told to reload and then to stop; the next one has the new configuration."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    ports, sink, lake = Ports(), start_sink(), tmp_path / "lake"
    config = Configuration(ports, sink, lake, tmp_path / "queue")
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    senders = [SteadySender(f"s{n}", port, way, pause=0.005) for n, (way, port) in enumerate(ways)]
    runs = [start_pharos(config.text(), ports, name="run-0")]
    start(senders)
    ends: dict[str, int] = {}
    for round_ in range(ROUNDS):
        wait_for_more(senders, choose.randrange(5, 60))
        config.change(choose.randrange(4))
        write_config(runs[-1].config, config.text())
        runs[-1].program.process.send_signal(signal.SIGHUP)
        time.sleep(choose.uniform(0, choose.choice([0.01, 0.06, 0.2])))
        runs[-1].stop(LATEST)
        end = how_it_ended(runs[-1])
        ends[end] = ends.get(end, 0) + 1
        runs.append(start_pharos(config.text(), ports, name=f"run-{round_ + 1}"))
    assert ends.keys() - {"not begun"}, "no reload had begun"
    wait_for_more(senders, 20)
    finish(senders)
    acknowledged = {(s.tally.name, n) for s in senders for n in s.tally.acknowledged}
    until("everything to arrive", lambda: acknowledged <= sink.received.keys(), 60, every=0.1)
    runs[-1].stop(LATEST)

    reports = [report for run in runs for report in run.reports()]
    assert not [report for report in reports if report["dropped"]], "given up although it is on disk"
    assert_exactly_once(stored_numbers(Lake(str(lake), runs[-1].config)), senders)
    assert_none_lost(sink.received, senders)
    # Only what an exporter says that it has to send again.
    again = sum(report["again"] for report in reports if report["otelcol.component.id"] == "otlp_http")
    assert len(repeated(sink.received) - sink.unanswered) <= again
    print(f"reloads: {ends}; {len(acknowledged)} records; {len(repeated(sink.received))} twice at the OTLP destination")
