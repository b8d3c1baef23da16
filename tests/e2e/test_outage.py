"""Destinations that are away, slow, rude or forgetful, behind a durable queue, with a restart or a kill in the middle.

Senders go on all the time. In Delta nothing is lost and nothing is there twice. OTLP has no way to tell
that a request is a repetition, so there a request whose answer was lost arrives again, and only such a one.
PHAROS_FAULT_SECONDS makes each outage last longer than the short run needs.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import StartPharos, StartProxy, StartSink
from rig.exactness import assert_exactly_once, assert_none_lost, repeated
from rig.kills import Store, Victim
from rig.otlp_sink import OtlpSink
from rig.pharos import Pharos, Ports, durable
from rig.proxy import Answer, Behaviour, Fault, Proxy, Reset
from rig.seaweed import S3
from rig.segments import held
from rig.steady import SteadySender, finish, start, wait_for_more
from rig.waiting import until

SECONDS = float(os.environ.get("PHAROS_FAULT_SECONDS", "0"))
# Acknowledged requests in each part of an outage, at least.
REQUESTS = 60

COMMIT = r"/_delta_log/\d{20}\.json$"
ANY = ""

pytestmark = pytest.mark.timeout(180 + 8 * SECONDS)


def senders_of(ports: Ports) -> list[SteadySender]:
    """One over gRPC and one over HTTP."""
    return [
        SteadySender("grpc", ports.grpc, "grpc", pause=0.005),
        SteadySender("http", ports.http, "http", pause=0.005),
    ]


def endure(senders: Sequence[SteadySender]) -> None:
    """A part of an outage: so many more requests are acknowledged, and so much time passes."""
    end = time.monotonic() + SECONDS
    wait_for_more(senders, REQUESTS, 60)
    while (left := end - time.monotonic()) > 0:
        wait_for_more(senders, 1, 60)
        time.sleep(min(left, 1))


def slow_down() -> Answer | None:
    """S3 asks to send less."""
    return 503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def internal_error() -> Answer | None:
    """The server has done it and says that it failed."""
    return 500, b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


def tear_down() -> Answer | None:
    """No answer at all."""
    raise Reset


def refused_connections(proxy: Proxy) -> None:
    """Nobody listens."""
    proxy.door.hang_up()


def throttled(proxy: Proxy) -> None:
    """Every second request of any kind is told to slow down."""
    proxy.behaviour.faults = [Fault(m, ANY, "before", slow_down, every=2) for m in ("GET", "PUT", "HEAD", "POST")]


def throttled_for_good(proxy: Proxy) -> None:
    """Every request is told to slow down."""
    proxy.behaviour.faults = [Fault(m, ANY, "before", slow_down) for m in ("GET", "PUT", "HEAD", "POST")]


def commits_answered_500(proxy: Proxy) -> None:
    """Every second commit lands and answers 500."""
    proxy.behaviour.faults = [Fault("PUT", COMMIT, "after", internal_error, every=2)]


def commits_never_answered(proxy: Proxy) -> None:
    """Every commit lands, and the connection breaks before the answer."""
    proxy.behaviour.faults = [Fault("PUT", COMMIT, "after", tear_down)]


def lost_answers(proxy: Proxy) -> None:
    """Every third answer of any kind is lost after the server has acted."""
    proxy.behaviour.faults = [Fault(m, ANY, "after", tear_down, every=3) for m in ("GET", "PUT", "HEAD", "POST")]


@pytest.mark.parametrize(
    ("outage", "killed"),
    [
        pytest.param(outage, killed, id=f"{outage.__name__}-{'kill' if killed else 'stop'}")
        for killed, outages in (
            (False, [refused_connections, throttled, throttled_for_good]),
            (False, [commits_answered_500, commits_never_answered, lost_answers]),
            (True, [refused_connections, throttled_for_good, commits_never_answered]),
        )
        for outage in outages
    ],
)
def test_s3(
    start_pharos: StartPharos,
    start_proxy: StartProxy,
    seaweed: S3,
    bucket: Callable[[], str],
    tmp_path: Path,
    outage: Callable[[Proxy], None],
    killed: bool,
) -> None:
    """A bucket that misbehaves, also while the collector starts: everything is in the table once."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    store, ports = Store(f"{bucket()}/lake", seaweed, proxy), Ports()
    victim = Victim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    victim.wait_for_delivery()
    outage(proxy)
    faults = list(proxy.behaviour.faults)
    endure(victim.senders)
    if killed:
        # a store that refuses from time to time may have everything at one moment
        while not victim.kills or not victim.kills[-1].counts:
            assert len(victim.kills) < 10, "nothing was at stake"
            victim.note()
            victim.kill()
            victim.bury()
            victim.resume()
    else:
        victim.run.stop()
        victim.start()
    endure(victim.senders)
    if faults:
        # a few commits may carry all that was acknowledged meanwhile
        until("the outage to be felt", lambda: sum(fault.happened for fault in faults) > 1, 60)
    proxy.behaviour.faults = []
    proxy.door.listen()
    victim.end()


