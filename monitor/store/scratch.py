"""Derived tables in memory beside the database they are of, for numbers that are computed to be answered once."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.store.migrate import shipped_migrations, statements
from monitor.store.reader import MAPPED, address

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a computation brings; every other table is read where it is.
OWN = frozenset({"pools", "track", "segments", "lots", "reliefs", "marks", "tips"})


@contextmanager
def scratch(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Yield a connection with empty derived tables of its own, which reads all others from another one's database."""
    memory = sqlite3.connect("file::memory:", uri=True, isolation_level=None)
    try:
        for script in shipped_migrations().values():
            for statement in statements(script):
                memory.execute(statement)
        for (table,) in memory.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table not in OWN and not table.startswith("sqlite_"):
                memory.execute(f"DROP TABLE {table}")
        # A name that memory does not have is looked up in what is attached.
        memory.execute("ATTACH DATABASE ? AS desk", (address(_path(connection)),))
        memory.execute(f"PRAGMA desk.mmap_size = {MAPPED}")
        yield memory
    finally:
        memory.close()


def _path(connection: sqlite3.Connection) -> Path:
    return Path(next(file for _, name, file in connection.execute("PRAGMA database_list") if name == "main"))
