"""How the demo's traders behave: each temper turns one day into slices of orders, from its own seeded draws.

A temper sees what its account held at midnight and nothing else; the books (see `monitor.demo.books`) cut what an
account cannot afford, so that the desk never sells what it does not have. Days before the epoch are calm enough to
be read in seconds; from the epoch on the makers trade every minute, in smaller clips, so that a watcher sees change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, SECOND
from monitor.demo.markets import BY_SYMBOL

if TYPE_CHECKING:
    import random

    from monitor.records import Side

MAIN, MM, KRAKEN = "binance-main", "binance-mm", "kraken-main"
VENUE = {MAIN: "binance", MM: "binance", KRAKEN: "kraken"}
EVERYTHING = Decimal(10**9)  # an order for this much is cut to what is held: it leaves the book flat
LIVE_CLIP = 0.2
BOTH_SIDES = 0.3  # share of bursts in which both sides are hit in the same millisecond
ARB_BOUGHT = range(1, 10)  # days
ADA_BOUGHT = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """One fill to be: `edge` is how far from the mid price it trades, to the trader's gain if positive."""

    time: int
    account: str
    symbol: str
    side: Side
    amount: Decimal
    edge: float
    maker: bool
    order: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the desk, counted from its first, with what its accounts held when it began."""

    index: int
    start: int
    live: bool
    held: Callable[[str, str], Decimal]
    draws: random.Random

    def instants(self, count: int) -> list[int]:
        """Return so many random instants of the day in order; the first day trades after its deposits arrived."""
        earliest = 7 * HOUR if self.index == 0 else 0
        return sorted(self.start + self.draws.randrange(earliest, DAY) for _ in range(count))


Temper = Callable[[Day], Iterator[Slice]]


def units(account: str, symbol: str, size: float) -> Decimal:
    """Return a size rounded down to the market's step."""
    step = BY_SYMBOL[VENUE[account], symbol].step
    return Decimal(f"{size:.8f}") // step * step


@dataclass(frozen=True, slots=True)
class Maker:
    """Quotes both sides and leans against its inventory; `burst` fills of one order share a millisecond."""

    account: str
    symbol: str
    target: float
    clip: float
    per_day: int
    per_live_day: int = 0
    burst: int = 1
    whole_seconds: bool = False

    def __call__(self, day: Day) -> Iterator[Slice]:
        """Yield the day's slices: buys are likelier below the target, sells above it."""
        busy = day.live and self.per_live_day > 0
        clip = self.clip * (LIVE_CLIP if busy else 1.0)
        held = float(day.held(self.account, self.symbol.split("/")[0]))
        for number, instant in enumerate(day.instants(self.per_live_day if busy else self.per_day)):
            if self.whole_seconds and number % 3 == 0:
                instant -= instant % SECOND  # noqa: PLW2901 - Kraken's `start` excludes the second it names
            buys = day.draws.random() < 0.5 - 1.5 * (held - self.target) / self.target
            size = clip * day.draws.uniform(0.4, 1.6)
            held += size if buys else -size
            yield from self._order(day, instant, "buy" if buys else "sell", size)
            if self.burst > 1 and day.draws.random() < BOTH_SIDES:
                yield from self._order(day, instant, "sell" if buys else "buy", size / 3)

    def _order(self, day: Day, instant: int, side: Side, size: float) -> Iterator[Slice]:
        """Yield one order's slices at one instant, each a little further from the mid price."""
        parts = day.draws.randint(1, self.burst)
        edge, order = day.draws.uniform(0.0001, 0.0007), f"{self.symbol}/{instant}/{side}"
        for part in range(parts):
            amount = units(self.account, self.symbol, size / parts * (1 + 0.2 * part))
            yield Slice(instant, self.account, self.symbol, side, amount, edge + 0.0001 * part, True, order)


def taker(day: Day, where: tuple[str, str], side: Side, amounts: list[Decimal], gap: int) -> Iterator[Slice]:
    """Yield one order that takes several price levels, `gap` milliseconds apart, at some time of the working day."""
    instant = day.start + 9 * HOUR + day.draws.randrange(8 * HOUR)
    for part, amount in enumerate(amounts):
        edge = -0.0003 - 0.0002 * part
        yield Slice(instant + part * gap, *where, side, amount, edge, False, f"{where[1]}/{instant}/{side}")


