"""The one way to write: a single process, a single read-write connection, a lock that names its holder.

WAL with synchronous=FULL, because NORMAL loses acknowledged commits when the power fails. Every write is a
`BEGIN IMMEDIATE` transaction. Functions of this package that take a `Writer` open a transaction of their own;
those that take a `Connection` join the one that is open.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from monitor.errors import StoreError
from monitor.store.failures import store_error
from monitor.store.lock import WriteLock
from monitor.store.migrate import migrate, shipped_migrations
from monitor.store.reader import BUSY_SECONDS, applied_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Debian's SQLite writes zeros over every page it frees, through the log: a rebuild frees the half of a database.
    "PRAGMA secure_delete = FAST",
    "PRAGMA cache_size = -32768",  # 32 MiB: the upper pages of the indexes on ten million fills stay in memory
    # A page of fills changes 2 MB: every other one would wait until the last two are copied into the database, and
    # the ends of the same tables with them each time.
    "PRAGMA wal_autocheckpoint = 8192",  # pages of 4 KiB: 32 MiB
    "PRAGMA journal_size_limit = 67108864",  # a bulk import must not leave a WAL of gigabytes behind
)
# SQLite opens a read-only file without a word and refuses the first change: this one is taken back.
PROBE = ("BEGIN IMMEDIATE", "PRAGMA user_version = 0", "ROLLBACK")


@contextmanager
def attempt(connection: sqlite3.Connection) -> Iterator[None]:
    """Undo a block that fails, and nothing else of the open transaction.

    For what can be done later as well: whoever does it then meets the same error and tells it.
    """
    connection.execute("SAVEPOINT attempt")
    try:
        yield
    except Exception:  # the rest of the transaction holds, whatever went wrong in the block
        if not connection.in_transaction:  # SQLite has undone everything: the disk is full
            raise
        connection.execute("ROLLBACK TO attempt")
    connection.execute("RELEASE attempt")


class Writer:
    """The open database with the right to write; close it, or use it as a context manager.

    It belongs to the thread that opened it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriteLock) -> None:
        """Hold an open autocommit connection and the lock that protects it."""
        self.path = path
        self.connection = connection
        self._lock = lock

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a block in one transaction: all of it is stored, or nothing.

        Raises:
            StoreError: a transaction is already open, or the disk, the permissions or the file do not allow it.
        """
        connection = self.connection
        if connection.in_transaction:
            raise StoreError("A transaction is already open.", "Join it with the functions that take a connection.")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            # A full disk has already rolled back; a second rollback would hide the cause.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            known = store_error(error, self.path) if isinstance(error, sqlite3.Error) else None
            if known:
                raise known from error
            raise

    def forget_pages(self) -> None:
        """Let go of the pages of the database that are kept in memory; the next reading brings them again."""
        self.connection.execute("PRAGMA shrink_memory")

    def close(self) -> None:
        """Close the database, then give the lock back; a second call does nothing."""
        try:
            # Statistics for the query planner; a full disk must not keep the database from closing.
            with suppress(sqlite3.Error):
                self.connection.execute("PRAGMA optimize")
            self.connection.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        """Use the open database in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def open_writer(path: Path, *, holder: str) -> Writer:
    """Open (or make) a database for writing and bring it up to date.

    `holder` is the command that is told to whoever tries to write at the same time.

    Raises:
        DatabaseLocked: another process writes to it; the message names it.
        DatabaseTooNew: it holds migrations this version does not know.
        StoreError: it cannot be opened or written, or is no database of the monitor's.
    """
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} does not exist.", "Make it, or name another database.")
    lock = WriteLock(path, holder).acquire()
    try:
        connection = _connect(path)
    except BaseException:
        lock.release()
        raise
    writer = Writer(path, connection, lock)
    try:
        migrate(writer, shipped_migrations())
    except BaseException as error:
        writer.close()
        known = store_error(error, path) if isinstance(error, sqlite3.Error) else None
        if known:
            raise known from error
        raise
    return writer


def _connect(path: Path) -> sqlite3.Connection:
    """Return the read-write connection; the file is only this user's before the first byte of ours is in it."""
    _create(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS, cached_statements=256)
        try:
            # Before the first write: another program's database is left exactly as it was.
            applied_migrations(connection, path)
            _narrow(path)
            for statement in (*PRAGMAS, *PROBE):
                connection.execute(statement).fetchall()
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise (store_error(error, path) or error) from error
    return connection


def _create(path: Path) -> None:
    """Make the file with mode 0600 if there is none; SQLite would make it readable for others.

    An existing file is never opened here: closing it would drop the locks of a connection in this process.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be made: {error.strerror}.",
            "Check that this user may write in its folder, or name another database.",
        ) from None


def _narrow(path: Path) -> None:
    """Take the permissions of others away; SQLite gives a new -wal and -shm the mode of the database."""
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            if file.stat().st_mode & 0o077:
                file.chmod(file.stat().st_mode & 0o700)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(
                f"{file} is open to other users and cannot be closed to them: {error.strerror}.",
                "Make this user its owner: it holds what the desk trades.",
            ) from None
