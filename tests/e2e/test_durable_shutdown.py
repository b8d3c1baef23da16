"""SIGTERM under load with a durable queue and a slow destination: it ends by its deadline, and what it could
not deliver is on disk, reported to the record and delivered by the next run."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartProxy, StartSink
from rig.exactness import assert_exactly_once, assert_none_lost, repeated, stored_numbers
from rig.pharos import Pharos, Ports, delta_to, durable
from rig.proxy import Behaviour
from rig.readers import Lake
from rig.seaweed import S3
from rig.steady import SteadySender, finish, start, wait_for_more
from rig.waiting import until

# shutdown_timeout; the destinations are so slow that it cannot be enough.
DEADLINE = 3
# What the process may take beyond it on a machine that is busy.
LATEST = 30


def otlp_exporter(port: int) -> dict[str, Any]:
    """One request at a time, so that a slow destination is far behind."""
    return {
        "endpoint": f"http://127.0.0.1:{port}",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }


def loaded(ports: Ports) -> list[SteadySender]:
    """Senders over both protocols, some hundred requests ahead."""
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    senders = [SteadySender(f"s{n}", port, way, pause=0.002) for n, (way, port) in enumerate(ways)]
    start(senders)
    wait_for_more(senders, 300, 90)
    return senders


def stop_and_start_again(
    start_pharos: StartPharos,
    first: Pharos,
    config: Mapping[str, Any],
    ports: Ports,
    env: Mapping[str, str] | None = None,
) -> tuple[Pharos, int, float]:
    """SIGTERM in the middle of the load; the next run finds what the report said.

    Returns the next run, what was stored, and when the first one ended.
    """
    first.stop(LATEST)
    ended = time.monotonic()
    stored = sum(report["stored"] for report in first.reports())
    assert stored > 0, "the destination was not slow enough"
    assert not [report for report in first.reports() if report["dropped"]], "given up although it is on disk"
    second = start_pharos(config, ports, env=env, name="second")
    until("the queue to be counted", lambda: second.found() == stored, 30)
    return second, stored, ended


def test_slow_otlp_destination(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """A second for each request; only requests that were cut off at the end come twice."""
    sink, ports = start_sink(delay=1.0), Ports()
    exporter = {"otlp_http": otlp_exporter(sink.port)}
    config = durable(
        exporter, ports, tmp_path / "queue", {"num_consumers": 4}, batch=False, shutdown_timeout=f"{DEADLINE}s"
    )
    first = start_pharos(config, ports, name="first")
    senders = loaded(ports)
    second, stored, ended = stop_and_start_again(start_pharos, first, config, ports)
    sink.delay = 0.0
    finish(senders)
    acknowledged = sum(len(s.tally.acknowledged) for s in senders)
    until("everything to arrive", lambda: len(sink.received) >= acknowledged, 60, every=0.1)
    second.stop()
    (report,) = second.reports()
    assert report["sent"] == stored + report["accepted"]
    assert_none_lost(sink.received, senders)
    again = sum(report["again"] for report in first.reports())
    assert len(repeated(sink.received) - sink.unconfirmed(ended)) <= again


def test_s3_slower_than_the_deadline(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str], tmp_path: Path
) -> None:
    """Each write into the bucket takes longer than the deadline; in the table everything is once."""
    behaviour = Behaviour(delayed_methods=frozenset({"PUT"}))
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), behaviour)
    location, ports = f"{bucket()}/lake", Ports()
    config = durable({"delta": delta_to(location)}, ports, tmp_path / "queue", shutdown_timeout=f"{DEADLINE}s")
    env = S3(f"http://127.0.0.1:{proxy.port}").environment()
    first = start_pharos(config, ports, env=env, name="first")
    behaviour.delay = DEADLINE + 2
    senders = loaded(ports)
    second, *_ = stop_and_start_again(start_pharos, first, config, ports, env)
    wait_for_more(senders, 10)
    behaviour.delay = 0.0
    finish(senders)
    second.stop(60)
    (report,) = second.reports()
    assert report["stored"] == 0, "a queue that was delivered has nothing left"
    assert_exactly_once(stored_numbers(Lake(location, second.config, seaweed)), senders)


@pytest.mark.parametrize("moment", ["at once", "while it drains"])
def test_second_signal(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path, moment: str) -> None:
    """It ends without waiting for anything, and what was acknowledged is delivered by the next run."""
    sink, ports = start_sink(delay=120), Ports()
    config = durable({"otlp_http": otlp_exporter(sink.port)}, ports, tmp_path / "queue", batch=False)
    first = start_pharos(config, ports, name="first")
    senders = loaded(ports)
    first.program.terminate()
    if moment == "while it drains":
        finish(senders)
    first.program.wait_for_output("Starting shutdown")
    first.program.terminate()
    assert first.program.wait(LATEST) == 1
    assert "Shutdown complete" not in first.program.output()
    sink.delay = 0.0
    second = start_pharos(config, ports, name="second")
    if moment == "at once":
        wait_for_more(senders, 10)
    finish(senders)
    acknowledged = sum(len(s.tally.acknowledged) for s in senders)
    until("everything to arrive", lambda: len(sink.received) >= acknowledged, 60, every=0.1)
    second.stop()
    assert_exactly_once(sink.received, senders)
