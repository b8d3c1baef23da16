"""The file system of the queue is full: senders are asked to come back, and nothing is broken or lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import StartPharos, StartSink
from rig.exactness import assert_exactly_once
from rig.otlp_sink import OtlpSink
from rig.pharos import Pharos, Ports, durable
from rig.segments import quarantined, segments
from rig.small_disk import SmallDisk
from rig.steady import SteadySender, finish, start, wait_for_more
from rig.waiting import until

MIB = 144
# Requests of a megabyte: two segments and a part of a third fit.
PER_REQUEST, PADDING = 4, 250_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 144 MiB."""
    made = SmallDisk(tmp_path / "disk", MIB)
    yield made
    made.close()


def run_to(sink: OtlpSink, start_pharos: StartPharos, ports: Ports, disk: SmallDisk, name: str) -> Pharos:
    """A collector with its queue on the disk."""
    exporter = {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }
    return start_pharos(durable({"otlp_http": exporter}, ports, disk.folder, batch=False), ports, name=name)


def fill(ports: Ports) -> list[SteadySender]:
    """Sends over both protocols until both are refused."""
    senders = [
        SteadySender("http", ports.http, "http", PER_REQUEST, PADDING),
        SteadySender("grpc", ports.grpc, "grpc", PER_REQUEST, PADDING),
    ]
    start(senders)
    until("both senders to be refused", lambda: all(s.refusals for s in senders), 90)
    return senders


def assert_asked_to_come_back(senders: list[SteadySender]) -> None:
    """503 with Retry-After, UNAVAILABLE with RetryInfo, and the reason."""
    for sender, code in zip(senders, ("503", "UNAVAILABLE"), strict=True):
        assert not sender.unknown, f"{sender.name}: {sender.unknown} requests without a usable answer"
        for refusal in sender.refusals:
            assert refusal.code == code
            assert refusal.after, refusal
            assert "queue" in refusal.why, refusal
            assert "space" in refusal.why or "full" in refusal.why, refusal


def deliver_all(sink: OtlpSink, pharos: Pharos, senders: list[SteadySender], disk: SmallDisk) -> None:
    """Everything that was acknowledged arrives once; the disk is free again."""
    finish(senders)
    acknowledged = sum(len(s.tally.acknowledged) for s in senders)
    until("everything to arrive", lambda: len(sink.received) >= acknowledged, 90, every=0.1)
    pharos.stop()
    assert_exactly_once(sink.received, senders)
    log = disk.folder / "queue" / "logs"
    assert not quarantined(log)
    assert len(segments(log)) <= 2


def test_space_comes_back_as_the_queue_drains(
    start_pharos: StartPharos, start_sink: StartSink, disk: SmallDisk
) -> None:
    """The destination is away until the disk is full. When it is back, senders are served again."""
    sink, ports = start_sink(listening=False), Ports()
    pharos = run_to(sink, start_pharos, ports, disk, "run")
    senders = fill(ports)
    assert_asked_to_come_back(senders)
    before = [sender.acknowledged for sender in senders]
    sink.door.listen()
    until(
        "both senders to be served again",
        lambda: all(s.acknowledged > n + 3 for s, n in zip(senders, before, strict=True)),
        90,
    )
    deliver_all(sink, pharos, senders, disk)


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_restart_on_a_full_disk(start_pharos: StartPharos, start_sink: StartSink, disk: SmallDisk, end: str) -> None:
    """A collector starts on a full disk, refuses, and goes on when the disk is made larger."""
    sink, ports = start_sink(listening=False), Ports()
    first = run_to(sink, start_pharos, ports, disk, "first")
    senders = fill(ports)
    if end == "stopped":
        first.stop()
    else:
        first.program.kill()
    for sender in senders:
        sender.refusals.clear()
    second = run_to(sink, start_pharos, ports, disk, "second")
    until("both senders to be refused again", lambda: all(s.refusals for s in senders), 90)
    disk.grow(2 * MIB)
    wait_for_more(senders, 10)
    sink.door.listen()
    deliver_all(sink, second, senders, disk)
