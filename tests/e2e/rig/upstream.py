"""Upstream's own programs: its collector and its load generator."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rig.pharos import write_config
from rig.places import go_tool
from rig.ports import free_port
from rig.programs import Program, run

READY = "Everything is ready"


class Otelcol:
    """The upstream collector with one configuration."""

    def __init__(self, folder: Path, name: str, config: Mapping[str, Any]) -> None:
        reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": free_port()}}}}
        service = {**config["service"], "telemetry": {"metrics": {"readers": [reader]}}}
        path = write_config(folder / f"{name}.yaml", {**config, "service": service})
        self.program = Program([go_tool("otelcol"), "--config", path], log=folder / f"{name}.log")

    def wait_ready(self) -> None:
        """Waits until all of its receivers listen."""
        self.program.wait_for_output(READY)

    def stop(self) -> None:
        """SIGTERM, which flushes its files."""
        self.program.terminate()
        assert self.program.wait() == 0, self.program.tail()


def telemetrygen(signal: str, endpoint_port: int, count: int, http: bool, *more: str) -> None:
    """Sends `count` items of one signal (logs, traces, metrics); waits for its end.

    Its default is one item a second, and with nobody listening it retries for minutes: hence
    rate 0 and a limit on its time.
    """
    done = run(
        [
            go_tool("telemetrygen"),
            signal,
            f"--{signal}={count}",
            "--rate=0",
            "--workers=1",
            "--otlp-insecure",
            f"--otlp-endpoint=127.0.0.1:{endpoint_port}",
            *(["--otlp-http"] if http else []),
            '--otlp-attributes=rack="r-17"',
            '--telemetry-attributes=shelf="top"',
            "--telemetry-attributes=retries=3",
            "--telemetry-attributes=hot=true",
            *more,
        ],
        seconds=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
