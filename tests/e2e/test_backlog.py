"""A backlog of PHAROS_FAULT_BACKLOG_MIB (1024): ready soon, drained in order and in bounded memory, and gone."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartSink
from rig.pharos import Pharos, Ports, durable
from rig.segments import segments
from rig.steady import SteadySender
from rig.waiting import until

MIB = int(os.environ.get("PHAROS_FAULT_BACKLOG_MIB", "1024"))
# A request of 2 MiB: 16 records of 128 KiB.
PER_REQUEST, PADDING = 16, 128 << 10
REQUESTS = MIB // 2
# What a drain may need on top of a collector with nothing to do. The tail has 16 MiB of telemetry at a time
# (the window), each piece at most twice while it is read and sent; the rest is for threads and buffers.
GROWTH = 64 << 20


class Watched:
    """The largest memory of a process, looked at every few milliseconds."""

    def __init__(self, pharos: Pharos) -> None:
        self.peak = 0
        self._pharos, self._enough = pharos, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._enough.wait(0.005):
            self.peak = max(self.peak, self._pharos.resident())

    def end(self) -> int:
        """Looks no more; the peak."""
        self._enough.set()
        self._thread.join()
        return self.peak


@pytest.mark.timeout(180 + MIB // 2)
def test_backlog(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """Filled while the destination is away, killed, started again, drained."""
    sink, ports, folder = start_sink(listening=False), Ports(), tmp_path / "queue"
    exporter = {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }
    # one request after the other, so that the order of arrival is the order of sending
    queue = {"num_consumers": 1, "sizer": "bytes", "queue_size": "100GiB"}
    config = durable({"otlp_http": exporter}, ports, folder, queue, batch=False)
    first = start_pharos(config, ports, name="filled")
    empty = first.resident()
    sender = SteadySender("s", ports.http, "http", PER_REQUEST, PADDING, limit=REQUESTS)
    begun = time.monotonic()
    sender.run()
    filled = time.monotonic() - begun
    first.program.kill()
    log = folder / "queue" / "logs"
    assert sum(file.stat().st_size for file in segments(log)) > MIB << 20

    second, ready_after_kill = started(start_pharos, config, ports, "killed")
    second.stop()
    third, ready_after_stop = started(start_pharos, config, ports, "stopped")
    until("the queue to be counted", lambda: third.found() == REQUESTS * PER_REQUEST, 60)
    idle, watched = third.resident(), Watched(third)
    begun = time.monotonic()
    sink.door.listen()
    expected = [("s", n) for n in range(REQUESTS * PER_REQUEST)]
    until("everything to arrive", lambda: len(sink.arrivals) >= len(expected), 120 + MIB / 4, every=0.1)
    drained = time.monotonic() - begun
    growth = watched.end() - empty
    until("the directory to shrink", lambda: len(segments(log)) <= 2, 30)
    third.stop()
    print(
        f"backlog of {MIB} MiB: filled at {MIB / filled:.0f} MiB/s; ready after a kill in {ready_after_kill:.2f} s, "
        f"after a stop in {ready_after_stop:.2f} s; drained at {MIB / drained:.0f} MiB/s; memory of an empty queue "
        f"{empty >> 20} MiB, with the backlog {(idle - empty) >> 20} MiB more, drained {growth >> 20} MiB more"
    )
    assert sink.arrivals == expected, "not everything once and in order"
    assert growth <= GROWTH, f"{growth >> 20} MiB more than with an empty queue"


def started(start_pharos: StartPharos, config: dict[str, Any], ports: Ports, name: str) -> tuple[Pharos, float]:
    """The next run, and the seconds from its start until it is ready: a figure to read, not to assert."""
    begun = time.monotonic()
    pharos = start_pharos(config, ports, name=name)
    return pharos, time.monotonic() - begun
