"""Waiting for a fact instead of sleeping: every wait has a deadline and says what it waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Deadline(AssertionError):
    """Something that had to happen did not."""


def until(what: str, probe: Callable[[], T | None], seconds: float = 30, every: float = 0.05) -> T:
    """Calls `probe` until its answer is truthy and returns that answer.

    Exceptions of the probe count as "not yet"; the last one is shown when the deadline passes.
    """
    end = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = answer
        except Exception as problem:
            last = problem
        if time.monotonic() > end:
            raise Deadline(f"waited {seconds:g} s for {what}; last seen: {last!r}")
        time.sleep(every)
