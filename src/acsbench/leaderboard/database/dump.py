"""A database as lines of JSON, the same for SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, func, insert, select

from acsbench.leaderboard.database.tables import METADATA

ROWS_AT_ONCE = 100
"""Rows that are held in memory: each may carry an upload."""


def dump(connection: Connection, file: Path) -> dict[str, int]:
    """Write all tables to a gzip file, a row a line.

    Args:
        connection: in a transaction that sees one state throughout.
        file: to write.

    Returns:
        Rows by table.
    """
    counts = {}
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=6) as lines:
        # Sorted: a table comes after those that it points to.
        for table in METADATA.sorted_tables:
            keys = list(table.primary_key.columns)
            found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
                select(table).order_by(*keys)
            )
            counts[table.name] = 0
            for row in found.mappings():
                lines.write(_line(table.name, dict(row)) + "\n")
                counts[table.name] += 1
    return counts


def load(connection: Connection, file: Path) -> dict[str, int]:
    """Put the rows of such a file into a database that has the tables and no rows.

    The tables are taken as they are there, so that a file of an earlier revision can be loaded
    into a database of that revision and upgraded.

    Returns:
        Rows by table.
    """
    there = MetaData()
    there.reflect(connection)
    counts = dict.fromkeys((table.name for table in METADATA.sorted_tables), 0)
    for name, rows in _batches(file):
        connection.execute(insert(there.tables[name]), rows)
        counts[name] = counts.get(name, 0) + len(rows)
    if connection.dialect.name == "postgresql":
        _advance_sequences(connection, there)
    return counts


def _line(table: str, row: dict[str, Any]) -> str:
    """JSON of a row; bytes and times, which JSON lacks, stand apart."""
    content: dict[str, dict[str, Any]] = {"row": {}, "bytes": {}, "times": {}}
    for column, value in row.items():
        if isinstance(value, bytes):
            content["bytes"][column] = base64.b64encode(value).decode()
        elif isinstance(value, datetime):
            content["times"][column] = value.isoformat()
        else:
            content["row"][column] = value
    return json.dumps({"table": table, **content}, ensure_ascii=False)


def _row(content: dict[str, Any]) -> dict[str, Any]:
    return {
        **content["row"],
        **{column: base64.b64decode(value) for column, value in content["bytes"].items()},
        **{column: datetime.fromisoformat(value) for column, value in content["times"].items()},
    }


def _batches(file: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of one table and with the same columns, some at a time."""
    batch: list[dict[str, Any]] = []
    name = ""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for content in map(json.loads, lines):
            row = _row(content)
            new = content["table"] != name or (batch and batch[0].keys() != row.keys())
            if batch and (new or len(batch) == ROWS_AT_ONCE):
                yield name, batch
                batch = []
            name = content["table"]
            batch.append(row)
    if batch:
        yield name, batch


def _advance_sequences(connection: Connection, tables: MetaData) -> None:
    """Let new rows get ids after those that were loaded."""
    for table in tables.sorted_tables:
        if "id" in table.columns:
            newest = connection.scalar(select(func.max(table.c.id)))
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, newest or 1, newest is not None)))
