"""Somebody else's readers of the files that the `files` exporter writes: DuckDB, and the official OTLP messages."""

import gzip
import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from rig.exactness import Numbers
from rig.kills import Store
from rig.readers import load_s3

_ROWS = {
    ".parquet": ("read_parquet({paths}, hive_partitioning=false)", "attributes['{key}']"),
    ".csv": (
        "read_csv({paths}, header=true, all_varchar=true, hive_partitioning=false)",
        "json_extract_string(attributes, '$.{key}')",
    ),
    ".jsonl": (
        "read_json({paths}, format='newline_delimited', columns={{attributes: 'JSON'}}, hive_partitioning=false)",
        "json_extract_string(attributes, '$.{key}')",
    ),
}


@dataclass(frozen=True)
class RecordFiles:
    """The files of log records below a location."""

    store: Store

    def paths(self) -> list[str]:
        """All of them, below the location, sorted."""
        return sorted(self.store.files("logs"))

    def hidden(self, ending: str = "") -> list[str]:
        """What the exporter keeps there for itself."""
        return sorted(path for path in self.store.files("_pharos") if path.endswith(ending))

    def numbers(self) -> Numbers:
        """How often each number of each sender is in the files, whatever their encodings."""
        found: Numbers = Counter()
        for ending, (table, value) in _ROWS.items():
            wanted = [path for path in self.paths() if path.removesuffix(".gz").endswith(ending)]
            if ending == ".jsonl":
                requests = [path for path in wanted if self._is_otlp(path)]
                found.update(number for path in requests for number in self._lines(path))
                wanted = [path for path in wanted if path not in requests]
            if wanted:
                columns = ", ".join(value.format(key=key) for key in ("sender", "n"))
                rows = self.sql(f"SELECT {columns} FROM {table}", wanted)
                found.update((sender, int(n)) for sender, n in rows)
        found.update(number for message in self._messages() for number in _numbers_of(message))
        return found

    def sql(self, query: str, paths: list[str]) -> list[tuple[Any, ...]]:
        """The answer of DuckDB to a query over files, which stand for `{paths}` in it."""
        names = [f"{self.store.location}/{path}" for path in paths]
        with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as db:
            db.execute("SET TimeZone = 'UTC'")
            if self.store.s3:
                load_s3(db, self.store.s3)
            return db.execute(query.format(paths=json.dumps(names).replace('"', "'"))).fetchall()

    def content(self, path: str) -> bytes:
        """One file, unpacked."""
        content = self.store.read(path)
        return gzip.decompress(content) if path.endswith(".gz") else content

    def _is_otlp(self, path: str) -> bool:
        return self.content(path).startswith(b'{"resourceLogs"')

    def _lines(self, path: str) -> Iterator[tuple[str, int]]:
        """The numbers in requests as JSON, one a line."""
        for line in self.content(path).splitlines():
            for resource in json.loads(line)["resourceLogs"]:
                for scope in resource["scopeLogs"]:
                    for record in scope["logRecords"]:
                        values = {entry["key"]: entry["value"] for entry in record["attributes"]}
                        yield values["sender"]["stringValue"], int(values["n"]["intValue"])

    def _messages(self) -> Iterator[ExportLogsServiceRequest]:
        """Requests as protobuf, each behind its length."""
        for path in self.paths():
            if not path.removesuffix(".gz").endswith(".binpb"):
                continue
            content, at = self.content(path), 0
            while at < len(content):
                (length,) = struct.unpack_from(">I", content, at)
                yield ExportLogsServiceRequest.FromString(content[at + 4 : at + 4 + length])
                at += 4 + length


def _numbers_of(request: ExportLogsServiceRequest) -> Iterator[tuple[str, int]]:
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                values = {entry.key: entry.value for entry in record.attributes}
                yield values["sender"].string_value, values["n"].int_value
