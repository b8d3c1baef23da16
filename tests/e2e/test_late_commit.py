"""A commit that a run has sent, and that lands only when that run is gone and the next one has looked at the table.

S3 does what it was asked to do also when nobody waits for the answer any more, and a network may take its time.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import StartPharos, StartProxy
from rig.kills import Store, Victim
from rig.pharos import Ports
from rig.proxy import Answer, Behaviour, Fault
from rig.seaweed import S3
from rig.steady import SteadySender, wait_for_more

COMMIT = r"/otel_logs/_delta_log/\d{20}\.json$"


class HeldCommit:
    """Holds the next commit of `otel_logs`, and lets it go just before or just behind the first one of the next run."""

    def __init__(self, victim: Victim, overtaken: bool) -> None:
        proxy = victim.store.proxy
        assert proxy is not None
        self.victim, self.overtaken = victim, overtaken
        self.held, self.free, self.done = threading.Event(), threading.Event(), threading.Event()
        self.sent, self.answered = 0, 0
        self.lock = threading.Lock()
        proxy.behaviour.faults = [
            Fault("PUT", COMMIT, "before", self.before),
            Fault("PUT", COMMIT, "after", self.after),
        ]

    def before(self) -> Answer | None:
        """The first one is held, the second one lets it go if it is to be overtaken by it."""
        with self.lock:
            self.sent += 1
            mine = self.sent
        if mine == 1:
            self.held.set()
            assert self.free.wait(90), "no other commit came"
        elif mine == 2 and self.overtaken:
            self.free.set()
            assert self.done.wait(30), "the held commit has no answer"
        return None

    def after(self) -> Answer | None:
        """The server has answered one."""
        with self.lock:
            self.answered += 1
            mine = self.answered
        if mine == 1 and not self.overtaken:
            self.free.set()
        self.done.set()
        return None


@pytest.mark.parametrize("overtaken", [True, False], ids=["before the next commit", "behind it"])
def test_after_a_kill(
    start_pharos: StartPharos,
    start_proxy: StartProxy,
    seaweed: S3,
    bucket: Callable[[], str],
    tmp_path: Path,
    overtaken: bool,
) -> None:
    """The next run has read the table before it lands: everything is there once."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    ports = Ports()
    senders = [SteadySender(f"s{n}", ports.http, pause=0.005) for n in range(2)]
    store = Store(f"{bucket()}/lake", seaweed, proxy)
    victim = Victim(start_pharos, store, tmp_path / "queue", senders, ports)
    victim.wait_for_delivery()
    held = HeldCommit(victim, overtaken)
    assert held.held.wait(60), "no commit was sent"
    wait_for_more(senders, 20)
    victim.note()
    victim.kill()
    victim.bury()
    victim.resume(20)
    assert held.done.wait(60), "no commit was answered"
    victim.end()
    assert held.answered > 1


def test_after_a_reload(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str], tmp_path: Path
) -> None:
    """The exporter is replaced while its commit is under way, which takes longer than the old one may wait."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    ports = Ports()
    senders = [SteadySender(f"s{n}", ports.http, pause=0.005) for n in range(2)]
    store = Store(f"{bucket()}/lake", seaweed, proxy)
    victim = Victim(start_pharos, store, tmp_path / "queue", senders, ports)
    victim.wait_for_delivery()
    held = HeldCommit(victim, overtaken=True)
    assert held.held.wait(60), "no commit was sent"
    victim.reload(compression_level=2)
    wait_for_more(senders, 20)
    assert held.done.wait(60), "no commit was answered"
    victim.end()
    assert held.answered > 1
