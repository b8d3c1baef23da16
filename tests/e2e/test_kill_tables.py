"""kill -9 under load with several tables, and several days in each commit: every table has what was acknowledged
for it, once.

Logs go to two tables from one queue, spans and points to one each. PHAROS_FAULT_KILLS kills at random points for each
store (3), PHAROS_FAULT_SEED replays the choices of a run.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import StartPharos
from rig.folder_watch import FolderWatch
from rig.kills import Store, Table, Victim, hit, hit_between_data_and_commit, not_armed
from rig.numbered import TABLES
from rig.pharos import Ports
from rig.proxy import Answer, Fault
from rig.steady import SteadySender, wait_for_more
from rig.tracing import Strace
from rig.waiting import until

KILLS = int(os.environ.get("PHAROS_FAULT_KILLS", "3"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
# In each named window: once, and once more for every 25 random ones.
ROUNDS = max(1, KILLS // 25)
DAYS = 3

COMMIT = r"/_delta_log/\d{20}\.json$"


def senders_of(ports: Ports, signals: list[str]) -> list[SteadySender]:
    """One over gRPC and one over HTTP for each signal, 20 records on three days a request."""
    ways = [("grpc", ports.grpc), ("http", ports.http)]
    return [
        SteadySender(f"{signal}-{way}", port, way, pause=0.005, signal=signal, days=DAYS)
        for signal in signals
        for way, port in ways
    ]


def victim_of(start_pharos: StartPharos, store: Store, queue: Path, tables: list[str]) -> Victim:
    """A collector that writes these tables, under load."""
    ports = Ports()
    named = {"tables": {"ecs_events": "ecs_events"}} if "ecs_events" in tables else {}
    senders = senders_of(ports, sorted({TABLES[table] for table in tables}))
    return Victim(start_pharos, store, queue, senders, ports, delta=named, tables=tables)


def assert_wide(victim: Victim) -> None:
    """The commits were what this is about: files on several days in one."""
    for table in victim.tables:
        assert Table.of(victim.store, table).widest == DAYS, table


@pytest.mark.timeout(180 + 20 * KILLS)
def test_random_points(start_pharos: StartPharos, store: Store, tmp_path: Path) -> None:
    """After a random number of acknowledged requests and a moment more; with and without commits before."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    victim = victim_of(start_pharos, store, tmp_path / "queue", list(TABLES))
    while sum(kill.counts for kill in victim.kills) < KILLS:
        assert len(victim.kills) < 2 * KILLS + 10, f"too many kills met nothing: {victim.report()}"
        if choose.random() < 0.6:
            victim.wait_for_delivery()
        wait_for_more(victim.senders, choose.randrange(1, 100))
        time.sleep(choose.uniform(0, 0.3))
        victim.note()
        victim.kill()
        victim.bury()
        victim.resume()
    victim.end()
    assert_wide(victim)
    print(victim.report())


Window = Callable[[Victim], None]


def data_file_written(victim: Victim) -> None:
    """The first of several data files is complete, and no commit names it."""

    def at_disk() -> None:
        days = [day for table in victim.tables for day in Path(victim.store.location, table).glob("date=*")]
        with FolderWatch(*days) as watch:
            next(c for c in watch.changes(60) if c.appeared and c.name.endswith(".parquet"))
            victim.kill()

    data = r"/date[^/]*/[^/]*\.parquet$"
    hit_between_data_and_commit(victim, at_disk, lambda: Fault("PUT", data, "after", not_armed, times=1))


def commit_sent(victim: Victim) -> None:
    """The commit of one table is on its way, and has not landed."""

    def at_disk() -> None:
        log = victim.run.program.log.with_name("strace.log")
        with Strace(victim.run.program, log, "-e", "trace=linkat", "-e", "inject=linkat:signal=SIGKILL"):
            victim.bury()

    hit(victim, at_disk, Fault("PUT", COMMIT, "before", not_armed, times=1))
    assert any(Table.of(victim.store, table).unreferenced for table in victim.tables), "every data file is committed"


def landed_in_the_first(victim: Victim) -> None:
    """The flush is in `otel_logs`, and its commit to `ecs_events` has not landed."""
    _landed_in_one(victim, "otel_logs", "ecs_events")


def landed_in_the_second(victim: Victim) -> None:
    """The flush is in `ecs_events`, and its commit to `otel_logs` has not landed."""
    _landed_in_one(victim, "ecs_events", "otel_logs")


def _landed_in_one(victim: Victim, first: str, second: str) -> None:
    def ahead() -> bool:
        return Table.of(victim.store, first).covered > Table.of(victim.store, second).covered

    def held() -> bool:
        """The commit of the second table is not just about to land."""
        for _ in range(3):
            if not ahead():
                return False
            time.sleep(0.2)
        return True

    def at_disk() -> None:
        # Whichever commit of the second table comes next takes its time.
        last = Table.of(victim.store, second).versions[-1]
        names = [f"{victim.store.location}/{second}/_delta_log/{last + n:020}.json" for n in range(1, 200)]
        paths = [option for name in names for option in ("-P", name)]
        log = victim.run.program.log.with_name("strace.log")
        slow = ("-e", "trace=linkat", "-e", "inject=linkat:delay_enter=6000000")
        with Strace(victim.run.program, log, *paths, *slow):
            until("the commit of the second table to be held", held, 60)
            victim.kill()
            victim.bury()

    landed = threading.Event()

    def held_back() -> Answer | None:
        assert landed.wait(60), f"no commit of {first} landed"
        return None

    if victim.store.proxy is not None:
        faults = victim.store.proxy.behaviour.faults
        faults.append(Fault("PUT", f"/{second}{COMMIT}", "before", held_back))
        faults.append(Fault("PUT", f"/{first}{COMMIT}", "after", landed.set))
    hit(victim, at_disk, Fault("PUT", f"/{second}{COMMIT}", "before", not_armed, times=1))
    if victim.store.proxy is not None:
        victim.store.proxy.behaviour.faults.clear()
    assert ahead(), "the second table has the flush too"


@pytest.mark.timeout(180 + 60 * ROUNDS)
@pytest.mark.parametrize("window", [data_file_written, commit_sent, landed_in_the_first, landed_in_the_second])
def test_named_window(start_pharos: StartPharos, store: Store, tmp_path: Path, window: Window) -> None:
    """A kill inside the window, with data at stake; then each table has all of it once."""
    tables = ["otel_logs", "ecs_events"] if "landed" in window.__name__ else list(TABLES)
    victim = victim_of(start_pharos, store, tmp_path / "queue", tables)
    for _ in range(ROUNDS):
        wait_for_more(victim.senders, 20)
        victim.wait_for_delivery()
        victim.note()
        window(victim)
        kill = victim.resume()
        assert kill.counts, "nothing was at stake"
    victim.end()
    assert_wide(victim)
    print(victim.report())
