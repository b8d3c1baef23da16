"""Where the programs are that the tests drive, and what happens when one is missing."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("PHAROS_TEST_CACHE", ROOT / "target" / "test"))
DEFAULT_CONFIG = ROOT / "otel-config.yaml"


def missing(what: str) -> None:
    """Skips the test with a plain line; in CI the missing program is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing; tests/setup/prepare installs it", pytrace=False)
    pytest.skip(f"{what} is missing; tests/setup/prepare installs it")


def pharos_binary() -> Path:
    """The program under test: $PHAROS_BIN, else the debug build of this checkout."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("PHAROS_BIN", target / "debug" / "pharos"))
    assert path.exists(), f"{path} does not exist: run `make build`"
    return path


def installed(program: str) -> Path:
    """A program of the distribution, such as chromium; servers may be unpacked in the cache only."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", str(CACHE / program / "usr" / "sbin")]
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        missing(program)
    return Path(str(path))


def go_tool(name: str) -> Path:
    """A program built by tests/setup/prepare go: telemetrygen, otelcol."""
    path = CACHE / "go" / "bin" / name
    if not path.exists():
        missing(name)
    return path


def node_folder() -> Path:
    """The folder with the Node SDK and the scripts of tests/node."""
    path = CACHE / "node"
    if not (path / "node_modules").exists():
        missing("the Node SDK")
    return path
