"""Have the alerts do what a person asks, whether the monitor runs or not.

Where nobody writes, this process applies the request itself; where the monitor runs, that one does, with its next
round of alerts or delivery, and this process waits for the answer.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from monitor.clock import SECOND
from monitor.errors import DatabaseLocked
from monitor.store.database import open_writer
from monitor.store.inbox import answer_to, apply_requests, submit
from monitor.store.reader import open_reader

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.clock import Clock
    from monitor.store.inbox import Answer, Request

PAUSE_SECONDS = 0.1


def ask(database: Path, request: Request, clock: Clock, patience: int) -> Answer | str:
    """Return what became of a request; if nobody took it up within `patience` milliseconds, who writes instead.

    What is not taken up stays: the next round of whoever writes alerts applies it.

    Raises:
        StoreError: there is no database, or it cannot be written by this user.
    """
    with closing(open_reader(database)) as connection:
        name = submit(database, request, clock.now())
        writer = _applied_here(database, clock)
        ends = time.monotonic() + patience / SECOND
        while (answer := answer_to(connection, name)) is None:
            if time.monotonic() >= ends:
                return writer
            time.sleep(PAUSE_SECONDS)
        return answer


def _applied_here(database: Path, clock: Clock) -> str:
    """Apply what waits if nobody else writes; else return the sentence that names who does."""
    try:
        with open_writer(database, holder="monitor alerts") as writer:
            apply_requests(writer, clock.now())
    except DatabaseLocked as error:
        return error.message
    return ""
