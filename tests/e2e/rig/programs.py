"""Child processes: their output in a file, their end under our control."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rig.waiting import until


class Program:
    """A running child process."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
    ) -> None:
        self.name = Path(argv[0]).name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                user=user,
                start_new_session=True,
            )

    def output(self) -> str:
        """All that the program printed so far."""
        return self.log.read_text(errors="replace")

    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process.poll() is None

    def wait_for_output(self, text: str, seconds: float = 30) -> None:
        """Waits until `text` was printed; fails at once when the program ends before."""

        def seen() -> bool:
            return text in self.output() or not self.running()

        until(f"{self.name} to print {text!r}", seen, seconds)
        assert text in self.output(), f"{self.name} ended with {self.process.returncode}:\n{self.tail()}"

    def tail(self, lines: int = 60) -> str:
        """The last lines of the output."""
        return "\n".join(self.output().splitlines()[-lines:])

    def terminate(self) -> None:
        """Asks the program to stop (SIGTERM) and does not wait."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 60) -> int:
        """Waits for the end and returns the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds:g} s:\n{self.tail()}") from None

    def kill(self) -> None:
        """Ends the program at once (SIGKILL), when it still runs."""
        if self.running():
            self.process.kill()
        self.process.wait(30)


def run(
    argv: Sequence[str | Path],
    seconds: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, without standard input, and returns exit code and output."""
    return subprocess.run(
        [str(a) for a in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        user=user,
        check=False,
    )
