"""Several exporters on one queue: it is written once, each goes at its own pace, none that leaves loses its part."""

from pathlib import Path
from typing import Any

from conftest import StartPharos, StartSink
from rig.exactness import assert_exactly_once, stored_numbers
from rig.otlp_sink import OtlpSink
from rig.pharos import Ports, delta_to, durable
from rig.readers import Lake
from rig.segments import entries, segments
from rig.steady import SteadySender
from rig.waiting import until


def exporter_to(sink: OtlpSink) -> dict[str, Any]:
    """An OTLP exporter that comes back soon."""
    return {
        "endpoint": f"http://127.0.0.1:{sink.port}",
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"},
    }


def sent(name: str, ports: Ports, requests: int) -> SteadySender:
    """A sender that has had so many requests acknowledged."""
    sender = SteadySender(name, ports.http, "http", limit=requests)
    sender.run()
    return sender


def test_fan_out_with_one_destination_away(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """The table has everything while the other destination is away, which gets it when it is back."""
    sink, ports, location = start_sink(listening=False), Ports(), str(tmp_path / "lake")
    exporters = {"delta": delta_to(location), "otlp_http": exporter_to(sink)}
    pharos = start_pharos(durable(exporters, ports, tmp_path / "queue", batch=False), ports)
    sender = sent("s", ports, 100)
    lake = Lake(location, pharos.config)
    counted = "select count(*) as n from otel_logs"
    until("the table to have everything", lambda: lake.deltalake(counted) == [{"n": 2000}], 60, every=0.2)
    assert not sink.received

    log = tmp_path / "queue" / "queue" / "logs"
    assert [folder.name for folder in log.parent.iterdir()] == ["logs"]
    found = [entry for file in segments(log) for entry in entries(file)]
    assert [(e.sequence, e.items) for e in found] == [(n + 1, 20) for n in range(100)], "not one entry a request"

    sink.door.listen()
    until("everything to arrive", lambda: len(sink.received) >= 2000, 60, every=0.1)
    pharos.stop()
    assert_exactly_once(sink.received, [sender])
    assert_exactly_once(stored_numbers(lake), [sender])


def test_removed_exporter_comes_back(start_pharos: StartPharos, start_sink: StartSink, tmp_path: Path) -> None:
    """It gets what was accepted for it before it was removed and after it returned, and nothing of the time between."""
    present, away, ports = start_sink(), start_sink(listening=False), Ports()
    both = {"otlp_http/present": exporter_to(present), "otlp_http/away": exporter_to(away)}
    one = {"otlp_http/present": both["otlp_http/present"]}
    folder = tmp_path / "queue"

    first = start_pharos(durable(both, ports, folder), ports, name="with")
    before = sent("before", ports, 50)
    first.stop()
    assert {report["otelcol.component.id"]: report["stored"] for report in first.reports()}["otlp_http/away"] == 1000

    second = start_pharos(durable(one, ports, folder), ports, name="without")
    between = sent("between", ports, 50)
    second.stop()

    third = start_pharos(durable(both, ports, folder), ports, name="again")
    after = sent("after", ports, 50)
    away.door.listen()
    until("both parts to arrive", lambda: len(away.received) >= 2000, 60, every=0.1)
    third.stop()
    assert_exactly_once(away.received, [before, after])
    assert_exactly_once(present.received, [before, between, after])
    assert not any((folder / "set_aside").rglob("*.wal")), "what was delivered is still there"
