"""The dead man's switch: an address elsewhere that hears from every complete cycle, and calls somebody when it stops.

A cycle is complete when fills, measure, alerts and delivery have each succeeded since the last beat; the slowest of
them sets the pace. The beat leaves in a thread of its own with a hard deadline, one at a time: it delays no job, and
a switch that does not answer is only told in the log. A message that had to be given up holds the beat back for a
day: every channel it was meant for failed for a week, so this is the one way left to call somebody.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from monitor.clock import DAY
from monitor.errors import DeliveryError
from monitor.store.outbox import given_up_since

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.store.database import Writer

CYCLE = frozenset({"fills", "measure", "alerts", "delivery"})
HELD_BACK = DAY


class Pulse:
    """Which jobs succeeded since the last beat, and the beat that is on its way; it belongs to the writing thread."""

    def __init__(self, beat: Callable[[], None] | None) -> None:
        """`beat` tells the switch, and raises DeliveryError if it did not answer; None: there is no switch."""
        self._beat = beat
        self._done: set[str] = set()
        self._thread: threading.Thread | None = None
        self._error: str | None = None

    def succeeded(self, job: str, writer: Writer, now: int) -> None:
        """Note that a job ran to its end without trouble at `now`; the last one of a cycle starts the beat."""
        self._done.add(job)
        if self._beat is None or not self._done >= CYCLE or (self._thread and self._thread.is_alive()):
            return
        self._done.clear()
        if given_up_since(writer.connection, now - HELD_BACK):
            self._error = "held back, because messages could not be delivered for a week; see: monitor status"
            return
        self._thread = threading.Thread(target=self._tell, name="heartbeat", daemon=True)
        self._thread.start()

    def trouble(self) -> str | None:
        """Return why the last beat failed, once."""
        error, self._error = self._error, None
        return error

    def finish(self) -> None:
        """Wait for the beat that is on its way: a process that ends takes its threads with it."""
        if self._thread:
            self._thread.join()

    def _tell(self) -> None:
        try:
            if self._beat:
                self._beat()
        except DeliveryError as error:
            self._error = str(error)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread; the text of an unknown error may hold the address
            self._error = type(error).__name__
