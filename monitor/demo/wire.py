"""What both venues share behind their wire formats: a clock, credentials, and the part of the history they show.

A venue shows what has happened up to its own clock and nothing later. Handlers are plain functions from a query to a
JSON body; what a venue refuses they raise as `Refused`, in the venue's own words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import SECOND, Clock
from monitor.demo.contracts import CONTRACTS
from monitor.demo.prices import hashed

if TYPE_CHECKING:
    from monitor.demo.generator import History
    from monitor.records import Fill, Movement

Json = Mapping[str, object] | Sequence[object]
Query = Mapping[str, str]
ZERO = Decimal(0)
LATEST = 90 * SECOND  # with the fault `late`, a fill is seen this long after it happened at most


class Refused(Exception):
    """The venue's answer is an error: an HTTP status, a body, and headers."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        """Keep what will be sent."""
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request: its path, its query or form fields (`query`), and the raw texts that were signed."""

    path: str
    query: Query
    raw_query: str
    body: str
    headers: Mapping[str, str]


class SteadyClock:
    """The venue's time of day: it follows a clock, and goes on by itself where that one stands still.

    A client measures its distance to the venue once and then signs with its own running clock; beside a clock that
    stands still (in tests) every later request would seem to come from the future.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin at what the clock shows."""
        self._clock = clock
        self._shown = clock.now()
        self._since = time.monotonic()

    def now(self) -> int:
        """Return what the clock shows, plus the time that passed since it last moved."""
        shown = self._clock.now()
        if shown != self._shown:
            self._shown, self._since = shown, time.monotonic()
        return shown + int((time.monotonic() - self._since) * 1_000)


@dataclass
class Venue:
    """One exchange as its clients see it; `keys` maps an API key to its account and secret."""

    name: str
    history: History
    clock: Clock
    keys: dict[str, tuple[str, str]]
    skew: int = 0
    late: bool = False
    nonces: dict[str, int] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    ledgers: dict[tuple[str, int], list[tuple[int, str, dict[str, object]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the venue's own clock."""
        self._steady = SteadyClock(self.clock)

    def time(self) -> int:
        """Return the venue's time of day, by which it judges timestamps."""
        return self._steady.now() + self.skew

    def now(self) -> int:
        """Return the instant up to which the venue knows what happened."""
        return self.clock.now() + self.skew

    def fills(self, account: str) -> list[Fill]:
        """Return the fills the venue shows of an account, oldest first."""
        now = self.now()
        found = self.history.fills(now, account)
        return [fill for fill in found if fill.time + self._delay(fill) <= now] if self.late else found

    def _delay(self, fill: Fill) -> int:
        """Return how long a fill stays unseen: a third of them for up to `LATEST`, always the same for one fill."""
        draw = hashed(self.history.seed, fill.time * 31 + int(fill.amount * 100))
        return int(draw * 1.5 * LATEST) if 0 < draw < 2 / 3 else 0

    def movements(self, account: str, kind: str) -> list[Movement]:
        """Return the deposits or withdrawals the venue shows of an account, newest first, as both venues do."""
        if account in CONTRACTS:
            return []  # coins reach a contract wallet through the venue's other wallets, never from outside
        return [move for move in reversed(self.history.movements(self.now(), account)) if move.kind == kind]

    def balances(self, account: str) -> dict[str, Decimal]:
        """Return what the account holds, whether or not its fills can be seen yet."""
        return self.history.balances(account, self.now())


Public = Callable[[Venue, Query], Json]
Private = Callable[[Venue, str, Query], Json]


def digits(number: Decimal, places: int) -> str:
    """Return a number with so many digits after the point, as venues print them."""
    return f"{number:.{places}f}"
