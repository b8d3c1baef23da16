"""The readers' side of numbered records: which are lost, which are there twice."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from rig.readers import Lake
from rig.sender import Tally


class Numbered(Protocol):
    """A sender that kept account."""

    @property
    def tally(self) -> Tally:
        """What became of its numbers."""


Numbers = Counter[tuple[str, int]]


def stored_numbers(lake: Lake, table: str = "otel_logs") -> Numbers:
    """How often each number of each sender is in the table; all readers agree on the totals."""
    totals = lake.rows(f"select service_name as sender, count(*) as stored from {table} group by 1")
    if table == "ecs_events":
        rows = lake.deltalake(f"select service_name as sender, extra, count(*) as copies from {table} group by 1, 2")
        rows = [{**row, "n": json.loads(row["extra"])["n"]} for row in rows]
    else:
        number = "attributes['sender'] as sender, attributes['n'] as n"
        rows = lake.deltalake(f"select {number}, count(*) as copies from {table} group by 1, 2")
    found: Numbers = Counter()
    for row in rows:
        found[row["sender"], int(row["n"])] += row["copies"]
    by_sender: Counter[str] = Counter()
    for (sender, _), copies in found.items():
        by_sender[sender] += copies
    assert {t["sender"]: t["stored"] for t in totals} == by_sender
    return found


def assert_none_lost(stored: Numbers, senders: Iterable[Numbered]) -> None:
    """Acknowledged: at least once."""
    for sender in senders:
        name, acknowledged = sender.tally.name, sender.tally.acknowledged
        lost = sorted(n for n in acknowledged if stored[name, n] == 0)
        assert not lost, f"{name}: {len(lost)} of {len(acknowledged)} acknowledged are lost: {ranges(lost)}"


def repeated(stored: Numbers) -> set[tuple[str, int]]:
    """Numbers that are there more than once."""
    return {number for number, copies in stored.items() if copies > 1}


def assert_exactly_once(stored: Numbers, senders: Iterable[Numbered]) -> None:
    """Acknowledged: exactly once. Without an answer: at most once. Nothing else."""
    senders = list(senders)
    assert_none_lost(stored, senders)
    for sender in senders:
        name = sender.tally.name
        twice = sorted(n for who, n in repeated(stored) if who == name)
        assert not twice, f"{name}: {len(twice)} stored twice: {ranges(twice)}"
    sent = {(s.tally.name, n) for s in senders for n in s.tally.acknowledged | s.tally.uncertain}
    assert stored.keys() <= sent


def ranges(numbers: list[int]) -> str:
    """Sorted numbers as a person reads them: `0-19, 40-59`, at most ten ranges."""
    found: list[list[int]] = []
    for n in numbers:
        if found and n == found[-1][1] + 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    shown = ", ".join(f"{first}-{last}" for first, last in found[:10])
    return shown + (" ..." if len(found) > 10 else "")
