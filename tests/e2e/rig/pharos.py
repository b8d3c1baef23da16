"""The program under test: started on free ports, stopped with SIGTERM, its exit code checked."""

import json
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rig.places import pharos_binary
from rig.ports import free_port
from rig.programs import Program
from rig.waiting import until

READY = "Everything is ready"
_UNACCOUNTED = re.compile(r"unaccounted\W+(-?\d+)")
_FOUND = re.compile(r"holds data of an earlier run.*\"items\":(\d+)")
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([^ ]+)$")


@dataclass
class Ports:
    """The ports of one collector."""

    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    beacon: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)

    def sets(self) -> list[str]:
        """Overrides that move the default configuration to these ports."""
        return [
            f"receivers.otlp.protocols.grpc.endpoint=127.0.0.1:{self.grpc}",
            f"receivers.otlp.protocols.http.endpoint=127.0.0.1:{self.http}",
            f"receivers.beacon.endpoint=127.0.0.1:{self.beacon}",
            *self.service_sets(),
        ]

    def service_sets(self) -> list[str]:
        """The overrides for what every configuration has: health and own metrics."""
        reader = f"{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {self.metrics}}}}}}}}}"
        return [
            f"extensions.health_check.endpoint=127.0.0.1:{self.health}",
            f"service.telemetry.metrics.readers=[{reader}]",
        ]


class Pharos:
    """One running collector."""

    def __init__(
        self,
        config: Path,
        folder: Path,
        ports: Ports,
        sets: list[str],
        env: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        self.config, self.ports, self.sets = config, ports, sets
        self.program = Program(
            [pharos_binary(), "--config", config, *(f"--set={s}" for s in sets)],
            log=folder / "pharos.log",
            env=env,
            cwd=folder,
            user=user,
        )

    def wait_ready(self, seconds: float = 60) -> None:
        """Waits until the log says so and the health check agrees."""
        self.program.wait_for_output(READY, seconds)
        url = f"http://127.0.0.1:{self.ports.health}/"
        until("the health check to answer 200", lambda: _get(url)[0] == 200, 15)

    def stop(self, seconds: float = 60) -> None:
        """SIGTERM; a clean stop has exit code 0 and says that it is complete."""
        self.program.terminate()
        code = self.program.wait(seconds)
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.program.tail()}"
        assert "Shutdown complete" in self.program.output(), self.program.tail()
        self.assert_conserved()

    def assert_conserved(self) -> None:
        """At every exporter, accepted = delivered + given up for a stated reason, to the last record."""
        ends = [line for line in self.program.output().splitlines() if "Exporter stopped" in line]
        assert ends, f"no exporter gave account of itself:\n{self.program.tail()}"
        for line in ends:
            unaccounted = _UNACCOUNTED.search(line)
            assert unaccounted, line
            assert unaccounted.group(1) == "0", line

    def reports(self) -> list[dict[str, Any]]:
        """What each exporter said at its end: found, accepted, sent, dropped, stored."""
        ends = [line for line in self.program.output().splitlines() if "Exporter stopped" in line]
        return [json.loads(line.rpartition("\t")[2]) for line in ends]

    def found(self) -> int:
        """Records that queues on disk held when they were opened."""
        return sum(int(items) for items in _FOUND.findall(self.program.output()))

    def resident(self) -> int:
        """Bytes of memory that the process has now (VmRSS)."""
        status = Path(f"/proc/{self.program.process.pid}/status").read_text()
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])

    def failing(self) -> dict[str, str]:
        """The components that the status page shows as failing, with the reason it gives."""
        _, status = self.status()
        pipelines = [part for name, part in status["components"].items() if name.startswith("pipeline:")]
        components = [item for pipeline in pipelines for item in pipeline["components"].items()]
        return {name: part.get("error", "") for name, part in components if part["status"].endswith("Error")}

    def status(self, query: str = "") -> tuple[int, dict[str, Any]]:
        """Code and body of the status page."""
        return self.page(f"/status{query}")

    def page(self, path: str) -> tuple[int, dict[str, Any]]:
        """Code and body of a page of the health check."""
        code, text = _get(f"http://127.0.0.1:{self.ports.health}{path}")
        return code, json.loads(text)

    def is_alive(self) -> bool:
        """What a liveness probe is told."""
        return _get(f"http://127.0.0.1:{self.ports.health}/")[0] == 200

    def reloads(self, outcome: str) -> int:
        """How many reloads ended so (`success`, `failure`)."""
        return int(self.metrics()["otelcol_config_reloads"][f'outcome="{outcome}"'])

    def reload(self, outcome: str = "success") -> None:
        """SIGHUP, and the end of the reload."""
        before = self.reloads(outcome)
        self.program.process.send_signal(signal.SIGHUP)
        until(f"a reload with {outcome}", lambda: self.reloads(outcome) == before + 1, 30, every=0.01)

    def metrics(self) -> dict[str, dict[str, float]]:
        """Own metrics: name -> labels as text -> value."""
        status, text = _get(f"http://127.0.0.1:{self.ports.metrics}/metrics")
        assert status == 200, text
        found: dict[str, dict[str, float]] = {}
        for line in text.splitlines():
            if sample := _SAMPLE.match(line):
                name, labels, value = sample.groups()
                found.setdefault(name, {})[labels or ""] = float(value)
        return found


def otlp_to(exporters: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """A configuration with an OTLP receiver on both protocols in front of `exporters`, all signals."""
    pipeline = {"receivers": ["otlp"], "processors": ["batch"], "exporters": list(exporters)}
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"127.0.0.1:{ports.grpc}"},
                    "http": {"endpoint": f"127.0.0.1:{ports.http}"},
                }
            }
        },
        "processors": {"batch": {"timeout": "200ms"}},
        "exporters": dict(exporters),
        "extensions": {"health_check": {}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {signal: dict(pipeline) for signal in ("logs", "traces", "metrics")},
        },
    }


def delta_to(location: str | Path) -> dict[str, Any]:
    """The delta exporter with commits so often that a test need not wait for them."""
    return {"location": str(location), "commit": {"every": "500ms"}}


def durable(
    exporters: Mapping[str, Any],
    ports: Ports,
    directory: Path,
    queue: Mapping[str, Any] | None = None,
    batch: bool = True,
    shutdown_timeout: str | None = None,
    signals: Sequence[str] = ("logs",),
) -> dict[str, Any]:
    """A configuration for `signals` whose exporters keep their queues in `directory`.

    `queue` is added to each `sending_queue`; without `batch` each request is delivered by itself.
    """
    config = otlp_to(
        {
            name: {**settings, "sending_queue": {"storage": "file_storage", **(queue or {})}}
            for name, settings in exporters.items()
        },
        ports,
    )
    config["extensions"]["file_storage"] = {"directory": str(directory), "create_directory": True}
    service = config["service"]
    service["extensions"].append("file_storage")
    service["pipelines"] = {signal: service["pipelines"][signal] for signal in signals}
    # the account of each exporter is wanted, however many are replaced in a few seconds
    service.setdefault("telemetry", {})["logs"] = {"sampling": {"enabled": False}}
    if not batch:
        del config["processors"]
        for pipeline in service["pipelines"].values():
            del pipeline["processors"]
    if shutdown_timeout:
        service["shutdown_timeout"] = shutdown_timeout
    return config


def write_config(path: Path, config: Mapping[str, Any]) -> Path:
    """Writes a configuration as a person would lay it out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    return path


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
