"""Values by known prices, in exact decimals, one question at a time; the rules are those of the valuation contract.

Shares no code with the fast path: it checks it, and it explains single numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.records import Valuation

Row = Mapping[str, object]
ONE = Decimal(1)


class Quote(NamedTuple):
    """One unit of an asset was `rate` units of another from `time` on."""

    time: int
    rate: Decimal
    source: str


class Value(NamedTuple):
    """The value of one unit, where it comes from and since when it was known (None: always)."""

    unit: Decimal
    source: str
    known: int | None = None


class Venue(NamedTuple):
    """Where a pair is quoted; `via` is the other asset, `inverted` when the pair is the other way round."""

    via: str
    exchange: str
    imported: bool
    inverted: bool


class Line(NamedTuple):
    """The quotes of one venue in order of time, and their times."""

    venue: Venue
    times: list[int]
    quotes: list[Quote]


class Prices:
    """Stored prices, ready to be asked what one unit of an asset was worth; ask within the context of `exact`."""

    def __init__(self, rows: Iterable[Row], valuation: Valuation) -> None:
        """Read rows of schema.PRICES; prices that are not positive count as missing."""
        self.money = {asset: Decimal(value) for asset, value in valuation.pegs.items()}
        self.money[valuation.currency] = ONE
        self.currency = valuation.currency
        found: dict[str, dict[Venue, list[Quote]]] = {}
        for row in rows:
            self._store(found, row)
        self.lines = {asset: [self._line(*one) for one in venues.items()] for asset, venues in found.items()}

    def _store(self, found: dict[str, dict[Venue, list[Quote]]], row: Row) -> None:
        price = Decimal(str(row["price"]))
        if price <= 0:
            return
        base, quote, exchange, kind = (str(row[name]) for name in ("base", "quote", "exchange", "source"))
        label, time, imported = f"{exchange} {base}/{quote} {kind}", int(str(row["time_ms"])), kind == "file"
        for asset, venue, rate in (
            (base, Venue(quote, exchange, imported, inverted=False), price),
            (quote, Venue(base, exchange, imported, inverted=True), 1 / price),
        ):
            found.setdefault(asset, {}).setdefault(venue, []).append(Quote(time, rate, label))

    def _line(self, venue: Venue, quotes: list[Quote]) -> Line:
        quotes.sort()
        return Line(venue, [quote.time for quote in quotes], quotes)

    def unit(self, asset: str, time: int, exchange: str | None = None) -> Value | None:
        """Return the value of one unit at an instant as seen from a venue; None where nothing says."""
        if asset == self.currency:
            return Value(ONE, "currency")
        direct = self._direct(asset, time, exchange)
        if direct is None:
            direct = self._bridge(asset, time, exchange)
        if direct is None and asset in self.money:
            return Value(self.money[asset], "peg")
        return direct

    def changes(self, asset: str) -> list[int]:
        """Return the instants at which the value of an asset may change."""
        times = {0}
        for line in self.lines.get(asset, []):
            times.update(line.times)
            if line.venue.via not in self.money:
                for beyond in self.lines.get(line.venue.via, []):
                    if beyond.venue.via in self.money:
                        times.update(beyond.times)
        return sorted(times)

    def _direct(self, asset: str, time: int, exchange: str | None) -> Value | None:
        usable = [line for line in self.lines.get(asset, []) if line.venue.via in self.money]
        found = self._last(usable, time, exchange)
        if found is None:
            return None
        _, venue, quote = found
        return Value(quote.rate * self.money[venue.via], quote.source, quote.time)

    def _bridge(self, asset: str, time: int, exchange: str | None) -> Value | None:
        ways = []
        lines = self.lines.get(asset, [])
        for via in sorted({line.venue.via for line in lines} - self.money.keys()):
            first = self._last([line for line in lines if line.venue.via == via], time, exchange)
            second = self._direct(via, time, exchange)
            if first is not None and second is not None:
                level, _, quote = first
                known = min(quote.time, second.known or 0)
                value = Value(quote.rate * second.unit, f"{quote.source}, {second.source}", known)
                ways.append((level, -quote.time, via, value))
        return min(ways)[3] if ways else None

    def _last(self, lines: Iterable[Line], time: int, exchange: str | None) -> tuple[int, Venue, Quote] | None:
        """Return the last quote at or before an instant: the venue's own, else the latest of any, else imported."""
        best: list[tuple[tuple[int, int, bool, bool, str, str], Venue, Quote]] = []
        for venue, times, quotes in lines:
            place = bisect_right(times, time)
            if place == 0:
                continue
            level = 0 if venue.exchange == exchange else 2 if venue.imported else 1
            quote = quotes[place - 1]
            pegged = venue.via != self.currency
            best.append(((level, -quote.time, pegged, venue.inverted, venue.via, venue.exchange), venue, quote))
        if not best:
            return None
        rank, venue, quote = min(best, key=lambda one: one[0])
        return rank[0], venue, quote
