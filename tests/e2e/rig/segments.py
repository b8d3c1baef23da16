"""The files of a queue on disk, read by what docs/wal.md says of them and nothing else."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from rig.numbered import numbers_in

_FROZEN = struct.Struct("<8sI16s")
_ENTRIES = 512
_ENTRY = struct.Struct("<4sIQQIIIIII")
_ENTRY_HEADER = _ENTRY.size
_MARKER = bytes((0xF5, 0x50, 0x57, 0x65))
_PAGE = 4096


def _crc32c_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC32C = [_crc32c_of(byte) for byte in range(256)]


def crc32c(content: bytes) -> int:
    """The checksum of the queue's files, CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@dataclass(frozen=True)
class StoredEntry:
    """One entry: where its header begins in the file, and what the header says."""

    offset: int
    length: int
    sequence: int
    items: int
    checksum: int

    @property
    def payload_at(self) -> int:
        """Where the payload begins."""
        return self.offset + _ENTRY_HEADER


def segments(folder: Path) -> list[Path]:
    """The segments of a log, in their order."""
    return sorted(folder.glob("*.wal"))


def quarantined(folder: Path) -> list[Path]:
    """Files that were set aside because of damage."""
    return sorted(folder.glob("*.quarantined"))


def entries(segment: Path) -> Iterator[StoredEntry]:
    """The entries of a segment of an orderly closed log, up to the first place without one."""
    with segment.open("rb") as file:
        magic, version, _ = _FROZEN.unpack(file.read(_FROZEN.size))
        assert (magic, version) == (b"PHAROSWL", 1), segment
        at = _ENTRIES
        while True:
            file.seek(at)
            header = file.read(_ENTRY_HEADER)
            if len(header) < _ENTRY_HEADER:
                return
            marker, length, sequence, _, _, items, checksum, *_ = _ENTRY.unpack(header)
            if marker != _MARKER:
                return
            yield StoredEntry(at, length, sequence, items, checksum)
            at += _ENTRY_HEADER + (length + 7) // 8 * 8


def held(folder: Path, consumer: str) -> dict[int, set[tuple[str, int]]]:
    """The numbered log records of each entry that the consumer is not known to have delivered, by its sequence.

    Not of those that a kill cut off while they were written.
    """
    first = cursors(folder)[consumer]
    found = {}
    for segment in segments(folder):
        content = segment.read_bytes()
        for entry in entries(segment):
            payload = content[entry.payload_at : entry.payload_at + entry.length]
            if entry.sequence >= first and len(payload) == entry.length and crc32c(payload) == entry.checksum:
                found[entry.sequence] = set(numbers_in(ExportLogsServiceRequest.FromString(payload)))
    return found


def cursors(folder: Path) -> dict[str, int]:
    """Each consumer's first entry that is not acknowledged, as it is on disk."""
    content = (folder / "cursors").read_bytes()
    found: dict[str, int] = {}
    for place in range(1, 32):
        pages = [content[(1 + 2 * place + n) * _PAGE :][:128] for n in range(2)]
        newest = max(pages, key=lambda page: int.from_bytes(page[:8], "little"))
        if newest[32] == 1:
            name = newest[34 : 34 + newest[33]].decode()
            found[name] = int.from_bytes(newest[8:16], "little")
    return found
