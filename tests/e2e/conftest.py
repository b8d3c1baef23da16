"""Fixtures: the program under test, the servers around it, and a clean end of each."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from rig.kills import Store
from rig.otlp_sink import OtlpSink
from rig.pharos import Pharos, Ports, write_config
from rig.proxy import Behaviour, Proxy
from rig.seaweed import S3, Seaweed

_BUCKETS = itertools.count(1)


class StartPharos(Protocol):
    """Starts a collector that is killed at the end of the test when it still runs."""

    def __call__(
        self,
        config: Mapping[str, Any] | Path,
        ports: Ports | None = None,
        sets: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "pharos",
    ) -> Pharos:
        """`config` is a mapping to write down, or a file; `sets` are added to the ports' own."""


class StartProxy(Protocol):
    """Starts a proxy that is closed at the end of the test."""

    def __call__(self, target_port: int, behaviour: Behaviour) -> Proxy:
        """Forwards to `target_port` of this host."""


class StartSink(Protocol):
    """Starts an OTLP destination that is closed at the end of the test."""

    def __call__(self, delay: float = 0.0, listening: bool = True) -> OtlpSink:
        """Answers after `delay` seconds, or refuses connections until told to listen."""


@pytest.fixture
def start_pharos(tmp_path: Path) -> Iterator[StartPharos]:
    """Starts the real binary, waits until it is ready, ends it with the test."""
    running: list[Pharos] = []

    def start(
        config: Mapping[str, Any] | Path,
        ports: Ports | None = None,
        sets: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "pharos",
    ) -> Pharos:
        ports = ports or Ports()
        folder = tmp_path / name
        folder.mkdir()
        path = config if isinstance(config, Path) else write_config(folder / "config.yaml", config)
        pharos = Pharos(path, folder, ports, [*ports.service_sets(), *(sets or [])], env)
        running.append(pharos)
        pharos.wait_ready()
        return pharos

    yield start
    for pharos in running:
        pharos.program.kill()


@pytest.fixture
def start_proxy() -> Iterator[StartProxy]:
    """Starts proxies and closes them with the test."""
    with ExitStack() as stack:

        def start(target_port: int, behaviour: Behaviour) -> Proxy:
            proxy = Proxy(target_port, behaviour)
            stack.callback(proxy.close)
            return proxy

        yield start


@pytest.fixture
def start_sink() -> Iterator[StartSink]:
    """Starts OTLP destinations and closes them with the test."""
    with ExitStack() as stack:

        def start(delay: float = 0.0, listening: bool = True) -> OtlpSink:
            sink = OtlpSink(delay, listening=listening)
            stack.callback(sink.close)
            return sink

        yield start


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One S3 server for the whole run; each test makes its own bucket."""
    server = Seaweed(tmp_path_factory.mktemp("seaweed") / "server")
    try:
        server.wait_ready()
        yield server.s3
    finally:
        server.program.kill()


@pytest.fixture
def bucket(seaweed: S3, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty bucket and returns its URL."""

    def make() -> str:
        # tests of several files have the same name, and one server
        words = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")
        return seaweed.make_bucket(f"{words[:40].strip('-')}-{next(_BUCKETS)}")

    return make


@pytest.fixture(params=["disk", "s3"])
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    start_proxy: StartProxy,
) -> Store:
    """A directory, or a bucket behind a proxy."""
    if request.param == "disk":
        return Store(str(tmp_path / "lake"))
    seaweed: S3 = request.getfixturevalue("seaweed")
    bucket: Callable[[], str] = request.getfixturevalue("bucket")
    proxy = start_proxy(int(seaweed.endpoint.rpartition(":")[2]), Behaviour())
    return Store(f"{bucket()}/lake", seaweed, proxy)
