"""Reloads that replace, remove and bring back a delta exporter under load, with a queue on disk: each table has
what was accepted for it, once.

PHAROS_FAULT_KILLS reloads of each kind (6), PHAROS_FAULT_SEED replays the choices of a run.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartProxy, StartSink
from rig.exactness import assert_exactly_once, assert_none_lost, repeated, stored_numbers
from rig.kills import Store, Victim
from rig.pharos import Ports, write_config
from rig.proxy import Answer, Behaviour, Fault, Reset
from rig.readers import Lake
from rig.seaweed import S3
from rig.steady import SteadySender, finish, wait_for_more
from rig.waiting import until

RELOADS = int(os.environ.get("PHAROS_FAULT_KILLS", "6"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))

pytestmark = pytest.mark.timeout(180 + 10 * RELOADS)


def senders_of(ports: Ports) -> list[SteadySender]:
    """Two over gRPC, two over HTTP."""
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    return [SteadySender(f"s{n}", port, way, pause=0.005) for n, (way, port) in enumerate(ways)]


def test_settings_change(start_pharos: StartPharos, store: Store, start_proxy: StartProxy, tmp_path: Path) -> None:
    """Another level of compression, other times between commits, columns more, another endpoint of the same bucket."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    ports = Ports()
    # none of the values is that of the beginning (level 1, 100ms): that would change nothing
    changes: list[Callable[[], dict[str, Any]]] = [
        lambda: {"compression_level": choose.randrange(2, 9)},
        lambda: {"commit": {"every": f"{choose.randrange(101, 300)}ms"}},
        lambda: {"columns": [{"attribute": "n", "name": f"n_{choose.randrange(1000)}", "type": "long"}]},
    ]
    if store.s3 is not None:
        port = int(store.s3.endpoint.rpartition(":")[2])
        doors = [start_proxy(port, Behaviour()) for _ in range(2)]
        changes.append(lambda: {"endpoint": f"http://127.0.0.1:{choose.choice(doors).port}"})
    victim = Victim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    done = 0
    while done < RELOADS:
        wait_for_more(victim.senders, choose.randrange(1, 60))
        change = choose.choice(changes)()
        if all(victim.delta.get(key) == value for key, value in change.items()):
            continue
        victim.reload(**change)
        done += 1
    wait_for_more(victim.senders, 20)
    victim.end()
    replaced = [report for report in victim.run.reports() if report["otelcol.component.id"] == "delta"]
    assert len(replaced) == RELOADS + 1
    assert replaced[-1]["stored"] == 0


