"""A database in memory with the same tables, for numbers that are computed to be answered once and not stored."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.store.migrate import shipped_migrations, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

# What an answer needs besides the derived tables; all of them are small.
COPIED = ("meta", "accounts", "coverage", "findings")


@contextmanager
def scratch(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Yield an empty database in memory that knows the accounts, settings and findings of another."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for script in shipped_migrations().values():
            for statement in statements(script):
                memory.execute(statement)
        for table in COPIED:
            rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  # our own names
            marks = ", ".join("?" * len(rows.description))
            memory.executemany(f"INSERT INTO {table} VALUES ({marks})", map(tuple, rows))  # noqa: S608  # our own names
        yield memory
    finally:
        memory.close()
