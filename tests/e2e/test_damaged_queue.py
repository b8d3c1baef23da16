"""Segments of a backlog are cut off, flipped and deleted: everything else is delivered, once and in order.

The files are read here by what docs/wal.md says of them, so that it is known beforehand which requests the
damage covers: a single sender made one entry of each request.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartSink
from rig.pharos import Pharos, Ports, durable, write_config
from rig.ports import free_port
from rig.segments import StoredEntry, entries, quarantined, segments
from rig.steady import SteadySender
from rig.waiting import until

# 150 requests of a megabyte: three segments.
REQUESTS, PER_REQUEST, PADDING = 150, 8, 125_000
LOST = "A part of the sending queue on disk cannot be read"


@dataclass(frozen=True)
class Damaged:
    """What was done to a backlog."""

    # sequences of the entries that cannot be read any more
    lost: set[int]
    # whether the program can know how many records they had
    countable: bool
    # a file that it has to set aside; none if it is gone
    file: Path | None


def _flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def _middle(segment: Path) -> tuple[list[StoredEntry], StoredEntry]:
    found = list(entries(segment))
    return found, found[len(found) // 2]


def payload_flipped(files: list[Path]) -> Damaged:
    """One bit of one record in the second segment."""
    _, entry = _middle(files[1])
    _flip(files[1], entry.payload_at + entry.length // 2)
    return Damaged({entry.sequence}, countable=True, file=files[1])


def header_flipped(files: list[Path]) -> Damaged:
    """One bit of the header of one entry in the second segment."""
    _, entry = _middle(files[1])
    _flip(files[1], entry.offset + 10)
    return Damaged({entry.sequence}, countable=False, file=files[1])


def truncated(files: list[Path]) -> Damaged:
    """The second segment ends in the middle of an entry."""
    found, entry = _middle(files[1])
    with files[1].open("r+b") as file:
        file.truncate(entry.payload_at + entry.length // 2)
    return Damaged({e.sequence for e in found if e.sequence >= entry.sequence}, countable=False, file=files[1])


def newest_truncated(files: list[Path]) -> Damaged:
    """The last segment ends in the middle of an entry that was answered."""
    found, entry = _middle(files[-1])
    with files[-1].open("r+b") as file:
        file.truncate(entry.payload_at + entry.length // 2)
    return Damaged({e.sequence for e in found if e.sequence >= entry.sequence}, countable=False, file=files[-1])


def segment_header_flipped(files: list[Path]) -> Damaged:
    """One bit of the header of the second segment, which says whose it is."""
    found, _ = _middle(files[1])
    _flip(files[1], 20)
    return Damaged({e.sequence for e in found}, countable=False, file=files[1])


def deleted(files: list[Path]) -> Damaged:
    """The second segment is gone."""
    found, _ = _middle(files[1])
    files[1].unlink()
    return Damaged({e.sequence for e in found}, countable=False, file=None)


def newest_deleted(files: list[Path]) -> Damaged:
    """The last segment is gone."""
    found, _ = _middle(files[-1])
    files[-1].unlink()
    return Damaged({e.sequence for e in found}, countable=False, file=None)


def configuration(port: int, ports: Ports, folder: Path) -> dict[str, Any]:
    """A collector that delivers in the order of its queue."""
    exporter = {
        "endpoint": f"http://127.0.0.1:{port}",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }
    return durable({"otlp_http": exporter}, ports, folder, queue={"num_consumers": 1}, batch=False)


@pytest.fixture(scope="module", params=["stopped", "killed"])
def backlog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue that nobody took anything from, of a collector that was stopped or killed."""
    folder, ports = tmp_path_factory.mktemp(f"backlog-{request.param}"), Ports()
    # Nobody listens there.
    config = write_config(folder / "config.yaml", configuration(free_port(), ports, folder / "queue"))
    pharos = Pharos(config, folder, ports, ports.service_sets())
    try:
        pharos.wait_ready()
        sender = SteadySender("s", ports.http, "http", PER_REQUEST, PADDING, limit=REQUESTS)
        sender.run()
        if request.param == "stopped":
            pharos.stop()
    finally:
        pharos.program.kill()
    files = segments(folder / "queue" / "queue" / "logs")
    assert len(files) == 3, files
    assert [e.sequence for file in files for e in entries(file)] == list(range(1, REQUESTS + 1))
    return folder / "queue"


@pytest.mark.parametrize(
    "damage",
    [payload_flipped, header_flipped, truncated, segment_header_flipped, deleted, newest_truncated, newest_deleted],
)
def test_damage(
    start_pharos: StartPharos,
    start_sink: StartSink,
    tmp_path: Path,
    backlog: Path,
    damage: Callable[[list[Path]], Damaged],
) -> None:
    """Costs the entries that it covers and no other, is told and counted, and the file is set aside."""
    sink, ports, folder = start_sink(), Ports(), tmp_path / "queue"
    shutil.copytree(backlog, folder)
    log = folder / "queue" / "logs"
    done = damage(segments(log))
    lost = {n for sequence in done.lost for n in range((sequence - 1) * PER_REQUEST, sequence * PER_REQUEST)}
    kept = [("s", n) for n in range(REQUESTS * PER_REQUEST) if n not in lost]

    pharos = start_pharos(configuration(sink.port, ports, folder), ports)
    # What comes after the damage is delivered as well.
    after = SteadySender("after", ports.http, "http", 1, limit=3)
    after.run()
    kept += [("after", n) for n in range(3)]
    until("everything else to arrive", lambda: len(sink.arrivals) >= len(kept), 60, every=0.1)
    until("the queue to be trimmed", lambda: len(segments(log)) == 1, 30)
    if damage is newest_truncated and "killed" in backlog.parent.name:
        # After a kill this is what a write looks like that was cut off: docs/wal.md, limits.
        assert f"segment {done.file.name if done.file else None} was cut at byte" in pharos.program.output()
        done = Damaged(set(), countable=False, file=None)
    told_and_counted(pharos, done, len(lost))
    pharos.stop()
    assert sink.arrivals == kept, "not everything once and in order"
    assert [file.name for file in quarantined(log)] == ([f"{done.file.name}.quarantined"] if done.file else [])


def told_and_counted(pharos: Pharos, done: Damaged, records: int) -> None:
    """Log lines that name what is lost and the file, and metrics."""
    lines = [line for line in pharos.program.output().splitlines() if LOST in line]
    told: set[int] = set()
    for line in lines:
        between = re.search(r"entries (\d+) to (\d+) of the queue", line)
        assert between, line
        told.update(range(int(between.group(1)), min(int(between.group(2)), REQUESTS) + 1))
    assert told == done.lost
    metrics = pharos.metrics()
    damaged = {labels: n for labels, n in metrics.get("otelcol_exporter_dropped_log_records", {}).items() if n}
    if done.countable:
        assert list(damaged.values()) == [records], damaged
        assert all('reason="damaged"' in labels for labels in damaged)
    # a missing file may have had more than its neighbours tell
    lost = sum(metrics.get("otelcol_exporter_queue_lost_entries", {}).values())
    assert lost == len(done.lost) if done.countable else lost >= len(done.lost)
    files = sum(metrics["otelcol_storage_quarantined_files"].values())
    assert files == (0 if done.file is None else 1)
    if done.file is not None:
        named = [line for line in pharos.program.output().splitlines() if f"{done.file.name}.quarantined" in line]
        assert named, "no line names the file"
