"""Four collector processes write into one S3 table at once: nothing is lost, nothing twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from conftest import StartPharos
from rig.pharos import Ports, delta_to, otlp_to
from rig.readers import Lake
from rig.seaweed import S3
from rig.sender import Sender

COLLECTORS = 4
REQUESTS = 60
PER_REQUEST = 20


def test_four_collectors_one_table(start_pharos: StartPharos, seaweed: S3, bucket: Callable[[], str]) -> None:
    """They race from the first commit on, which also creates the table."""
    location = f"{bucket()}/lake"

    # Ports are probed one after the other, before anything starts.
    all_ports = [Ports() for _ in range(COLLECTORS)]
    with ThreadPoolExecutor(COLLECTORS) as pool:
        running = list(
            pool.map(
                lambda n: start_pharos(
                    otlp_to({"delta": delta_to(location)}, all_ports[n]),
                    all_ports[n],
                    env=seaweed.environment(),
                    name=f"pharos-{n}",
                ),
                range(COLLECTORS),
            )
        )
    senders = [
        Sender(f"sender-{n}-{protocol}", port, protocol, PER_REQUEST, limit=REQUESTS)
        for n, ports in enumerate(all_ports)
        for protocol, port in (("grpc", ports.grpc), ("http", ports.http))
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(120)
        assert len(sender.tally.acknowledged) == REQUESTS * PER_REQUEST, sender.tally.uncertain
    with ThreadPoolExecutor(COLLECTORS) as pool:
        list(pool.map(lambda pharos: pharos.stop(), running))

    lake = Lake(location, running[0].config, seaweed)
    rows = lake.rows(
        "select attributes['sender'] as sender, count(*) as stored, count(distinct attributes['n']) as numbers, "
        "count(distinct record_id) as ids from otel_logs group by 1"
    )
    exact = {
        "stored": REQUESTS * PER_REQUEST,
        "numbers": REQUESTS * PER_REQUEST,
        "ids": REQUESTS * PER_REQUEST,
    }
    assert rows == [{"sender": name, **exact} for name in sorted(s.tally.name for s in senders)]
    assert len(lake.table("otel_logs").history()) > COLLECTORS, "fewer commits than collectors"
