"""A record that a table cannot hold is kept elsewhere with the reason, counted, and holds nobody up."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from conftest import StartPharos
from rig.payloads import numbered_logs
from rig.pharos import Ports, delta_to, otlp_to
from rig.places import pharos_binary
from rig.readers import Lake
from rig.sender import post
from rig.waiting import until

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
    (record,) = letter["request"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert record["timeUnixNano"] == str(BEHIND_THE_LAST_DAY)
    assert {"key": "n", "value": {"intValue": "2"}} in record["attributes"]
    assert "time_out_of_range" in pharos.program.output()


def replay(config: Path, file: Path, *more: str) -> str:
    """`pharos replay` through the log pipeline; what it says."""
    command: list[str | Path] = [pharos_binary(), "replay", "--config", config, "--pipeline", "logs", *more, file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_repaired_letters_are_stored_once(start_pharos: StartPharos, tmp_path: Path) -> None:
    """100,000 letters: repaired in place, replayed, killed in the middle of it, replayed twice more."""
    records, per_request = 100_000, 500
    location, ports = tmp_path / "lake", Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports)
    for first in range(0, records, per_request):
        request = numbered_logs("s", range(first, first + per_request))
        for number, record in enumerate(request.resource_logs[0].scope_logs[0].log_records):
            record.time_unix_nano = BEHIND_THE_LAST_DAY + number
        post(ports.http, request)
    pharos.stop()
    (file,) = (location / "dead_letter").glob("*.ndjson")
    letters = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum(letter["items"] for letter in letters) == records

    # whoever repairs them leaves one as it is: it comes back with its reason
    for letter in letters[:-1]:
        for record in _records(letter):
            record["timeUnixNano"] = "1769500000000000000"
    file.write_text("".join(json.dumps(letter) + "\n" for letter in letters))
    kept_again = letters[-1]["items"]

    command: list[str | Path] = [pharos_binary(), "replay", "--config", pharos.config, "--pipeline", "logs", file]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    log = location / "otel_logs" / "_delta_log"
    before = len(list(log.glob("*.json")))
    until("its first commit", lambda: len(list(log.glob("*.json"))) > before or killed.poll() is not None, 120)
    killed.kill()
    killed.wait()

    said = replay(pharos.config, file)
    assert f"{kept_again} refused again and kept" in said or "stored before" in said
    second = replay(pharos.config, file)
    third = replay(pharos.config, file)
    assert f"{kept_again} refused again and kept" in second, second
    assert f"{kept_again} refused again and kept" in third, third
    rows = Lake(str(location), pharos.config).deltalake("select attributes['n'] as n from otel_logs")
    stored = Counter(int(row["n"]) for row in rows)
    assert set(stored.values()) == {1}, [n for n, times in stored.items() if times > 1][:5]
    assert len(stored) == records - kept_again


def _records(letter: dict[str, Any]) -> list[dict[str, Any]]:
    scopes = [s for r in letter["request"]["resourceLogs"] for s in r["scopeLogs"]]
    return [record for scope in scopes for record in scope["logRecords"]]
