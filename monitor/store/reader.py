"""Read-only connections, for commands that answer at once: nothing but the standard library is imported here.

A reader works beside a running writer (WAL) and without one. It never creates, migrates or changes anything.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import DatabaseMissing, DatabaseTooNew, StoreError
from monitor.store.failures import store_error
from monitor.store.remembered import Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MIGRATION_SET = "monitor"
BUSY_SECONDS = 5.0
# Read through the system's own page cache: a copy into SQLite's, which a question about all assets overflows, takes as
# long as the question. Address space only; SQLite maps 2 GiB at most and reads the rest of a larger file the usual way,
# so that a question about all assets, 2,000 pages, must find room in its own cache: beyond the map alone it fills it.
MAPPED, CACHED = 2**38, 16_384  # bytes, KiB
# Listed from the folder: importlib.resources, which reads their text, takes 15 ms to import, the listing none.
SHIPPED = frozenset(
    file.name.removesuffix(".sql")
    for file in (Path(__file__).parent / "migrations").iterdir()
    if file.name.endswith(".sql")
)


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection whose rows can be read by column name.

    Raises:
        DatabaseMissing: there is no file at `path`.
        DatabaseTooNew: it holds migrations this version does not know.
        StoreError: it is no database of the monitor's, was never brought up to date, or cannot be read.
    """
    if not path.exists():
        raise DatabaseMissing(
            f"There is no database at {path}.", "Run `monitor sync` or `monitor import` first, or name one with --db."
        )
    try:
        connection = sqlite3.connect(
            address(path), uri=True, isolation_level=None, timeout=BUSY_SECONDS, factory=Reader
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA mmap_size = {MAPPED}")
            connection.execute(f"PRAGMA cache_size = -{CACHED}")
            check_version(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise (store_error(error, path) or error) from error
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read for a `with` block; what SQLite reports inside becomes a `StoreError` with a remedy."""
    connection = open_reader(path)
    try:
        yield connection
    except sqlite3.Error as error:
        raise (store_error(error, path) or error) from error
    finally:
        connection.close()


def address(path: Path) -> str:
    """Return the URI to open: immutable where neither this process nor a writer could make the WAL's files."""
    resolved = path.resolve()
    effective = os.access in os.supports_effective_ids
    writable = os.access(resolved.parent, os.W_OK, effective_ids=effective)
    frozen = not writable and not Path(f"{resolved}-wal").exists()
    return f"{resolved.as_uri()}?mode=ro{'&immutable=1' if frozen else ''}"


def applied_migrations(connection: sqlite3.Connection, path: Path, known: Collection[str] = SHIPPED) -> frozenset[str]:
    """Return the names of the migrations a database holds, empty for a new one.

    Raises:
        DatabaseTooNew: one of them is not `known`.
        StoreError: the file has tables, but none of ours.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return frozenset()
    applied: frozenset[str] = frozenset()
    if "_sqlite_migrations" in tables:
        rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", [MIGRATION_SET])
        applied = frozenset(name for (name,) in rows)
    if not applied and tables != {"_sqlite_migrations"}:
        raise StoreError(f"{path} is an SQLite database of another program.", "Name the monitor's own file with --db.")
    if unknown := sorted(applied.difference(known)):
        raise DatabaseTooNew(
            f"The database {path} was written by a newer version: it holds {', '.join(unknown)}.",
            "Install that version, or restore a backup made before it.",
        )
    return applied


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that this version cannot read: newer, older, or not the monitor's."""
    if missing := sorted(SHIPPED - applied_migrations(connection, path)):
        raise StoreError(
            f"The database {path} lacks {', '.join(missing)}.",
            "Run `monitor sync` or `monitor run` once: writing brings it up to date.",
        )
