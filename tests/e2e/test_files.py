"""The `files` exporter: what is in the files, and that each acknowledged record is in one of them once.

Records are spread over so many days, and so over so many folders, that a flush makes many files; kills
hit it before it is decided, between two of its files, and behind the last. PHAROS_FAULT_KILLS kills at
random points for each store (8), PHAROS_FAULT_SEED replays the choices of a run.
"""

import json
import os
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartProxy
from rig.exactness import Numbers
from rig.folder_watch import FolderWatch
from rig.kills import Store, Victim
from rig.payloads import numbered_logs, rich_logs, rich_metrics, rich_spans
from rig.pharos import Ports, durable, otlp_to, write_config
from rig.places import pharos_binary
from rig.programs import run
from rig.proxy import Answer, Behaviour, Fault, Proxy, Reset
from rig.record_files import RecordFiles
from rig.seaweed import S3
from rig.sender import post
from rig.steady import SteadySender, wait_for_more
from rig.waiting import until

KILLS = int(os.environ.get("PHAROS_FAULT_KILLS", "8"))
SEED = int(os.environ.get("PHAROS_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
# Folders, and so files of a flush.
DAYS = 24

ENCODINGS = ["parquet", "csv", "json_lines", "otlp_json", "otlp_proto"]
ENDINGS = {"parquet": "parquet", "csv": "csv", "json_lines": "jsonl", "otlp_json": "jsonl", "otlp_proto": "binpb"}
NAME = re.compile(r"logs/year=2026/month=01/day=0\d/hour=\d\d/logs-[\w.-]+-\d+-\d+(-\d+)?\.[\w.]+")


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, start_proxy: StartProxy) -> Store:
    """A directory, or a bucket behind a proxy."""
    if request.param == "disk":
        return Store(str(tmp_path / "files"))
    seaweed: S3 = request.getfixturevalue("seaweed")
    bucket: Callable[[], str] = request.getfixturevalue("bucket")
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    return Store(f"{bucket()}/files", seaweed, proxy)


@dataclass
class FilesVictim(Victim):
    """A collector that writes files, killed again and again."""

    encoding: str = "parquet"
    partition: str | None = None

    def exporter(self) -> tuple[str, dict[str, Any]]:
        """Flushes so often that a test need not wait for them."""
        settings: dict[str, Any] = {"location": self.store.location, "roll": {"after": "100ms"}}
        settings["encoding"] = self.encoding
        if self.partition is not None:
            settings["partition"] = self.partition
        return "files", settings

    def stored(self, _table: str) -> Numbers:
        """What other programs find in the files."""
        files = RecordFiles(self.store)
        assert not files.hidden(".staged"), "a flush was not completed"
        return files.numbers()

    @property
    def hidden(self) -> Path:
        """Where the exporter keeps its records, at a directory."""
        (log,) = Path(self.store.location, "_pharos").iterdir()
        return log / "files" / "logs"


def senders_of(ports: Ports) -> list[SteadySender]:
    """One over gRPC, one over HTTP."""
    ways = [("grpc", ports.grpc), ("http", ports.http)]
    return [SteadySender(name, port, name, pause=0.01, days=DAYS) for name, port in ways]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(start_pharos: StartPharos, store: Store, tmp_path: Path, encoding: str) -> None:
    """Every record is in the file of its hour, as somebody else's reader sees it; a second run adds files."""
    ports = Ports()
    exporter = {"location": store.location, "encoding": encoding, "roll": {"after": "200ms"}}
    config = durable({"files": exporter}, ports, tmp_path / "queue")
    for n in range(2):
        pharos = start_pharos(config, ports, env=store.environment(), name=f"run-{n}")
        post(ports.http, numbered_logs("a", range(n * 100, n * 100 + 100), hours=3))
        pharos.stop()
    files = RecordFiles(store)
    assert all(NAME.fullmatch(path) for path in files.paths()), files.paths()
    assert all(path.endswith(f".{ENDINGS[encoding]}") for path in files.paths())
    hours = [path.split("/")[4] for path in files.paths()]
    assert sorted(set(hours)) == ["hour=00", "hour=01", "hour=02"]
    assert files.numbers() == {("a", n): 1 for n in range(200)}
    assert not files.hidden(".staged")
    assert len(files.hidden(".json")) == 1


def test_rows_without_columns_of_the_folders(start_pharos: StartPharos, tmp_path: Path) -> None:
    """A reader that makes columns of the folders gets each once; all signals have their own folder."""
    store, ports = Store(str(tmp_path / "files")), Ports()
    config = otlp_to({"files": {"location": store.location, "roll": {"after": "200ms"}}}, ports)
    pharos = start_pharos(config, ports)
    for request in (rich_logs(), rich_spans(), rich_metrics()):
        post(ports.http, request)
    pharos.stop()
    files = RecordFiles(store)
    for signal, rows in (("logs", 3), ("traces", 1), ("metrics", 7)):
        paths = store.files(signal)
        hours = "year::int, month::int, day::int, hour::int"
        query = f"SELECT {hours}, count(*) FROM read_parquet({{paths}}, hive_partitioning=true) GROUP BY ALL"
        assert files.sql(query, paths) == [(2026, 1, 1, 0, rows)]
    assert not files.hidden(), "a queue in memory needs no records"


def test_ecs(start_pharos: StartPharos, tmp_path: Path) -> None:
    """As Firehose's Parquet files look: flat columns of ECS, by arrival, in folders of one's own."""
    store, ports = Store(str(tmp_path / "data")), Ports()
    exporter = {
        "location": store.location,
        "mapping": "ecs",
        "encoding": "json_lines",
        "compression": "gzip",
        "partition": "ecs/!{timestamp:yyyy/MM/dd}",
        "roll": {"after": "200ms"},
    }
    config = otlp_to({"files/ecs": exporter}, ports)
    config["service"]["pipelines"] = {"logs": config["service"]["pipelines"]["logs"]}
    pharos = start_pharos(config, ports)
    post(ports.http, rich_logs())
    pharos.stop()
    (path,) = store.files("logs")
    assert re.fullmatch(r"logs/ecs/2026/01/01/logs-memory-[0-9a-f-]+\.ecs-1-\d+\.jsonl\.gz", path)
    rows = [json.loads(line) for line in RecordFiles(store).content(path).splitlines()]
    assert [row["ts"][:10] for row in rows] == ["2026-01-01"] * 3
    assert rows[0]["log_level"] == "ERROR"


@pytest.mark.timeout(180 + 20 * KILLS)
def test_random_points(start_pharos: StartPharos, store: Store, tmp_path: Path) -> None:
    """After a random number of acknowledged requests and a moment more."""
    print(f"PHAROS_FAULT_SEED={SEED}")
    choose = random.Random(SEED)
    ports = Ports()
    victim = FilesVictim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    while sum(kill.counts for kill in victim.kills) < KILLS:
        assert len(victim.kills) < 2 * KILLS + 10, f"too many kills met nothing: {victim.report()}"
        if choose.random() < 0.6:
            victim.wait_for_delivery()
        wait_for_more(victim.senders, choose.randrange(1, 30))
        time.sleep(choose.uniform(0, 0.1))
        victim.note()
        victim.kill()
        victim.bury()
        victim.encoding = choose.choice(ENCODINGS)
        victim.resume()
    victim.end()
    print(victim.report())


@dataclass(frozen=True)
class Window:
    """A moment of a flush, as it shows in a directory and at a bucket."""

    # the name that appears, or goes, in the folder of records
    pattern: str
    appears: bool
    # the request that is the last one, or the first that does not come
    fault: tuple[str, str, str]


WINDOWS = {
    "staged": Window(r"\.staged$", True, ("PUT", r"\.staged$", "after")),
    "decided": Window(r"\.json$", True, ("PUT", r"_pharos/.*\.json$", "after")),
    "landed": Window(r"\.staged$", False, ("POST", r"\?delete", "before")),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("window", WINDOWS)
def test_named_window(start_pharos: StartPharos, store: Store, tmp_path: Path, window: str) -> None:
    """A kill inside the window; then everything is there once."""
    ports, moment = Ports(), WINDOWS[window]
    victim = FilesVictim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    victim.wait_for_delivery()
    victim.note()
    if store.proxy:
        method, path, when = moment.fault
        kill_at(victim, store.proxy, Fault(method, path, "before" if when == "before" else "after", never, times=1))
    else:
        with FolderWatch(victim.hidden) as watch:
            name = re.compile(moment.pattern)
            next(c for c in watch.changes(60) if c.appeared == moment.appears and name.search(c.name))
            victim.kill()
        victim.bury()
    assert victim.resume().counts, "nothing was at stake"
    victim.end()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("change", ["nothing", "encoding", "partition"])
def test_between_two_files(start_pharos: StartPharos, store: Store, tmp_path: Path, change: str) -> None:
    """Some files of a flush have their names and others have not: the next run completes it, whatever it is told."""
    ports = Ports()
    victim = FilesVictim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    for _ in range(20):
        victim.wait_for_delivery()
        victim.note()
        if store.proxy:
            complete = Fault("POST", r"/logs/.*[?&]uploadId=", "after", never, times=1)
            kill_at(victim, store.proxy, complete)
        else:
            kill_at_first_file(victim, Path(store.location))
        if cut_in_two := is_cut_in_two(store):
            match change:
                case "encoding":
                    victim.encoding = "otlp_proto"
                case "partition":
                    victim.partition = "everything"
        victim.resume()
        if cut_in_two:
            break
    else:
        pytest.fail("no kill hit the window")
    victim.wait_for_delivery()
    victim.end()


def kill_at_first_file(victim: FilesVictim, location: Path) -> None:
    """Kills a collector that writes into a directory when a file of records gets its name."""
    with FolderWatch(*location.glob("logs/year=*/month=*/day=*/hour=*")) as watch:
        next(change for change in watch.changes(60) if change.appeared)
        victim.kill()
    victim.bury()


def is_cut_in_two(store: Store) -> bool:
    """Whether the newest record names files of which only some are there."""
    files = RecordFiles(store)
    wanted = {file["path"] for file in json.loads(store.read(files.hidden(".json")[-1])).get("files", [])}
    there = wanted & set(files.paths())
    return 0 < len(there) < len(wanted)


def kill_at(victim: FilesVictim, proxy: Proxy, fault: Fault) -> None:
    """Kills the collector at a request."""
    fired = threading.Event()

    def kill() -> Answer | None:
        victim.kill()
        fired.set()
        raise Reset

    fault.do = kill
    proxy.behaviour.faults.append(fault)
    assert fired.wait(60), f"the window did not open; passed: {proxy.passed[-5:]}"
    victim.bury()
    # what the server still does for the dead
    until("the proxy to be idle", proxy.idle, 30)


def never() -> Answer | None:
    """A fault that is not armed."""
    raise AssertionError("the fault was not armed")


def conflict() -> Answer | None:
    """S3 while another request of the same name is under way."""
    return 409, b"<Error><Code>ConditionalRequestConflict</Code><Message>Try again.</Message></Error>"


def slow_down() -> Answer | None:
    """S3 asks to send less."""
    return 503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def internal_error() -> Answer | None:
    """The server has done it and says that it failed."""
    return 500, b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


def lost() -> Answer | None:
    """No answer at all."""
    raise Reset


METHODS = ("GET", "PUT", "HEAD", "POST")
OUTAGES = ["conflicts", "answered_500", "lost_answers", "throttled", "throttled_for_good", "refused_connections"]


def faults_of(outage: str) -> list[Fault]:
    """What goes wrong; nothing when connections are refused."""
    conditional = r"\.json$|uploadId="
    match outage:
        case "conflicts":
            return [Fault(m, conditional, "before", conflict, every=3) for m in ("PUT", "POST")]
        case "answered_500":
            return [Fault(m, conditional, "after", internal_error, every=2) for m in ("PUT", "POST")]
        case "lost_answers":
            return [Fault(m, "", "after", lost, every=3) for m in METHODS]
        case "throttled":
            return [Fault(m, "", "before", slow_down, every=2) for m in METHODS]
        case "throttled_for_good":
            return [Fault(m, "", "before", slow_down) for m in METHODS]
    return []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outage", OUTAGES)
def test_s3_outage(
    start_pharos: StartPharos,
    start_proxy: StartProxy,
    seaweed: S3,
    bucket: Callable[[], str],
    tmp_path: Path,
    outage: str,
) -> None:
    """A bucket that misbehaves, with a restart in the middle: everything is in the files once."""
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    store, ports = Store(f"{bucket()}/files", seaweed, proxy), Ports()
    victim = FilesVictim(start_pharos, store, tmp_path / "queue", senders_of(ports), ports)
    victim.wait_for_delivery()
    faults = faults_of(outage)
    proxy.behaviour.faults = list(faults)
    if not faults:
        proxy.door.hang_up()
    wait_for_more(victim.senders, 60)
    victim.run.stop()
    victim.start()
    wait_for_more(victim.senders, 60)
    if outage in ("throttled_for_good", "refused_connections"):
        until("the status page to show it", victim.run.failing, 60)
    until("things to go wrong", lambda: not faults or sum(fault.happened for fault in faults) > 3, 60)
    proxy.behaviour.faults = []
    proxy.door.listen()
    victim.end()


def refused_start(folder: Path, exporter: dict[str, Any], env: dict[str, str] | None = None) -> str:
    """Starts a collector that has to end by itself; returns its one error line."""
    ports = Ports()
    config = write_config(folder / "config.yaml", otlp_to({"files": exporter}, ports))
    sets = [f"--set={s}" for s in ports.service_sets()]
    done = run([pharos_binary(), "--config", config, *sets], seconds=90, env=env)
    assert done.returncode == 1, f"exit code {done.returncode}\n{done.stderr[-3000:]}"
    return done.stderr


def test_location_that_cannot_be_used(tmp_path: Path, seaweed: S3) -> None:
    """A bucket that does not exist, a directory that is a file, columns that do not exist."""
    error = refused_start(tmp_path / "a", {"location": "s3://no-such-bucket/x"}, seaweed.environment())
    assert "no-such-bucket" in error
    occupied = tmp_path / "occupied"
    occupied.write_text("a file")
    assert f"{occupied}/files" in refused_start(tmp_path / "b", {"location": f"{occupied}/files"})
    error = refused_start(tmp_path / "c", {"location": str(tmp_path / "c"), "mapping": "ecs"})
    assert "mapping: ecs has no columns for traces" in error or "no columns for metrics" in error


def test_dead_letter(start_pharos: StartPharos, tmp_path: Path) -> None:
    """A record that no row can hold is in the dead letter, and the others are in a file."""
    store, ports = Store(str(tmp_path / "files")), Ports()
    config = durable({"files": {"location": store.location, "roll": {"after": "200ms"}}}, ports, tmp_path / "queue")
    pharos = start_pharos(config, ports)
    request = numbered_logs("a", range(3))
    request.resource_logs[0].scope_logs[0].log_records[1].time_unix_nano = 2**64 - 1
    post(ports.http, request)
    pharos.stop()
    assert_numbers(RecordFiles(store).numbers(), [0, 2])
    letters = (tmp_path / "files" / "dead_letter" / "files-logs.ndjson").read_text().splitlines()
    assert [json.loads(letter)["reason"] for letter in letters] == ["time_out_of_range"]


def assert_numbers(found: Numbers, wanted: list[int]) -> None:
    """These numbers of the sender `a`, each once, and no others."""
    assert found == {("a", n): 1 for n in wanted}


def test_roll_by_size(start_pharos: StartPharos, tmp_path: Path) -> None:
    """Files are written when they are large enough, long before they are old enough."""
    store, ports = Store(str(tmp_path / "files")), Ports()
    exporter = {"location": store.location, "encoding": "otlp_proto", "roll": {"size": "100KB", "after": "1h"}}
    pharos = start_pharos(durable({"files": exporter}, ports, tmp_path / "queue", batch=False), ports)
    for n in range(20):
        post(ports.http, numbered_logs("a", range(n * 10, n * 10 + 10), padding=2_000))
    wait_for_files(store, 2)
    assert all(len(RecordFiles(store).content(path)) > 100_000 for path in store.files("logs"))
    pharos.stop()
    assert_numbers(RecordFiles(store).numbers(), list(range(200)))


def wait_for_files(store: Store, count: int) -> None:
    """Waits until so many files of log records have their names."""
    until(f"{count} files to be there", lambda: len(store.files("logs")) >= count, 30)


def test_names_are_never_given_twice(start_pharos: StartPharos, tmp_path: Path) -> None:
    """A kill of a queue in memory leaves no name that the next run could mistake for its own."""
    store, ports = Store(str(tmp_path / "files")), Ports()
    config = otlp_to({"files": {"location": store.location, "roll": {"after": "100ms"}}}, ports)
    for n in range(2):
        pharos = start_pharos(config, ports, name=f"run-{n}")
        post(ports.http, numbered_logs("a", range(n * 10, n * 10 + 10)))
        wait_for_files(store, n + 1)
        pharos.program.process.kill()
        pharos.program.wait(30)
    assert_numbers(RecordFiles(store).numbers(), list(range(20)))
