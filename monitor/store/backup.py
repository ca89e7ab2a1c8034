"""A copy of the database while it is in use: through SQLite itself, checked, and whole or not there at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from monitor.errors import StoreError
from monitor.store.failures import store_error


def backup(connection: sqlite3.Connection, target: Path) -> None:
    """Write a consistent copy of the open database to `target`, replacing a file that is there.

    The copy is made beside the target, checked, written through to the disk and then renamed: a crash at any
    moment leaves the old file or the new one. It is one file (no WAL) of mode 0600.

    Raises:
        StoreError: the target is the database itself, cannot be written, or the copy is damaged.
    """
    source = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    if target.resolve() == source.resolve():
        raise StoreError(f"{target} is the database itself.", "Name another file for the backup.")
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(connection, part)
        _flush(part)
        part.replace(target)
        _flush(target.parent)
    except OSError as error:
        raise StoreError(
            f"The backup {target} cannot be written: {error.strerror}.", "Check its folder's permissions and space."
        ) from None
    except sqlite3.Error as error:
        raise (store_error(error, part) or error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _copy(connection: sqlite3.Connection, part: Path) -> None:
    """Copy all pages at once and check them."""
    copy = sqlite3.connect(part, isolation_level=None)
    try:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        found = [text for (text,) in copy.execute("PRAGMA integrity_check")]
    finally:
        copy.close()
    if found != ["ok"]:
        raise StoreError(f"The backup is damaged: {found[0]}.", "Check the disk; the database itself was not changed.")


def _flush(path: Path) -> None:
    """Have the system write a file or folder through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
