"""kill -9 under load in front of an OTLP destination: nothing acknowledged is lost, and what comes twice is what a run
had sent and not yet written down as delivered when it was killed.

OTLP has no way to tell that a request is a repetition. The position of an exporter is stored with every 32nd group of
entries, or when senders pause (docs/wal.md). PHAROS_FAULT_KILLS kills for each way of sending (6), PHAROS_FAULT_SEED
replays the choices of a run.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import StartPharos, StartSink
from rig.exactness import assert_none_lost
from rig.pharos import Ports, durable
from rig.segments import held
from rig.steady import SteadySender, finish, start, wait_for_more
from rig.waiting import until

KILLS = int(os.environ.get("PHAROS_FAULT_KILLS", "6"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
# Entries of that many syncs can be delivered before a position is stored, docs/wal.md.
GROUPS = 32

Numbers = set[tuple[str, int]]


@pytest.mark.timeout(180 + 10 * KILLS)
@pytest.mark.parametrize(("consumers", "batch"), [(1, False), (8, True)], ids=["one by one", "batches at once"])
def test_random_points(
    start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path, consumers: int, batch: bool
) -> None:
    """After a random number of acknowledged requests and a moment more."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    sink, ports, queue = start_sink(), Ports(), tmp_path / "queue"
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    senders = [SteadySender(f"s{n}", port, way, pause=0.002) for n, (way, port) in enumerate(ways)]

    def config(run: int) -> dict[str, object]:
        exporter = {"endpoint": f"http://127.0.0.1:{sink.port}", "headers": {"run": str(run)}}
        return durable({"otlp_http": exporter}, ports, queue, {"num_consumers": consumers}, batch=batch)

    pharos = start_pharos(config(0), ports, name="run-0")
    start(senders)
    # by run: what its kill left in the queue, by entry
    left: list[dict[int, Numbers]] = []
    met = 0
    while met < KILLS:
        assert len(left) < 2 * KILLS + 10, "too many kills met nothing"
        wait_for_more(senders, choose.randrange(1, 150))
        time.sleep(choose.uniform(0, 0.05))
        unknown = sum(sender.unknown for sender in senders)
        pharos.program.process.kill()
        assert pharos.program.wait() == -9
        left.append(held(queue / "queue" / "logs", "otlp_http"))
        run = len(left)
        pharos = start_pharos(config(run), ports, name=f"run-{run}")
        wait_for_more(senders, 1)
        met += bool(left[-1]) or sum(sender.unknown for sender in senders) > unknown
    finish(senders)
    acknowledged = {(s.tally.name, n) for s in senders for n in s.tally.acknowledged}
    until("everything to arrive", lambda: acknowledged <= sink.received.keys(), 60, every=0.1)
    pharos.stop()

    assert_none_lost(sink.received, senders)
    by_run = [sink.by_run[str(run)] for run in range(len(left) + 1)]
    assert sum(by_run, Counter()) == sink.received
    assert all(copies == 1 for of_one in by_run for copies in of_one.values()), "a run sent something twice"
    repeated = assert_explained(by_run, left)
    for run, again in enumerate(repeated):
        if consumers == 1 and not batch:
            # What an earlier kill left is delivered as fast as it can be, beside what senders add.
            backlog = len(left[run - 1]) if run else 0
            requests = sum(1 for entry in left[run].values() if entry & again)
            assert requests <= consumers + GROUPS * len(senders) + backlog
    print(
        f"{len(left)} kills ({met} with something at stake), {len(sink.received)} records, sent again after each: "
        f"{[len(again) for again in repeated]}"
    )


def assert_explained(by_run: list[Counter[tuple[str, int]]], left: list[dict[int, Numbers]]) -> list[Numbers]:
    """Whatever a run sent that an earlier one had sent, every kill in between had left in the queue.

    Returns what was sent again because of each kill.
    """
    because: list[Numbers] = []
    sent: Numbers = set()
    for run, found in enumerate(by_run):
        again = sent & found.keys()
        if run:
            kept = {number for entry in left[run - 1].values() for number in entry}
            lacking = again - kept
            assert not lacking, f"run {run} sent again what was stored as delivered: {sorted(lacking)[:5]}"
            because.append(again)
        sent |= found.keys()
    return because
