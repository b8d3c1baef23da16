"""Control groups with a memory limit, version 2 or 1, whichever this machine lets us write."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rig.waiting import until


@dataclass(frozen=True)
class MemoryGroup:
    """A group of processes that is killed rather than let past its limit."""

    folder: Path
    version: int

    def wrap(self, program: Path, script: Path) -> Path:
        """Writes a script that starts `program` inside the group: its limit is there from the first byte on."""
        script.write_text(f'#!/bin/sh\necho $$ > {self.folder}/cgroup.procs\nexec {program} "$@"\n')
        script.chmod(0o755)
        return script

    def kills(self) -> int:
        """How many of its processes the kernel has killed for lack of memory."""
        file = "memory.events" if self.version == 2 else "memory.oom_control"
        fields = dict(line.split() for line in (self.folder / file).read_text().splitlines())
        return int(fields["oom_kill"])

    def peak(self) -> int:
        """The most bytes that were charged to it, cached files included; 0 where that is not told."""
        file = self.folder / ("memory.peak" if self.version == 2 else "memory.max_usage_in_bytes")
        return int(file.read_text()) if file.exists() else 0

    def is_empty(self) -> bool:
        """Whether no process is in it."""
        return not (self.folder / "cgroup.procs").read_text().split()


def _hierarchies() -> Iterator[tuple[Path, int]]:
    """Where groups with memory limits can be made: the mount points, newest version first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        mount_point = Path(place.split()[4])
        name, _, options = kind.split(maxsplit=2)
        if name == "cgroup2" and "memory" in (mount_point / "cgroup.controllers").read_text().split():
            found.append((mount_point, 2))
        if name == "cgroup" and "memory" in options.split(","):
            found.append((mount_point, 1))
    yield from sorted(found, key=lambda where: -where[1])


def _make(limit: int) -> MemoryGroup:
    """Tries every hierarchy; raises the last refusal."""
    problem: OSError = FileNotFoundError("no control groups with memory limits are mounted")
    for mount_point, version in _hierarchies():
        folder = mount_point / f"pharos-test-{uuid.uuid4().hex[:12]}"
        try:
            if version == 2:
                control = mount_point / "cgroup.subtree_control"
                if "memory" not in control.read_text().split():
                    control.write_text("+memory")
            folder.mkdir()
        except OSError as refused:
            problem = refused
            continue
        try:
            (folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).write_text(str(limit))
            if version == 2:
                (folder / "memory.swap.max").write_text("0")
        except OSError as refused:
            folder.rmdir()
            problem = refused
            continue
        return MemoryGroup(folder, version)
    raise problem


@contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup]:
    """A group of at most `limit` bytes, removed at the end. Without one the test is skipped; in CI it fails."""
    try:
        group = _make(limit)
    except OSError as refused:
        reason = f"cannot make a control group with a memory limit here: {refused}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    try:
        yield group
    finally:
        until("the processes of the group to end", group.is_empty, 30)
        group.folder.rmdir()
