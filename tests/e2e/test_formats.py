"""Files that earlier programs wrote are opened by this one: a table with records 0 to 49, made by a queue that
has records 50 to 99 for it. Each version of a format leaves a folder here when the next one comes."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import StartPharos
from rig.payloads import numbered_logs
from rig.pharos import Ports, delta_to, otlp_to
from rig.readers import Lake
from rig.sender import post

VERSIONS = sorted((Path(__file__).parent / "fixtures").iterdir())


@pytest.mark.parametrize("version", [pytest.param(v, id=v.name) for v in VERSIONS])
def test_queue_and_table_go_on(start_pharos: StartPharos, tmp_path: Path, version: Path) -> None:
    """What waits is stored once behind what is there, and so is what comes now."""
    shutil.copytree(version, tmp_path / "data")
    location, ports = tmp_path / "data" / "lake", Ports()
    config = otlp_to({"delta": delta_to(location) | {"sending_queue": {"storage": "file_storage"}}}, ports)
    config["extensions"]["file_storage"] = {"directory": str(tmp_path / "data")}
    config["service"]["extensions"].append("file_storage")
    pharos = start_pharos(config, ports)
    post(ports.http, numbered_logs("fixture", range(100, 110)))
    pharos.stop()
    assert "set aside" not in pharos.program.output(), "a file is not what it should be"
    assert '"found":50' in pharos.program.output()
    lake = Lake(str(location), pharos.config)
    rows = lake.rows("select attributes['n'] as n from otel_logs")
    assert Counter(int(row["n"]) for row in rows) == Counter(range(110))
