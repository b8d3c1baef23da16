"""strace at a running program: kills it inside a system call, or writes down what it does."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from rig.places import missing
from rig.programs import Program
from rig.waiting import until


class Strace:
    """strace attached to all threads of a program, until it ends or the block is left."""

    def __init__(self, program: Program, log: Path, *options: str) -> None:
        strace = shutil.which("strace")
        if strace is None:
            missing("strace")
        self.log, self._traced = log, program
        self._notes = log.with_suffix(".notes")
        command = [str(strace), "-f", "-o", str(log), *options, "-p", str(program.process.pid)]
        with self._notes.open("wb") as notes:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=notes, stderr=notes)
        until("strace to be attached", self._attached, 20)

    def _attached(self) -> bool:
        """Every thread has its tracer."""
        refused = "Operation not permitted" in self._notes.read_text()
        if refused:
            missing("the permission to trace a process (ptrace)")
        tasks = Path(f"/proc/{self._traced.process.pid}/task")
        tracers = [_tracer(task / "status") for task in tasks.iterdir()]
        return bool(tracers) and all(tracer == self._process.pid for tracer in tracers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def detach(self) -> None:
        """Lets the program go on by itself; the log is complete then."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(30)


def _tracer(status: Path) -> int:
    line = next(line for line in os.fsdecode(status.read_bytes()).splitlines() if line.startswith("TracerPid:"))
    return int(line.split()[1])
