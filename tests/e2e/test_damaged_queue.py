"""Segments of a backlog are cut off, flipped and deleted: everything else is delivered, once and in order.

The files are read here by what docs/wal.md says of them, so that it is known beforehand which requests the
damage covers: a single sender made one entry of each request.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import StartPharos, StartSink
from rig.otlp_sink import OtlpSink
from rig.pharos import Pharos, Ports, durable
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


def run_to(sink: OtlpSink, start_pharos: StartPharos, ports: Ports, folder: Path, name: str) -> Pharos:
    """A collector that delivers in the order of its queue."""
    exporter = {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }
    config = durable({"otlp_http": exporter}, ports, folder, queue={"num_consumers": 1}, batch=False)
    return start_pharos(config, ports, name=name)


@pytest.mark.parametrize("end", ["stopped", "killed"])
@pytest.mark.parametrize(
    "damage",
    [payload_flipped, header_flipped, truncated, segment_header_flipped, deleted, newest_truncated, newest_deleted],
)
def test_damage(
    start_pharos: StartPharos,
    start_sink: StartSink,
    tmp_path: Path,
    damage: Callable[[list[Path]], Damaged],
    end: str,
) -> None:
    """Costs the entries that it covers and no other, is told and counted, and the file is set aside."""
    sink, ports, folder = start_sink(listening=False), Ports(), tmp_path / "queue"
    first = run_to(sink, start_pharos, ports, folder, "first")
    sender = SteadySender("s", ports.http, "http", PER_REQUEST, PADDING, limit=REQUESTS)
    sender.run()
    if end == "stopped":
        first.stop()
    else:
        first.program.kill()
    log = folder / "queue" / "logs"
    files = segments(log)
    assert len(files) == 3, files
    assert [e.sequence for file in files for e in entries(file)] == list(range(1, REQUESTS + 1))
    done = damage(files)
    lost = {n for sequence in done.lost for n in range((sequence - 1) * PER_REQUEST, sequence * PER_REQUEST)}
    kept = [("s", n) for n in range(REQUESTS * PER_REQUEST) if n not in lost]

    sink.door.listen()
    second = run_to(sink, start_pharos, ports, folder, "second")
    # What comes after the damage is delivered as well.
    after = SteadySender("after", ports.http, "http", 1, limit=3)
    after.run()
    kept += [("after", n) for n in range(3)]
    until("everything else to arrive", lambda: len(sink.arrivals) >= len(kept), 60, every=0.1)
    until("the queue to be trimmed", lambda: len(segments(log)) == 1, 30)
    told_and_counted(second, done, len(lost))
    second.stop()
    assert sink.arrivals == kept, "not everything once and in order"
    if done.file is not None:
        assert [file.name for file in quarantined(log)] == [f"{done.file.name}.quarantined"]


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
    files = sum(metrics["otelcol_storage_quarantined_files"].values())
    assert files == (0 if done.file is None else 1)
    if done.file is not None:
        named = [line for line in pharos.program.output().splitlines() if f"{done.file.name}.quarantined" in line]
        assert named, "no line names the file"