def stalled(day: Day) -> Iterator[Slice]:
    """ARB: bought early with conviction, then a little sold every other week."""
    where = (MAIN, "ARB/USDT")
    if day.index in ARB_BOUGHT:
        for _ in range(4):
            yield from taker(day, where, "buy", [units(*where, day.draws.uniform(18_000, 40_000))], 0)
    elif day.index % 14 == 0:
        share = day.draws.uniform(0.006, 0.012)
        yield from taker(day, where, "sell", [units(*where, float(day.held(MAIN, "ARB")) * share)], 0)


def bought_once(day: Day) -> Iterator[Slice]:
    """ADA: one order on the fourth day, never sold."""
    if day.index == ADA_BOUGHT:
        yield from taker(day, (KRAKEN, "ADA/USD"), "buy", [Decimal(410_000), Decimal(290_000), Decimal(150_000)], 140)


def slow_seller(day: Day) -> Iterator[Slice]:
    """LINK: came as a deposit, leaves at under one percent a day."""
    where, held = (MAIN, "LINK/USDT"), float(day.held(MAIN, "LINK"))
    if day.index > 0:
        share = day.draws.uniform(0.003, 0.005)
        yield from taker(day, where, "sell", [units(*where, held * share), units(*where, held * share * 0.8)], 75)


def flat_at_midnight(day: Day) -> Iterator[Slice]:
    """AVAX: three round trips a day, nothing overnight: a period-end average of this inventory is zero."""
    for trip in range(3):
        start = day.start + (7 + 5 * trip) * HOUR
        for leg in range(2):
            instant = start + day.draws.randrange(90 * 60) * SECOND
            amount = units(KRAKEN, "AVAX/USD", day.draws.uniform(700, 2_600))
            yield Slice(instant, KRAKEN, "AVAX/USD", "buy", amount, 0.0003, True, f"AVAX/{instant}/buy/{leg}")
        out = start + 2 * HOUR + day.draws.randrange(2 * HOUR)
        for part, amount in enumerate([units(KRAKEN, "AVAX/USD", day.draws.uniform(400, 1_200)), EVERYTHING]):
            yield Slice(out, KRAKEN, "AVAX/USD", "sell", amount, 0.0004 - 0.0002 * part, True, f"AVAX/{out}/sell")


def fee_keeper(day: Day) -> Iterator[Slice]:
    """BNB: bought when the stock that pays the fees runs low."""
    if day.index > 0 and day.held(MAIN, "BNB") < Decimal(125):
        yield from taker(day, (MAIN, "BNB/USDT"), "buy", [Decimal(30), Decimal(20)], 0)


TEMPERS: dict[str, Temper] = {
    "treasury BTC": Maker(MAIN, "BTC/USDT", target=44, clip=1.1, per_day=2),
    "treasury ETH": Maker(MAIN, "ETH/USDT", target=680, clip=14, per_day=2),
    "cross": Maker(MAIN, "ETH/BTC", target=680, clip=16, per_day=6, per_live_day=60),
    "stalled": stalled,
    "slow seller": slow_seller,
    "fee keeper": fee_keeper,
    "made BTC": Maker(MM, "BTC/USDT", target=22, clip=0.75, per_day=20, per_live_day=900),
    "made ETH": Maker(MM, "ETH/USDT", target=240, clip=9, per_day=5),
    "high frequency": Maker(MM, "SOL/USDT", target=4_800, clip=210, per_day=7, per_live_day=300, burst=4),
    "kraken BTC": Maker(KRAKEN, "BTC/USD", target=10, clip=0.45, per_day=3),
    "kraken XRP": Maker(
        KRAKEN, "XRP/USD", target=950_000, clip=26_000, per_day=8, per_live_day=300, whole_seconds=True
    ),
    "flat at midnight": flat_at_midnight,
    "bought once": bought_once,
}
