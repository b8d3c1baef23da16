"""kill -9 under load, durable queue into Delta: acknowledged is stored exactly once, the rest at most once.

PHAROS_FAULT_KILLS kills at random points for each store (25), PHAROS_FAULT_SEED replays the choices of
a run. The named windows are found from outside: by watching folders, in the proxy in front of S3, and
by letting strace kill the process inside a system call.
"""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import StartPharos
from rig.folder_watch import Change, FolderWatch
from rig.kills import Store, Table, Victim, hit, hit_between_data_and_commit, not_armed
from rig.pharos import Ports
from rig.proxy import Fault
from rig.steady import SteadySender, wait_for_more
from rig.tracing import Strace

KILLS = int(os.environ.get("PHAROS_FAULT_KILLS", "25"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
# In each named window: once, and once more for every 25 random ones.
ROUNDS = max(1, KILLS // 25)

COMMIT = r"/_delta_log/\d{20}\.json$"
DATA = r"/date[^/]*/[^/]*\.parquet$"


def small_senders(ports: Ports) -> list[SteadySender]:
    """Two over gRPC, two over HTTP, 20 records a request."""
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    return [SteadySender(f"s{n}", port, way, pause=0.002) for n, (way, port) in enumerate(ways)]


@pytest.mark.timeout(180 + 20 * KILLS)
def test_random_points(start_pharos: StartPharos, store: Store, tmp_path: Path) -> None:
    """After a random number of acknowledged requests and a moment more; with and without commits before."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    ports = Ports()
    victim = Victim(start_pharos, store, tmp_path / "queue", small_senders(ports), ports)
    while sum(kill.counts for kill in victim.kills) < KILLS:
        assert len(victim.kills) < 2 * KILLS + 10, f"too many kills met nothing: {victim.report()}"
        if choose.random() < 0.6:
            victim.wait_for_delivery()
        wait_for_more(victim.senders, choose.randrange(1, 100))
        time.sleep(choose.uniform(0, 0.03))
        victim.note()
        victim.kill()
        victim.bury()
        victim.resume()
    victim.end()
    print(victim.report())


Window = Callable[[Victim], None]


def _under_large_requests(victim: Victim, wanted: Callable[[Change], bool]) -> None:
    """Fills segments until the change is seen, and kills the collector there."""
    large = [SteadySender(f"large{n}", victim.ports.http, "http", 4, padding=1_000_000) for n in range(2)]
    victim.senders = [*victim.senders, *large]
    with FolderWatch(victim.log) as watch:
        for sender in large:
            sender.start()
        next(change for change in watch.changes(60) if change.name.endswith(".wal") and wanted(change))
        victim.kill()
    victim.bury()
    for sender in large:
        sender.enough.set()


def segment_rolled(victim: Victim) -> None:
    """A segment is full and the next one has its name."""
    _under_large_requests(victim, lambda change: change.appeared)
    assert len(list(victim.log.glob("*.wal"))) > 1


def log_trimmed(victim: Victim) -> None:
    """A segment that everybody has read is gone."""
    _under_large_requests(victim, lambda change: not change.appeared)


def data_file_written(victim: Victim) -> None:
    """A data file is complete, and no commit names it."""

    def at_disk() -> None:
        with FolderWatch(*Path(victim.store.location, "otel_logs").glob("date=*")) as watch:
            next(c for c in watch.changes(60) if c.appeared and c.name.endswith(".parquet"))
            victim.kill()

    hit_between_data_and_commit(victim, at_disk, lambda: Fault("PUT", DATA, "after", not_armed, times=1))


def commit_sent(victim: Victim) -> None:
    """The commit is on its way, and has not landed."""

    def at_disk() -> None:
        log = victim.run.program.log.with_name("strace.log")
        with Strace(victim.run.program, log, "-e", "trace=linkat", "-e", "inject=linkat:signal=SIGKILL"):
            victim.bury()

    hit(victim, at_disk, Fault("PUT", COMMIT, "before", not_armed, times=1))
    assert Table.of(victim.store).unreferenced, "every data file is committed"


def commit_landed(victim: Victim) -> None:
    """The commit is in the table, and nobody has heard of it."""

    def at_disk() -> None:
        with FolderWatch(Path(victim.store.location, "otel_logs/_delta_log")) as watch:
            next(c for c in watch.changes(60) if c.appeared and c.name.endswith(".json"))
            victim.kill()

    hit(victim, at_disk, Fault("PUT", COMMIT, "after", not_armed, times=1))
    assert Table.of(victim.store).covered >= victim.cursor(), "the queue knows of every commit"


@pytest.mark.timeout(180 + 60 * ROUNDS)
@pytest.mark.parametrize("window", [segment_rolled, data_file_written, commit_sent, commit_landed, log_trimmed])
def test_named_window(start_pharos: StartPharos, store: Store, tmp_path: Path, window: Window) -> None:
    """A kill inside the window, with data at stake; then all of it is there once."""
    ports = Ports()
    victim = Victim(start_pharos, store, tmp_path / "queue", small_senders(ports), ports)
    for _ in range(ROUNDS):
        # An earlier run's segment is what can be trimmed, and a table is what can be watched.
        wait_for_more(victim.senders, 20)
        while not Table.of(victim.store).covered:
            wait_for_more(victim.senders, 5)
        victim.note()
        window(victim)
        kill = victim.resume()
        assert kill.counts, "nothing was at stake"
    victim.end()
    print(victim.report())