def behind_a_proxy(start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str]) -> Store:
    """A bucket that can go away."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    return Store(f"{bucket()}/lake", seaweed, proxy)


def test_commit_that_landed_unheard_before_the_reload(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str], tmp_path: Path
) -> None:
    """A commit lands, S3 goes away before its answer, and settings change before it is back."""
    store, ports = behind_a_proxy(start_proxy, seaweed, bucket), Ports()
    proxy = store.proxy
    assert proxy is not None
    victim = Victim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    victim.wait_for_delivery()

    def gone() -> Answer | None:
        proxy.door.hang_up()
        raise Reset

    proxy.behaviour.faults = [Fault("PUT", r"/_delta_log/\d{20}\.json$", "after", gone, times=1)]
    until("S3 to go away", lambda: not proxy.door.listening, 60)
    wait_for_more(victim.senders, 20)
    victim.reload(compression_level=2)
    wait_for_more(victim.senders, 20)
    proxy.door.listen()
    wait_for_more(victim.senders, 20)
    victim.end()


def test_commit_that_landed_in_one_table_before_the_reload(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str], tmp_path: Path
) -> None:
    """S3 refuses the commits of one of two tables, and settings change before it takes them."""
    store, ports = behind_a_proxy(start_proxy, seaweed, bucket), Ports()
    proxy = store.proxy
    assert proxy is not None
    tables = ["otel_logs", "ecs_events"]
    delta = {"tables": {"ecs_events": "ecs_events"}}
    victim = Victim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports, delta=delta, tables=tables)
    victim.wait_for_delivery()
    refusing = Fault("PUT", r"/ecs_events/_delta_log/\d{20}\.json$", "before", lambda: (503, b"<Error/>"))
    proxy.behaviour.faults = [refusing]
    until("commits to be refused", lambda: refusing.happened > 1, 60)
    victim.reload(compression_level=2)
    wait_for_more(victim.senders, 20)
    proxy.behaviour.faults = []
    wait_for_more(victim.senders, 20)
    victim.end()


Numbers = dict[str, set[int]]


class Absence:
    """What senders did while an exporter was removed."""

    def __init__(self, senders: Sequence[SteadySender]) -> None:
        self.senders = senders
        # numbers of each sender that may or may not be the exporter's, and those that are not
        self.either: Numbers = {sender.name: set() for sender in senders}
        self.none: Numbers = {sender.name: set() for sender in senders}

    def under_way(self) -> dict[str, int]:
        """The first number of each sender whose fate is not known."""
        return {sender.name: sender.first for sender in self.senders}

    def around(self, change: Callable[[], None]) -> tuple[dict[str, int], dict[str, int]]:
        """Makes the change. What is sent from its beginning to its end belongs to either side.

        Returns the numbers where that begins and ends.
        """
        before = self.under_way()
        change()
        after = {sender.name: sender.first + sender.per_request for sender in self.senders}
        for name, first in before.items():
            self.either[name].update(range(first, after[name]))
        return before, after

    def during(self, removed: dict[str, int], returned: dict[str, int]) -> None:
        """From the end of the removal to the beginning of the return."""
        for name, first in removed.items():
            self.none[name].update(range(first, returned[name]))


def test_removed_with_a_backlog_and_brought_back(
    start_pharos: StartPharos,
    start_proxy: StartProxy,
    start_sink: StartSink,
    seaweed: S3,
    bucket: Callable[[], str],
    tmp_path: Path,
) -> None:
    """It gets what came before its removal and after its return, and nothing of the time between."""
    store, ports, sink = behind_a_proxy(start_proxy, seaweed, bucket), Ports(), start_sink()
    proxy = store.proxy
    assert proxy is not None
    others = {"otlp_http": {"endpoint": f"http://127.0.0.1:{sink.port}"}}
    victim = Victim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports, others=others)
    victim.wait_for_delivery()
    absence = Absence(victim.senders)

    def remove() -> None:
        config = victim.configuration()
        del config["exporters"]["delta"]
        config["service"]["pipelines"]["logs"]["exporters"] = ["otlp_http"]
        write_config(victim.run.config, config)
        victim.run.reload()

    for _ in range(max(2, RELOADS // 10)):
        proxy.door.hang_up()
        wait_for_more(victim.senders, 40)
        _, gone = absence.around(remove)
        assert any((tmp_path / "queue" / "set_aside").rglob("*.wal")), "it had no backlog"
        wait_for_more(victim.senders, 40)
        back, _ = absence.around(victim.reload)
        absence.during(gone, back)
        wait_for_more(victim.senders, 20)
        proxy.door.listen()
        wait_for_more(victim.senders, 20)
    finish(victim.senders)
    until("the queue to be delivered", victim.delivered, 120, every=0.2)
    assert not any((tmp_path / "queue" / "set_aside").rglob("*.wal")), "what was delivered is still there"
    victim.run.stop()

    assert_exactly_once(sink.received, victim.senders)
    stored = stored_numbers(Lake(store.location, victim.run.config, seaweed))
    assert not repeated(stored)
    for sender in victim.senders:
        absent, either = absence.none[sender.name], absence.either[sender.name]
        sender.tally.uncertain |= sender.tally.acknowledged & either
        sender.tally.acknowledged -= either | absent
        assert not [n for n in absent if stored[sender.name, n]], "it has what came while it was removed"
    assert_none_lost(stored, victim.senders)
    assert_exactly_once(Counter({key: copies for key, copies in stored.items() if copies}), victim.senders)
