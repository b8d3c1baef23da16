"""The documentation tells the truth: examples are accepted, named tests exist, no component is left out."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from rig.places import DEFAULT_CONFIG, ROOT, pharos_binary
from rig.programs import run

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_RUST_TEST = re.compile(r"#\[(?:\w+::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)")
_SKIPPED_FOLDERS = {"target", ".git", "node_modules"}


def examples() -> Iterator[tuple[str, str]]:
    """Every whole configuration in the pages about components, named by page and line."""
    for page in sorted((DOCS / "components").glob("*.md")):
        text = page.read_text()
        for block in _BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            yield f"{page.name}:{line}", block.group(1)


def validate(config: Path) -> str:
    """What `pharos validate` has to say; empty when it accepts the file."""
    env = {name: "from-the-environment" for name in re.findall(r"\$\{env:(\w+)", config.read_text())}
    done = run([pharos_binary(), "validate", "--config", config], env=env, cwd=ROOT)
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def test_default_configuration() -> None:
    """The file that `make run` uses."""
    assert validate(DEFAULT_CONFIG) == ""


def test_there_are_examples() -> None:
    """Guards the test below, which passes when it finds nothing."""
    assert len(list(examples())) >= 5


@pytest.mark.parametrize(("place", "text"), [pytest.param(*e, id=e[0]) for e in examples()])
def test_example(tmp_path: Path, place: str, text: str) -> None:
    """A yaml block of a component's page is a whole configuration that this build accepts."""
    config = tmp_path / (place.replace(":", "-line-") + ".yaml")
    config.write_text(text)
    assert validate(config) == ""


def test_every_component_has_a_page() -> None:
    """What `pharos components` lists is documented, under the component's name."""
    done = run([pharos_binary(), "components"])
    assert done.returncode == 0, done.stderr
    listed = yaml.safe_load(done.stdout)
    pages = {page.stem for page in (DOCS / "components").glob("*.md")}
    text = "\n".join(page.read_text() for page in sorted((DOCS / "components").glob("*.md")))
    missing = []
    for kind in ("receivers", "processors", "exporters", "extensions", "connectors"):
        for component in listed.get(kind) or []:
            name = component["name"]
            if not any(name in page for page in pages) and f"`{name}`" not in text:
                missing.append(f"{kind}: {name}")
    assert not missing


def test_compatibility_names_tests_that_exist() -> None:
    """Each row of docs/compatibility.md that names a test names one that is in the code."""
    page = (DOCS / "compatibility.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| *\d+ *\|", line)]
    assert len(rows) == 100
    named = [(row, code) for row in rows for code in _CODE.findall(row.rstrip().rstrip("|").rpartition("|")[2])]
    assert named, "the last column names no test at all"
    unknown = [f"{code} in: {row}" for row, code in named if not exists(code)]
    assert not unknown


def exists(test: str) -> bool:
    """`path/test_x.py::test_y`, or a Rust test by its path, of which the last part is the function."""
    path, _, function = test.partition(".py::")
    if function:
        file = ROOT / f"{path}.py"
        return file.exists() and f"def {function.partition('[')[0]}(" in file.read_text()
    return test.split("::")[-1] in rust_tests()


@cache
def rust_tests() -> frozenset[str]:
    """The names of all tests in the Rust files of this repository."""
    names: set[str] = set()
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in _SKIPPED_FOLDERS]
        for file in files:
            if file.endswith(".rs"):
                names.update(_RUST_TEST.findall((Path(folder) / file).read_text()))
    return frozenset(names)
