"""The right to write: an flock on `<database>.lock`, held for as long as the process writes.

The lock is on a file of its own, because SQLite's locks on the database file vanish when anything in the process
closes another handle on it. The kernel drops an flock with its process, so a killed daemon leaves no stale lock;
the content only serves to name the holder. The file stays: removing it would let two processes lock two files.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from monitor.clock import SystemClock, iso
from monitor.errors import DatabaseLocked, StoreError

if TYPE_CHECKING:
    from types import TracebackType

# The winner writes its name just after it has locked; the loser waits this long for it to appear.
NAME_TRIES = 10
NAME_PAUSE_SECONDS = 0.03


class WriteLock:
    """The lock on one database: held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, database: Path, holder: str) -> None:
        """`holder` is the command that a second writer is told about."""
        # Resolved, so that two links to one database share one lock.
        self.path = Path(f"{database.resolve()}.lock")
        self.holder = holder
        self._descriptor = -1

    def acquire(self) -> Self:
        """Take the lock.

        Raises:
            DatabaseLocked: another process holds it; the message names its pid, command and start.
            StoreError: the lock file cannot be made.
        """
        descriptor = self._locked(fcntl.LOCK_EX)
        note = {"pid": os.getpid(), "command": self.holder, "since": iso(SystemClock().now())}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{json.dumps(note)}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def peek(self) -> None:
        """Raise as `acquire` would, and take nothing: a shared lock, for a moment.

        Raises:
            DatabaseLocked: another process holds the lock; the message names its pid, command and start.
            StoreError: the lock file cannot be made.
        """
        os.close(self._locked(fcntl.LOCK_SH))

    def _locked(self, kind: int) -> int:
        """Return the lock file's descriptor, locked."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"The database {self.path.with_suffix('')} is being written by {_name(descriptor)}."
            os.close(descriptor)
            raise DatabaseLocked(message, "Stop that process, or work on another database.") from None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                f"{self.path} cannot be locked: {error.strerror}.", "Keep the database on a local file system."
            ) from None
        return descriptor

    def _open(self) -> int:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise StoreError(
                f"The lock file {self.path} cannot be opened: {error.strerror}.",
                "Check that the folder exists and that this user may write there.",
            ) from None
        return descriptor

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock for a `with` block."""
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self.release()


def refuse_second(database: Path) -> None:
    """Do nothing if nobody writes to a database right now; `WriteLock` has the last word.

    For commands that need seconds until they could take the lock: who is too late hears of it at once.

    Raises:
        DatabaseLocked: another process writes to it; the message names it.
    """
    path = Path(f"{database.resolve()}.lock")
    if path.exists():
        WriteLock(database, "").peek()


def writer_of(database: Path) -> str | None:
    """Return who writes to a database right now, `process 7 (monitor run, since ...)`, None if nobody does.

    It needs no right to write: the lock file is only read, and a lock shared for a moment.
    """
    try:
        descriptor = os.open(f"{database.resolve()}.lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _name(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _name(descriptor: int) -> str:
    """Return who holds the lock, as the lock file tells it."""
    for _ in range(NAME_TRIES):
        try:
            note = json.loads(os.pread(descriptor, 4096, 0))
            return f"process {note['pid']} ({note['command']}, since {note['since']})"
        except (ValueError, KeyError, TypeError):
            time.sleep(NAME_PAUSE_SECONDS)
    return "another process that did not leave its name"
