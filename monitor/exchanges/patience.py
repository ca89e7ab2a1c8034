"""How long to wait, and who waits: backoff with jitter for a call, a breaker for all accounts of a venue."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.errors import RateLimited

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
MAINTENANCE_PAUSE = 300.0


@dataclass(slots=True)
class Patience:
    """Waiting, with everything that comes from outside: the sleeper, the dice and a clock that never steps back.

    `limit`: the longest a call waits for an open breaker before it gives up, in seconds.
    """

    sleep: Sleep = asyncio.sleep
    dice: random.Random = field(default_factory=random.Random)
    monotonic: Callable[[], float] = time.monotonic
    limit: float = 120.0

    def backoff(self, attempt: int) -> float:
        """Return the seconds before the next try: doubling from half a second, with full jitter on the upper half."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        return float(pause * self.dice.uniform(0.5, 1.0))


class Breaker:
    """Stops every account on a venue while the venue asks to slow down; one object for the whole process."""

    def __init__(self, patience: Patience) -> None:
        """Start with every venue open."""
        self._patience = patience
        self._until: dict[str, float] = {}
        self._pause: dict[str, float] = {}

    def remaining(self, exchange: str) -> float:
        """Return the seconds until the venue may be asked again."""
        return max(0.0, self._until.get(exchange, 0.0) - self._patience.monotonic())

    def trip(self, exchange: str, seconds: float | None = None) -> None:
        """Stop the venue for what it asked for, and at least for twice the last pause."""
        if self.remaining(exchange) and seconds is None:
            return  # several calls were under way: one answer, one doubling
        doubled = min(LONGEST_PAUSE * 10, self._pause.get(exchange, FIRST_PAUSE) * 2)
        self._pause[exchange] = doubled
        pause = max(doubled, seconds or 0.0)
        self._until[exchange] = max(self._until.get(exchange, 0.0), self._patience.monotonic() + pause)

    def succeeded(self, exchange: str) -> None:
        """Forget the doubling after an answer."""
        self._pause.pop(exchange, None)

    async def wait(self, exchange: str) -> None:
        """Wait until the venue may be asked.

        Raises:
            RateLimited: that is longer away than the patience's limit.
        """
        while remaining := self.remaining(exchange):
            if remaining > self._patience.limit:
                raise RateLimited(
                    f"{exchange} is not asked for another {remaining:.0f} s.", "Every account there waits.", remaining
                )
            await self._patience.sleep(remaining)
