"""SIGTERM under load: what was acknowledged is stored, every record exactly once.

Senders number their records and remember which requests were answered with success. A request
whose answer was lost may be stored once or not at all, never twice.
"""

from collections.abc import Callable
from pathlib import Path

from conftest import StartPharos, StartProxy, StartSink
from rig.exactness import assert_exactly_once, stored_numbers
from rig.pharos import Pharos, Ports, delta_to, otlp_to
from rig.proxy import Behaviour
from rig.readers import Lake
from rig.seaweed import S3
from rig.sender import Sender
from rig.waiting import until

BEFORE_STOP = 2000


def load_and_stop(pharos: Pharos, per_request: int = 20) -> list[Sender]:
    """Sends from four sides, stops the collector in the middle of it, returns the senders."""
    ports = pharos.ports
    ways = [("grpc", ports.grpc), ("http", ports.http)] * 2
    senders = [Sender(f"s{n}", port, protocol, per_request) for n, (protocol, port) in enumerate(ways)]
    for sender in senders:
        sender.start()
    until(
        "enough acknowledged records",
        lambda: all(len(s.tally.acknowledged) >= BEFORE_STOP / len(senders) for s in senders),
        60,
    )
    try:
        pharos.stop()
    finally:
        for sender in senders:
            sender.enough.set()
    for sender in senders:
        sender.join(60)
        assert not sender.is_alive()
    return senders


def test_local_table(start_pharos: StartPharos, tmp_path: Path) -> None:
    """A table on local disk."""
    location, ports = str(tmp_path / "lake"), Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports)
    senders = load_and_stop(pharos)
    assert_exactly_once(stored_numbers(Lake(location, pharos.config)), senders)


def test_slow_s3_table(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str]
) -> None:
    """Each write into the bucket takes half a second longer."""
    proxy = start_proxy(
        int(seaweed.endpoint.rpartition(":")[2]), Behaviour(delay=0.5, delayed_methods=frozenset({"PUT"}))
    )
    location, ports = f"{bucket()}/lake", Ports()
    slow = S3(f"http://127.0.0.1:{proxy.port}")
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports, env=slow.environment())
    senders = load_and_stop(pharos)
    assert any(method == "PUT" for method, _ in proxy.passed)
    assert_exactly_once(stored_numbers(Lake(location, pharos.config, seaweed)), senders)


def test_slow_otlp_destination(start_pharos: StartPharos, start_sink: StartSink) -> None:
    """What is queued in memory is delivered before the process ends."""
    slow_sink = start_sink(delay=0.25)
    ports = Ports()
    exporter = {"endpoint": f"http://127.0.0.1:{slow_sink.port}", "compression": "gzip"}
    pharos = start_pharos(otlp_to({"otlp_http": exporter}, ports), ports)
    senders = load_and_stop(pharos)
    assert_exactly_once(slow_sink.received, senders)
