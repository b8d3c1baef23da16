"""Somebody else's readers of our tables: python deltalake and DuckDB, beside `pharos query`.

One SQL text goes to all three; `Lake.rows` fails unless they give the same rows.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_delta
import duckdb_extension_httpfs
from deltalake import DeltaTable, QueryBuilder

from rig.places import pharos_binary
from rig.programs import run
from rig.seaweed import KEY, REGION, S3, SECRET

Row = dict[str, Any]

_TABLES = re.compile(r"\b(otel_\w+|ecs_events)\b")
_TIME_COLUMNS = ("time", "_ingest_time", "ts")


class ReaderFailed(AssertionError):
    """`pharos query` ended with an error."""


@dataclass(frozen=True)
class Lake:
    """The tables below one location, with the configuration that names it."""

    location: str
    config: Path
    s3: S3 | None = None
    sets: tuple[str, ...] = ()

    def rows(self, sql: str) -> list[Row]:
        """The rows of `sql` as all three readers see them, in one canonical order."""
        ours = canonical(self.pharos(sql))
        for name, read in (("deltalake", self.deltalake), ("DuckDB", self.duckdb)):
            theirs = canonical(read(sql))
            assert theirs == ours, f"{name} and pharos query disagree on {sql!r}:\n{theirs[:3]}\n{ours[:3]}"
        return ours

    def table(self, name: str) -> DeltaTable:
        """One table, opened by python deltalake."""
        return DeltaTable(f"{self.location}/{name}", storage_options=self.s3.environment() if self.s3 else None)

    def deltalake(self, sql: str) -> list[Row]:
        """Read by python deltalake."""
        engine = QueryBuilder()
        for name in set(_TABLES.findall(sql)):
            engine = engine.register(name, self.table(name))
        result = engine.execute(sql).read_all()
        return [_plain(row.as_py()) for row in iter(result.to_struct_array())]

    def duckdb(self, sql: str) -> list[Row]:
        """Read by DuckDB's delta extension (the Delta kernel)."""
        with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as db:
            db.execute(f"LOAD '{_extension_file(duckdb_extension_httpfs)}'")
            db.execute(f"LOAD '{_extension_file(duckdb_extension_delta)}'")
            db.execute("SET TimeZone = 'UTC'")
            if self.s3:
                _set_secret(db, self.s3)
            for name in set(_TABLES.findall(sql)):
                db.execute(f"CREATE VIEW {name} AS SELECT * FROM delta_scan('{self.location}/{name}')")
            cursor = db.execute(sql)
            names = [column[0] for column in cursor.description or []]
            return [_plain(dict(zip(names, values, strict=True))) for values in cursor.fetchall()]

    def pharos(self, sql: str) -> list[Row]:
        """Read by `pharos query`."""
        sets = [f"--set={s}" for s in self.sets]
        done = run(
            [pharos_binary(), "query", "--config", self.config, *sets, "--format", "json", sql],
            env=self.s3.environment() if self.s3 else None,
        )
        if done.returncode != 0:
            raise ReaderFailed(f"pharos query {sql!r} ended with {done.returncode}: {done.stderr}")
        return [_plain(row) for row in json.loads(done.stdout)]


def canonical(rows: list[Row]) -> list[Row]:
    """The rows in an order that depends on nothing but their content."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def load_s3(db: duckdb.DuckDBPyConnection, s3: S3) -> None:
    """Lets DuckDB read a bucket."""
    db.execute(f"LOAD '{_extension_file(duckdb_extension_httpfs)}'")
    _set_secret(db, s3)


def _set_secret(db: duckdb.DuckDBPyConnection, s3: S3) -> None:
    host = s3.endpoint.removeprefix("http://")
    db.execute(
        f"CREATE SECRET s (TYPE s3, KEY_ID '{KEY}', SECRET '{SECRET}', REGION '{REGION}', "
        f"ENDPOINT '{host}', USE_SSL false, URL_STYLE 'path')"
    )


def _extension_file(package: Any) -> Path:
    """The loadable file inside the wheel; its folder is named after the DuckDB version."""
    name = package.__name__.removeprefix("duckdb_extension_")
    folder = Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def _plain(row: Mapping[str, Any]) -> Row:
    """One spelling for what the readers spell differently: maps, times, dates."""
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    match value:
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case str() if name in _TIME_COLUMNS:
            return _value(name, datetime.fromisoformat(value))
        case list() | dict() if name.endswith("attributes"):  # a map, or the list of its pairs
            return dict(value)
        case list():
            return [_value(name, inner) for inner in value]
        case dict():
            return {key: _value(key, inner) for key, inner in value.items()}
        case _:
            return value
