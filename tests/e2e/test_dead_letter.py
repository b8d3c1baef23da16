"""A record that a table cannot hold is kept elsewhere with the reason, counted, and holds nobody up."""

import base64
import json
from pathlib import Path

from conftest import StartPharos
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from rig.payloads import numbered_logs
from rig.pharos import Ports, delta_to, otlp_to
from rig.readers import Lake
from rig.sender import post

BEHIND_THE_LAST_DAY = 2**63 + 5


def test_time_out_of_range(start_pharos: StartPharos, tmp_path: Path) -> None:
    """One record of five has a time that no 64-bit column holds."""
    location, ports = tmp_path / "lake", Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports)
    request = numbered_logs("s", range(5))
    request.resource_logs[0].scope_logs[0].log_records[2].time_unix_nano = BEHIND_THE_LAST_DAY
    post(ports.http, request)
    pharos.stop()

    lake = Lake(str(location), pharos.config)
    stored = lake.rows("select attributes['n'] as n from otel_logs")
    assert [row["n"] for row in stored] == ["0", "1", "3", "4"]

    (file,) = (location / "dead_letter").glob("*.ndjson")
    (letter,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert letter["reason"] == "time_out_of_range"
    assert str(BEHIND_THE_LAST_DAY) in json.dumps(letter)
    kept = LogsData.FromString(base64.b64decode(letter["payload"]))
    (record,) = kept.resource_logs[0].scope_logs[0].log_records
    assert record == request.resource_logs[0].scope_logs[0].log_records[2]
    assert "time_out_of_range" in pharos.program.output()
