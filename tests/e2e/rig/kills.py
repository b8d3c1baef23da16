"""A collector with a durable queue in front of Delta tables, killed again and again under load.

What counts is proved from outside: senders that number every record, the table as other programs
read it, and the files of the queue.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig.exactness import Numbers, assert_exactly_once, stored_numbers
from rig.numbered import TABLES
from rig.pharos import Pharos, Ports, durable, write_config
from rig.proxy import Answer, Fault, Proxy, Reset
from rig.readers import Lake
from rig.seaweed import S3
from rig.segments import cursors
from rig.steady import SteadySender, acknowledged, finish, start, wait_for_more
from rig.waiting import until

_COMMIT = re.compile(r"_delta_log/(\d{20})\.json$")


@dataclass(frozen=True)
class Store:
    """Where the table is: a directory, or a bucket that is reached through a proxy."""

    location: str
    s3: S3 | None = None
    proxy: Proxy | None = None

    def environment(self) -> Mapping[str, str] | None:
        """What the collector needs to write there."""
        return S3(f"http://127.0.0.1:{self.proxy.port}").environment() if self.proxy else None

    def files(self, folder: str = "otel_logs") -> list[str]:
        """The files of a folder, of the table of logs for one, by their path below the location."""
        if self.s3 is None:
            return [str(p.relative_to(self.location)) for p in Path(self.location, folder).rglob("*.*") if p.is_file()]
        bucket, _, prefix = self.location.removeprefix("s3://").partition("/")
        pages = self.s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/{folder}/")
        return [o["Key"].removeprefix(f"{prefix}/") for page in pages for o in page.get("Contents", [])]

    def read(self, path: str) -> bytes:
        """One file."""
        if self.s3 is None:
            return Path(self.location, path).read_bytes()
        bucket, _, prefix = self.location.removeprefix("s3://").partition("/")
        content: bytes = self.s3.client().get_object(Bucket=bucket, Key=f"{prefix}/{path}")["Body"].read()
        return content


@dataclass(frozen=True)
class Table:
    """The table at one moment, as its files have it."""

    versions: list[int]
    # data files that no commit names
    unreferenced: list[str]
    # the highest entry of the queue that a commit covers
    covered: int
    # the most partitions that one commit has files in
    widest: int

    @classmethod
    def of(cls, store: Store, table: str = "otel_logs") -> "Table":
        """Reads the whole log of the table."""
        files = store.files(table)
        commits = sorted(path for path in files if _COMMIT.search(path))
        named: set[str] = set()
        covered = widest = 0
        for path in commits:
            days = set()
            for action in map(json.loads, store.read(path).splitlines()):
                if added := action.get("add"):
                    named.add(added["path"].replace("%3D", "="))
                    days.add(added["partitionValues"]["date"])
                covered = max(covered, action.get("txn", {}).get("version", 0))
            widest = max(widest, len(days))
        data = [path.removeprefix(f"{table}/") for path in files if path.endswith(".parquet")]
        unreferenced = [path for path in data if "_delta_log" not in path and path not in named]
        return cls([int(path[-25:-5]) for path in commits], unreferenced, covered, widest)


@dataclass(frozen=True)
class Kill:
    """What a kill met."""

    # requests whose answer it cut off
    cut: int
    # items on disk that were not known to be delivered
    found: int

    @property
    def counts(self) -> bool:
        """Whether anything was at stake."""
        return self.cut > 0 or self.found > 0


@dataclass
class Victim:
    """A collector that is killed and started again on the same queue and ports."""

    start_pharos: Callable[..., Pharos]
    store: Store
    queue: Path
    senders: Sequence[SteadySender]
    ports: Ports
    batch: bool = True
    # of the exporter, beside its location
    delta: dict[str, Any] = field(default_factory=dict)
    # what it has, see rig.numbered
    tables: Sequence[str] = ("otel_logs",)
    # beside `delta`, on the same queue
    others: dict[str, Any] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    runs: int = 0
    run: Pharos = field(init=False)

    def __post_init__(self) -> None:
        """Starts the first run and the load."""
        self.start()
        start(self.senders)

    def exporter(self) -> tuple[str, dict[str, Any]]:
        """The exporter under test: its id and its settings."""
        return "delta", {"location": self.store.location, "commit": {"every": "100ms"}, **self.delta}

    def configuration(self) -> dict[str, Any]:
        """That of the next run, or of the next reload."""
        exporter, settings = self.exporter()
        settings = {"retry_on_failure": {"initial_interval": "100ms", "max_interval": "1s"}, **settings}
        exporters = {exporter: settings, **self.others}
        return durable(exporters, self.ports, self.queue, batch=self.batch, signals=self.signals)

    def start(self) -> None:
        """The next run."""
        self.runs += 1
        environment, name = self.store.environment(), f"run-{self.runs:03}"
        self.run = self.start_pharos(self.configuration(), self.ports, env=environment, name=name)

    def reload(self, **delta: Any) -> None:
        """Changes settings of `delta` while it runs."""
        self.delta.update(delta)
        write_config(self.run.config, self.configuration())
        self.run.reload()

    def kill(self) -> None:
        """SIGKILL, from whatever thread."""
        self.run.program.process.kill()

    @property
    def signals(self) -> list[str]:
        """Those that its tables keep; each has a pipeline, and so a queue, of its own."""
        return sorted({TABLES[table] for table in self.tables})

    @property
    def log(self) -> Path:
        """The directory of the queue of logs."""
        return self.queue / "queue" / "logs"

    def cursor(self, signal: str = "logs") -> int:
        """The first entry that is not known to be delivered, as the files of the queue say."""
        return cursors(self.queue / "queue" / signal)[self.exporter()[0]]

    def wait_for_delivery(self) -> None:
        """Waits until this run has delivered something of each signal and stored how far it is."""
        before = {signal: self.cursor(signal) for signal in self.signals}

        def moved() -> bool:
            return all(self.cursor(signal) > position for signal, position in before.items())

        until("the exporter's position to move", moved, 60, every=0.02)

    def bury(self, seconds: float = 60) -> None:
        """Waits until the process is gone."""
        code = self.run.program.wait(seconds)
        assert code == -9, f"ended by itself with {code}:\n{self.run.program.tail()}"

    def resume(self, progress: int = 1) -> Kill:
        """Starts the next run after a kill, and waits until senders are served again."""
        unknown = sum(sender.unknown for sender in self.senders)
        before = self._unknown_before
        self.start()
        kill = Kill(unknown - before, self.run.found())
        self.kills.append(kill)
        wait_for_more(self.senders, progress)
        return kill

    def note(self) -> None:
        """Remembers what senders know, before a kill."""
        self._unknown_before = sum(sender.unknown for sender in self.senders)

    _unknown_before: int = 0

    def end(self) -> None:
        """The load ends, a clean stop delivers everything, and what is stored is compared with the senders."""
        finish(self.senders)
        until("the queue to be delivered", self.delivered, 120, every=0.2)
        self.run.stop()
        for table in self.tables:
            of_it = [sender for sender in self.senders if sender.signal == TABLES[table]]
            assert_exactly_once(self.stored(table), of_it)

    def stored(self, table: str) -> Numbers:
        """What other programs find stored."""
        return stored_numbers(Lake(self.store.location, self.run.config, self.store.s3), table)

    def delivered(self) -> bool:
        """Whether nothing waits for any exporter."""
        size = self.run.metrics().get("otelcol_exporter_queue_size", {"": -1.0})
        return sum(size.values()) == 0

    def report(self) -> str:
        """One line about the kills."""
        cut, found = sum(k.cut for k in self.kills), sum(k.found for k in self.kills)
        counted = sum(k.counts for k in self.kills)
        return (
            f"{len(self.kills)} kills ({counted} with something at stake), {cut} answers cut off, "
            f"{found} items found again, {acknowledged(self.senders)} requests acknowledged"
        )


def hit(victim: Victim, at_disk: Callable[[], None], in_proxy: Fault) -> None:
    """Kills the collector when the window opens, and waits until it is gone: by `at_disk`, or by the fault in the
    proxy in front of S3."""
    proxy = victim.store.proxy
    if proxy is None:
        at_disk()
        victim.bury()
        return
    fired = threading.Event()

    def kill() -> Answer | None:
        victim.kill()
        fired.set()
        raise Reset

    in_proxy.do = kill
    proxy.behaviour.faults.append(in_proxy)
    assert fired.wait(60), f"the window did not open; passed: {proxy.passed[-5:]}"
    victim.bury()


def hit_between_data_and_commit(victim: Victim, at_disk: Callable[[], None], in_proxy: Callable[[], Fault]) -> None:
    """As `hit`, until a data file is there that no commit names. On a local disk the commit follows the data within
    milliseconds, so that a kill may come too late: that one was a kill like any other, and another is tried."""

    def unreferenced() -> int:
        return sum(len(Table.of(victim.store, table).unreferenced) for table in victim.tables)

    for _ in range(10):
        before = unreferenced()
        hit(victim, at_disk, in_proxy())
        if unreferenced() > before:
            return
        victim.resume(20)
        victim.note()
    raise AssertionError("every data file was committed before the collector was gone")


def not_armed() -> Answer | None:
    """What a fault does before `hit` has armed it."""
    raise AssertionError("the fault was not armed")
