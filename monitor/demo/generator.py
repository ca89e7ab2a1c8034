"""The demo desk's true history: every fill and movement since 90 days before the epoch, the same for the same seed.

The history is made day by day, in order, each day from its own draws and from what the day before left; a later
look at it therefore begins with every earlier one, and live fills are nothing but the days after the epoch.
"""

from __future__ import annotations

import random
import threading
from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal

from monitor.clock import DAY, iso
from monitor.demo.books import Books
from monitor.demo.contracts import CONTRACTS, Contracts
from monitor.demo.prices import Prices
from monitor.demo.tempers import TEMPERS, VENUE, Day, Slice
from monitor.demo.treasury import Shipment, shipments
from monitor.errors import UsageError
from monitor.records import Fill, Movement

HISTORY_DAYS = 90
ACCOUNTS = tuple(VENUE)


def effects(event: Fill | Movement) -> list[tuple[str, Decimal]]:
    """Return what an event adds to its account, asset by asset; nothing if it failed."""
    taken = [(fee.asset, -fee.amount) for fee in event.fees]
    if isinstance(event, Fill):
        sign = 1 if event.side == "buy" else -1
        return [(event.base, sign * event.amount), (event.quote, -sign * event.amount * event.price), *taken]
    if event.status != "ok":
        return []
    return [(event.asset, event.amount if event.kind == "deposit" else -event.amount), *taken]


class History:
    """What happened on the desk, from `start` (inclusive) to any instant asked for (inclusive)."""

    def __init__(self, seed: int, epoch: int) -> None:
        """Make no day yet: they are made when asked for, once, in order.

        Raises:
            UsageError: the epoch is not a UTC midnight.
        """
        if epoch % DAY:
            raise UsageError(f"The demo cannot begin at {iso(epoch)}.", "Give a UTC midnight, such as 2026-01-31.")
        self.seed = seed
        self.epoch = epoch
        self.start = epoch - HISTORY_DAYS * DAY
        self.prices = Prices(seed, epoch)
        self.contracts = Contracts(seed, self.start, self.prices)
        self._books = Books(seed, self.prices)
        self._days = 0
        self._lock = threading.Lock()
        self._fills: defaultdict[str, list[Fill]] = defaultdict(list)
        self._movements: defaultdict[str, list[Movement]] = defaultdict(list)

    def fills(self, until: int, account: str | None = None) -> list[Fill]:
        """Return the fills up to and including `until`, by time, of one account or of all that hold coins only."""
        if account in CONTRACTS:
            return self.contracts.fills(until, account)
        self._extend(until)
        if account is None:
            return sorted((fill for name in ACCOUNTS for fill in self.fills(until, name)), key=lambda fill: fill.time)
        found = self._fills[account]
        return found[: bisect_right(found, until, key=lambda fill: fill.time)]

    def movements(self, until: int, account: str | None = None) -> list[Movement]:
        """Return the movements up to and including `until`, failed ones too, in the order of their times."""
        if account in CONTRACTS:
            return self.contracts.movements(until, account)
        self._extend(until)
        names = ACCOUNTS if account is None else (account,)
        found = (move for name in names for move in self._movements[name] if move.time <= until)
        return sorted(found, key=lambda move: move.time)

    def balances(self, account: str, until: int) -> dict[str, Decimal]:
        """Return what an account holds after everything up to and including `until`, cash too, touched assets only."""
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        if account in CONTRACTS:
            for income in self.contracts.incomes(until, account):
                held[CONTRACTS[account].settle] += income.amount
            return dict(held)
        events: list[Fill | Movement] = [*self.fills(until, account), *self.movements(until, account)]
        for event in events:
            for asset, change in effects(event):
                held[asset] += change
        return dict(held)

    def _extend(self, until: int) -> None:
        """Make every day up to the one that holds `until`."""
        with self._lock:
            while self.start + self._days * DAY <= until:
                self._make_day(self._days)
                self._days += 1

    def _make_day(self, index: int) -> None:
        """Let every temper say what it wants, then execute all of it in the order of time."""
        start = self.start + index * DAY
        wanted: list[Slice | Shipment] = [*shipments(index, start)]
        midnight = dict(self._books.balances)
        for name, temper in TEMPERS.items():
            draws = random.Random(f"{self.seed}/{name}/{index}")  # noqa: S311 - a simulation, not a secret
            day = Day(index, start, index >= HISTORY_DAYS, lambda *key: midnight.get(key, Decimal(0)), draws)
            wanted.extend(temper(day))
        for piece in sorted(wanted, key=lambda piece: piece.time):
            if isinstance(piece, Slice):
                fill = self._books.trade(piece, index)
                if fill is not None:
                    self._fills[piece.account].append(fill)
            else:
                movement = self._books.ship(piece)
                if movement is not None:
                    self._movements[piece.account].append(movement)
