"""Ten times more than the sink takes, in 256 MiB: never killed, never idle, nothing lost, beacons get in.

The limit is the kernel's: the process is alone in a control group with 256 MiB, and past that it is killed.
Half a minute here; five minutes with PHAROS_LONG_TESTS=1 (`make test-long`).
"""

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos
from rig.cgroup import MemoryGroup, memory_group
from rig.otlp_sink import OtlpSink
from rig.paced import PacedBeacons, PacedSender, over_grpc, over_http
from rig.pharos import Pharos, Ports, otlp_to
from rig.places import pharos_binary
from rig.waiting import until

LIMIT = 256 << 20
LONG = os.environ.get("PHAROS_LONG_TESTS") == "1"
SECONDS = 300 if LONG else 30
# records a second that the sink takes, and that are offered to the collector
TAKEN, OFFERED = 500, 5000
SENDERS, PER_REQUEST = 8, 100
BEACON_EVERY = 0.1

log = logging.getLogger(__name__)


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGroup]:
    """Collectors of this test run inside 256 MiB."""
    with memory_group(LIMIT) as group:
        monkeypatch.setenv("PHAROS_BIN", str(group.wrap(pharos_binary(), tmp_path / "pharos-in-group")))
        yield group


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    """A destination that takes no more than it can."""
    sink = OtlpSink(rate=TAKEN)
    yield sink
    sink.close()


def configuration(sink: OtlpSink, ports: Ports, processors: dict[str, Any]) -> dict[str, Any]:
    """Beacons and OTLP in one pipeline to the sink, with these processors."""
    exporter = {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "compression": "none",
        "timeout": "60s",
        "retry_on_failure": {"max_elapsed_time": "0s"},
    }
    config = otlp_to({"otlp_http": exporter}, ports)
    config["receivers"]["beacon"] = {"endpoint": f"127.0.0.1:{ports.beacon}"}
    config["processors"] = processors
    pipeline = {"receivers": ["otlp", "beacon"], "processors": list(processors), "exporters": ["otlp_http"]}
    config["service"]["pipelines"] = {"logs": pipeline}
    config["service"]["shutdown_timeout"] = "120s"
    return config


def offer(ports: Ports, seconds: float) -> tuple[list[PacedSender], PacedBeacons]:
    """Offers ten times what the sink takes from eight sides, and a beacon now and then, for so long."""
    every = SENDERS * PER_REQUEST / OFFERED
    half = SENDERS // 2
    ways = [over_grpc(ports.grpc) for _ in range(half)]
    ways += [over_http(ports.http, "/v1/logs", "application/x-protobuf", 200) for _ in range(half)]
    senders = [PacedSender(f"s{n}", way, PER_REQUEST, every) for n, way in enumerate(ways)]
    beacons = PacedBeacons("tab", ports.beacon, BEACON_EVERY)
    everybody = [*senders, beacons]
    for sender in everybody:
        sender.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and all(sender.is_alive() for sender in everybody):
        time.sleep(0.1)
    for sender in everybody:
        assert sender.is_alive(), f"{sender.name} broke off: see its traceback above"
        sender.enough.set()
    for sender in everybody:
        sender.join(90)
        assert not sender.is_alive(), f"{sender.name} waits for an answer"
    return senders, beacons


def idle_mebibytes(start_pharos: StartPharos, config: dict[str, Any], ports: Ports) -> int:
    """What the program holds resident without any load: it differs by build."""
    pharos = start_pharos(config, ports, name="idle")
    status = Path(f"/proc/{pharos.program.process.pid}/status").read_text()
    pharos.stop()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(resident.split()[1]) >> 10


def assert_never_idle(sink: OtlpSink, senders: list[PacedSender], pharos: Pharos) -> None:
    """As much as the sink takes is accepted and reaches it meanwhile, and the rest was refused in time."""
    reached = sum(sink.received.copy().values())
    assert reached >= 0.8 * TAKEN * SECONDS, f"the sink was not kept busy: it has {reached}"
    offered = sum(sender.offered for sender in senders)
    accepted = sum(len(sender.acknowledged) for sender in senders)
    assert offered >= 5 * TAKEN * SECONDS, f"the senders did not keep their pace: {offered} records offered"
    assert accepted >= 0.8 * TAKEN * SECONDS, f"{accepted} accepted of {offered}:\n{pharos.program.tail()}"
    assert sum(sender.refused for sender in senders) > 0, "nothing was refused: the memory was never short"


def assert_delivered(sink: OtlpSink, senders: list[PacedSender]) -> None:
    """Everything that was acknowledged is in the sink."""
    accepted = {(sender.name, n) for sender in senders for n in sender.acknowledged}

    def all_there() -> bool:
        return accepted <= sink.received.copy().keys()

    until(f"all {len(accepted)} acknowledged records to reach the sink", all_there, 240, every=1)


def figures(senders: list[PacedSender], beacons: PacedSender, group: MemoryGroup) -> str:
    """What was offered, accepted and refused, for the log."""
    offered = sum(sender.offered for sender in senders)
    accepted = sum(len(sender.acknowledged) for sender in senders)
    answers = {s.name: f"{len(s.acknowledged)} accepted, {s.refused} requests refused" for s in [*senders, beacons]}
    rates = f"{offered / SECONDS:.0f}/s offered, {accepted / SECONDS:.0f}/s accepted, {TAKEN}/s taken by the sink"
    events = f"beacons {len(beacons.acknowledged)} of {beacons.offered}"
    return f"{rates}; {events}; group peak {group.peak() >> 20} MiB of {LIMIT >> 20}; {answers}"


@pytest.mark.timeout(900 if LONG else 240)
@pytest.mark.parametrize("limited", [True, False], ids=["memory_limiter", "byte_budget_alone"])
def test_ten_times_more_than_the_sink_takes(
    group: MemoryGroup, start_pharos: StartPharos, sink: OtlpSink, limited: bool
) -> None:
    """With `memory_limiter`, and with nothing but the byte budget of the process."""
    ports = Ports()
    processors: dict[str, Any] = {"batch": {"timeout": "200ms", "send_batch_size": 200, "send_batch_max_size": 400}}
    if limited:  # less than the byte budget, which is 64 MiB here, would let in
        idle = idle_mebibytes(start_pharos, configuration(sink, ports, processors), ports)
        limiter = {"check_interval": "1s", "limit_mib": idle + 50, "spike_limit_mib": 20}
        processors = {"memory_limiter": limiter, **processors}
    pharos = start_pharos(configuration(sink, ports, processors), ports)
    senders, beacons = offer(ports, SECONDS)
    log.info("%s", figures(senders, beacons, group))
    assert group.kills() == 0, f"killed for lack of memory at a peak of {group.peak()}"
    assert_never_idle(sink, senders, pharos)
    assert len(beacons.acknowledged) >= 0.8 * beacons.offered, f"{beacons.refused} of {beacons.offered} beacons refused"
    if not LONG:
        sink.rate = None  # the backlog need not take its time
    assert_delivered(sink, [*senders, beacons])
    assert group.kills() == 0
    told = pharos.metrics()
    if limited:
        refused = told["otelcol_processor_memory_limiter_refused_log_records"]
        accepted = told["otelcol_processor_memory_limiter_accepted_log_records"]
        assert set(refused) == set(accepted) == {'processor="memory_limiter"'}
        acknowledged = sum(len(sender.acknowledged) for sender in [*senders, beacons])
        assert accepted['processor="memory_limiter"'] >= acknowledged
        assert refused['processor="memory_limiter"'] > 0
        assert "Memory usage is above soft limit" in pharos.program.output()
    pharos.stop(150)
