"""What SQLite's failures mean to a person: one sentence, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from monitor.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

PRIMARY = 0xFF  # the low byte of an extended result code is the primary code
CAUSES: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: (
        "the disk is full",
        "Free some space; nothing was half-written, and work goes on by itself when there is room.",
    ),
    sqlite3.SQLITE_READONLY: ("it is read-only", "Give this user write permission on the file and its folder."),
    sqlite3.SQLITE_PERM: ("this user may not access it", "Give this user permission on the file and its folder."),
    sqlite3.SQLITE_AUTH: ("this user may not access it", "Give this user permission on the file and its folder."),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that its folder exists and that this user may write there.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "it is not an SQLite database",
        "Name another file with --db, or move this one away.",
    ),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "Restore the last backup; the exchanges are asked again from there."),
    sqlite3.SQLITE_BUSY: ("another program keeps it locked", "Close other SQLite tools that have it open."),
    sqlite3.SQLITE_LOCKED: ("another program keeps it locked", "Close other SQLite tools that have it open."),
    sqlite3.SQLITE_IOERR: ("the disk failed to read or write", "Check the disk and the file system."),
}


def store_error(error: sqlite3.Error, path: Path) -> StoreError | None:
    """Return the error a person can act upon, None if the failure is ours (a wrong statement, a broken constraint)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or (code & PRIMARY) not in CAUSES:
        return None
    cause, remedy = CAUSES[code & PRIMARY]
    return StoreError(f"The database {path} cannot be used: {cause} ({error}).", remedy)
