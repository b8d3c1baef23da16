"""What cannot work is said at the start, in one clear line and an exit code; or while running, as a visible state."""

import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from conftest import StartPharos, StartProxy
from deltalake import write_deltalake
from rig.payloads import numbered_logs
from rig.pharos import Ports, delta_to, otlp_to, write_config
from rig.places import pharos_binary
from rig.programs import run
from rig.proxy import Behaviour
from rig.readers import Lake
from rig.seaweed import S3
from rig.sender import post
from rig.waiting import until


def refused_start(
    config: Path, ports: Ports, env: dict[str, str] | None = None, prefix: list[str] | None = None
) -> str:
    """Starts a collector that has to end by itself; returns its one error line."""
    sets = [f"--set={s}" for s in ports.service_sets()]
    done = run([*(prefix or []), pharos_binary(), "--config", config, *sets], seconds=90, env=env)
    assert done.returncode == 1, f"exit code {done.returncode}\n{done.stderr[-3000:]}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1, f"not one clear line:\n{done.stderr[-3000:]}"
    assert "panicked" not in done.stderr
    return errors[0]


def lake_config(folder: Path, location: str, ports: Ports) -> Path:
    """A configuration that writes into `location`."""
    return write_config(folder / "config.yaml", otlp_to({"delta": delta_to(location)}, ports))


def test_table_with_a_foreign_schema(tmp_path: Path) -> None:
    """A table of somebody else's is never written to; the line names table and column."""
    lake, ports = tmp_path / "lake", Ports()
    foreign = Table.from_pydict({"time": Array(["noon"], DataType.utf8()), "fruit": Array([1], DataType.int64())})
    write_deltalake(str(lake / "otel_logs"), foreign)
    error = refused_start(lake_config(tmp_path, str(lake), ports), ports)
    assert str(lake / "otel_logs") in error
    assert "column `" in error


def test_missing_bucket(tmp_path: Path, seaweed: S3) -> None:
    """The line names the bucket."""
    ports = Ports()
    config = lake_config(tmp_path, "s3://no-such-bucket/lake", ports)
    assert "no-such-bucket" in refused_start(config, ports, seaweed.environment())


def test_wrong_secret(tmp_path: Path, seaweed: S3, bucket: Callable[[], str]) -> None:
    """Credentials that the server refuses: the line says so and shows no secret."""
    ports = Ports()
    location = bucket()
    env = {**seaweed.environment(), "AWS_SECRET_ACCESS_KEY": "wrong-secret-value"}
    error = refused_start(lake_config(tmp_path, location, ports), ports, env)
    assert location.removeprefix("s3://") in error
    assert "wrong-secret-value" not in error


def test_read_only_directory(tmp_path: Path) -> None:
    """The line names the directory."""
    prefix: list[str] = []
    if os.geteuid() == 0:  # root may write anywhere, unless this capability is taken away
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("setpriv is missing, and root writes into read-only directories")
        prefix = [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override"]
    locked, ports = tmp_path / "locked", Ports()
    locked.mkdir(mode=0o555)
    error = refused_start(lake_config(tmp_path, str(locked / "lake"), ports), ports, prefix=prefix)
    assert str(locked) in error


@pytest.mark.parametrize("which", ["grpc", "http", "health"])
def test_taken_port(tmp_path: Path, which: str) -> None:
    """The line names component and port."""
    ports = Ports()
    port = getattr(ports, which)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        error = refused_start(lake_config(tmp_path, str(tmp_path / "lake"), ports), ports)
    assert str(port) in error
    assert ("health_check" if which == "health" else "otlp") in error


def test_unknown_key_has_a_place(tmp_path: Path) -> None:
    """File, line and column of the key, and the key that was meant."""
    ports = Ports()
    config = lake_config(tmp_path, str(tmp_path / "lake"), ports)
    config.write_text(config.read_text().replace("    location:", "    locaton:"))
    line = 1 + config.read_text().splitlines().index(next(t for t in config.read_text().splitlines() if "locaton" in t))
    done = run([pharos_binary(), "validate", "--config", config])
    assert done.returncode == 1
    assert re.search(rf"config\.yaml:{line}:\d+: .*locaton.*location", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("select * from otel_logz", "otel_logs"),
        ("select event_nam from otel_logs", "event_name"),
        ("selekt 1", "selekt"),
    ],
)
def test_sql_that_cannot_run(start_pharos: StartPharos, tmp_path: Path, sql: str, named: str) -> None:
    """An unknown table, an unknown column, no SQL at all: exit code, and the name that is near."""
    ports = Ports()
    pharos = start_pharos(otlp_to({"delta": delta_to(tmp_path / "lake")}, ports), ports)
    post(ports.http, numbered_logs("s", range(3)))
    pharos.stop()
    done = run([pharos_binary(), "query", "--config", pharos.config, sql])
    assert done.returncode == 1
    assert done.stdout == ""
    assert named in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("Error:")]) == 1, done.stderr


def test_store_that_goes_away_later(
    start_pharos: StartPharos, start_proxy: StartProxy, seaweed: S3, bucket: Callable[[], str]
) -> None:
    """The collector stays up, shows that the exporter fails, and delivers once the store is back."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    location, ports = f"{bucket()}/lake", Ports()
    env = S3(f"http://127.0.0.1:{proxy.port}").environment()
    pharos = start_pharos(otlp_to({"delta": delta_to(location)}, ports), ports, env=env)
    lake = Lake(location, pharos.config, seaweed)
    post(ports.http, numbered_logs("before", range(10)))
    until("the first records to be stored", lambda: lake.pharos("select * from otel_logs"), 40, every=0.5)

    proxy.behaviour.refuse = 503
    post(ports.http, numbered_logs("during", range(10)))
    until("the exporter's failure to show", lambda: "delta" in str(list(pharos.failing())), 60, every=0.2)
    assert all(pharos.failing().values()), "a failure without a reason"
    proxy.behaviour.refuse = None
    post(ports.http, numbered_logs("after", range(10)))
    until(
        "everything to be stored",
        lambda: lake.pharos("select count(*) as n from otel_logs")[0]["n"] >= 30,
        90,
        every=0.5,
    )
    pharos.stop()
    rows = lake.rows("select attributes['sender'] as s, count(*) as n from otel_logs group by 1")
    assert rows == [{"s": s, "n": 10} for s in ("after", "before", "during")]
