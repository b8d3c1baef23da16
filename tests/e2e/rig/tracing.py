"""strace at a running program: kills it inside a system call, or writes down what it does."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Call:
    """A system call. `begun` and `ended` are places in the order in which strace saw things happen."""

    name: str
    # what the descriptor in its first argument stands for: a path, or both addresses of a connection
    file: str
    data: bytes
    result: int
    begun: int
    ended: int


_BEGUN = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_RESULT = re.compile(r"\)\s*= (-?\d+)")
_FILE = re.compile(r"^\d+<(.*?)>[ ,)]")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def calls(log: Path) -> list[Call]:
    """The completed calls of a trace that was written with `-yy -xx`, in the order of their end."""
    found: list[Call] = []
    open_calls: dict[str, tuple[int, str, str]] = {}
    for at, line in enumerate(log.read_text(errors="replace").splitlines()):
        if resumed := _RESUMED.match(line):
            thread, name, rest = resumed.groups()
            begun, _, text = open_calls.pop(thread, (at, name, ""))
            text += rest
        elif whole := _BEGUN.match(line):
            thread, name, text = whole.groups()
            begun = at
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = (at, name, text.removesuffix("<unfinished ...>"))
                continue
        else:
            continue
        if result := _RESULT.search(text):
            file = _FILE.match(text)
            data = b"".join(bytes.fromhex(hexed.replace("\\x", "")) for hexed in _STRING.findall(text))
            found.append(Call(name, _plain(file.group(1)) if file else "", data, int(result.group(1)), begun, at))
    return found


def _plain(name: str) -> str:
    """A name as it was before strace wrote it in hexadecimal."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte.group(1), 16)), name)
