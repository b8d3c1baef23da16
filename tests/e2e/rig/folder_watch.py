"""What happens to the names in a folder, told by the kernel (inotify) as it happens."""

import ctypes
import os
import select
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_APPEARED = 0x00000100 | 0x00000080  # IN_CREATE, IN_MOVED_TO
_GONE = 0x00000200 | 0x00000040  # IN_DELETE, IN_MOVED_FROM
_HEAD = struct.Struct("iIII")


@dataclass(frozen=True)
class Change:
    """A name that appeared in a folder, or is gone from it."""

    name: str
    appeared: bool


class FolderWatch:
    """Watches folders that exist, from its construction on."""

    def __init__(self, *folders: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for folder in folders:
            watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _APPEARED | _GONE)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {folder}")

    def changes(self, seconds: float) -> Iterator[Change]:
        """Each change as it happens; ends with an error when there is none for so long."""
        while True:
            end = time.monotonic() + seconds
            readable, _, _ = select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))
            assert readable, f"nothing changed for {seconds:g} s"
            yield from _parse(os.read(self._descriptor, 1 << 16))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def _parse(events: bytes) -> Iterator[Change]:
    at = 0
    while at < len(events):
        _, mask, _, length = _HEAD.unpack_from(events, at)
        name = events[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0").decode()
        at += _HEAD.size + length
        yield Change(name, bool(mask & _APPEARED))