def run_to(sink: OtlpSink, start_pharos: StartPharos, ports: Ports, folder: Path, name: str) -> Pharos:
    """A collector with its queue in `folder`, and the sink behind it."""
    exporter = {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "1s"},
    }
    return start_pharos(durable({"otlp_http": exporter}, ports, folder), ports, name=name)


def through(
    sink: OtlpSink,
    start_pharos: StartPharos,
    folder: Path,
    fall: Callable[[], None],
    rise: Callable[[], None],
    end: Callable[[Pharos], None] = Pharos.stop,
) -> tuple[list[SteadySender], int]:
    """Load through an outage with a restart in the middle of it; returns when all is delivered.

    The second value is what the first run says that it has delivered and will send again, since it stands
    in the queue behind something that it could not deliver.
    """
    ports = Ports()
    first = run_to(sink, start_pharos, ports, folder, "first")
    senders = senders_of(ports)
    start(senders)
    until("data to arrive", lambda: sink.received, 30)
    fall()
    endure(senders)
    end(first)
    second = run_to(sink, start_pharos, ports, folder, "second")
    endure(senders)
    rise()
    endure(senders)
    finish(senders)
    acknowledged = {(s.tally.name, n) for s in senders for n in s.tally.acknowledged}
    until("everything to arrive", lambda: acknowledged <= sink.received.keys(), 90, every=0.2)
    second.stop()
    return senders, sum(report["again"] for report in first.reports())


def test_otlp_destination_away(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """It refuses connections, then it is back: everything arrives.

    Only what it had taken at the moment it went away, and could not answer any more, comes twice, and what
    the first run says.
    """
    sink = start_sink()
    senders, again = through(sink, start_pharos, tmp_path / "queue", sink.door.hang_up, sink.door.listen)
    assert_none_lost(sink.received, senders)
    assert len(repeated(sink.received) - sink.unanswered) <= again


def test_kill_while_the_otlp_destination_is_away(
    start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path
) -> None:
    """It goes away, the collector is killed, both come back: everything arrives.

    Only what the kill left in the queue comes twice: what the destination had taken without an answer, and what
    stands behind that.
    """
    sink, queue = start_sink(), tmp_path / "queue"
    left: set[tuple[str, int]] = set()

    def kill(first: Pharos) -> None:
        first.program.process.kill()
        assert first.program.wait() == -9
        left.update(*held(queue / "queue" / "logs", "otlp_http").values())
        assert left, "nothing was at stake"

    senders, _ = through(sink, start_pharos, queue, sink.door.hang_up, sink.door.listen, kill)
    assert_none_lost(sink.received, senders)
    assert repeated(sink.received) <= left
    assert max(sink.received.values()) <= 2


def test_otlp_destination_slow(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """It takes half a second for each request: everything arrives once."""
    sink = start_sink()

    def slow() -> None:
        sink.delay = 0.5

    def fast() -> None:
        sink.delay = 0.0

    senders, _ = through(sink, start_pharos, tmp_path / "queue", slow, fast)
    assert_exactly_once(sink.received, senders)


def test_otlp_destination_resets(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """It takes every third request and resets the connection: none is lost, and those come twice.

    And what the first run had delivered behind one of them when it was stopped, which it says.
    """
    sink = start_sink()

    def rude() -> None:
        sink.reset_every = 3

    def polite() -> None:
        # so few requests may carry everything that no third one came yet
        until("a connection to be reset", lambda: sink.unanswered, 60)
        sink.reset_every = 0

    senders, again = through(sink, start_pharos, tmp_path / "queue", rude, polite)
    assert_none_lost(sink.received, senders)
    assert sink.unanswered <= repeated(sink.received)
    assert len(repeated(sink.received) - sink.unanswered) <= again
