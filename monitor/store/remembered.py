"""What small tables said, kept by a reader that stays open for as long as nobody commits.

Most of the time of a question about one asset would go into reading again what does not depend on the question: which
pools there are, the settings, the accounts. `PRAGMA data_version` tells whether another connection has committed since.
"""

from __future__ import annotations

import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

P = ParamSpec("P")
T = TypeVar("T")

# Words that users ask with are part of what is kept: a reader that lives for months must not keep them all.
MOST_KEPT = 4_096


class Reader(sqlite3.Connection):
    """A read-only connection; inside a snapshot `told` is what was read of its state, outside it is None.

    Only for connections that write nothing: their own changes would go unnoticed.
    """

    told: dict[Hashable, object] | None = None
    _kept: tuple[int, dict[Hashable, object]] = (-1, {})

    def remember(self) -> None:
        """Begin to remember, in an open transaction; what was known of another state of the database is forgotten."""
        (version,) = self.execute("PRAGMA data_version").fetchone()
        if version != self._kept[0] or len(self._kept[1]) > MOST_KEPT:
            self._kept = (version, {})
        self.told = self._kept[1]

    def forget(self) -> None:
        """Stop remembering: the next snapshot may be of another state."""
        self.told = None


def remembered(
    read: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[sqlite3.Connection, P], T]:
    """Let a reader keep what a function reads: its arguments must be hashable, and nobody may change its result."""

    @wraps(read)
    def once(connection: sqlite3.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        memory, key = memory_of(connection), (read, *args, *kwargs.items())
        if key not in memory:
            memory[key] = read(connection, *args, **kwargs)
        return cast("T", memory[key])

    return once


def memory_of(connection: sqlite3.Connection) -> dict[Hashable, object]:
    """Return what a reader remembers in its snapshot, to be added to; of anything else nothing, which nobody keeps."""
    told = connection.told if isinstance(connection, Reader) else None
    return {} if told is None else told
