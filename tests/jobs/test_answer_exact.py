"""Headline figures against exact fractions, for windows of every size, anywhere in a long history."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import DAY, Window
from monitor.jobs.answer import turnover_answer
from monitor.records import Fill, Price
from monitor.store.ledger import commit_prices, commit_rows

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

START = 19_000 * DAY
# More events than two segments hold: windows begin and end in the same, in the next, and in far ones.
EVENTS = 6_000
CLOSE = 1e-9


@dataclass
class Book:
    """A first-in-first-out book in fractions: what it held from when, and what it relieved when."""

    units: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    lots: deque[list[Fraction]] = field(default_factory=deque)
    path: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)
    traded: list[tuple[int, str, Fraction]] = field(default_factory=list)
    marks: list[tuple[int, Fraction]] = field(default_factory=list)
    reliefs: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)

    def trade(self, fill: Fill) -> None:
        """Take a fill in."""
        left = Fraction(fill.amount)
        self.traded.append((fill.time, fill.side, left * Fraction(fill.price)))
        if fill.side == "buy":
            self.lots.append([left, Fraction(fill.price)])
            self.units += left
            self.cost += left * Fraction(fill.price)
        while fill.side == "sell" and left:
            taken = min(left, self.lots[0][0])
            basis = taken * self.lots[0][1]
            self.reliefs.append((fill.time, taken, basis))
            self.units -= taken
            self.cost -= basis
            self.lots[0][0] -= taken
            left -= taken
            if not self.lots[0][0]:
                self.lots.popleft()
        self.path.append((fill.time, self.units, self.cost))

    def market(self, window: Window) -> dict[str, Fraction]:
        """Return notionals, profit, velocity and portfolio turnover rate of a window that has marks all through."""
        inside = [row for row in self.traded if window.start <= row[0] < window.end]
        buys, sells = (sum((row[2] for row in inside if row[1] == side), Fraction(0)) for side in ("buy", "sell"))
        relieved = sum((row[2] for row in self.reliefs if window.start <= row[0] < window.end), Fraction(0))
        times = sorted({window.start, window.end, *(row[0] for row in self.path), *(row[0] for row in self.marks)})
        area = Fraction(0)
        for time, end in pairwise(time for time in times if window.start <= time <= window.end):
            units = next((units for at, units, _ in reversed(self.path) if at <= time), Fraction(0))
            area += units * next(mark for at, mark in reversed(self.marks) if at <= time) * (end - time)
        average = area / window.milliseconds
        rates = {"velocity": (buys + sells) / average, "portfolio_turnover_rate": min(buys, sells) / average}
        return {"buy_notional": buys, "sell_notional": sells, "realised_pnl": sells - relieved, **rates}

    def headline(self, window: Window) -> dict[str, Fraction]:
        """Return relieved basis, average inventory and unit turnover of a window."""
        inside = [row for row in self.reliefs if window.start <= row[0] < window.end]
        units_time = cost_time = Fraction(0)
        ends = [time for time, _, _ in self.path[1:]] + [window.end]
        for (time, units, cost), end in zip(self.path, ends, strict=True):
            span = min(end, window.end) - max(time, window.start)
            if span > 0:
                units_time += units * span
                cost_time += cost * span
        relieved = sum((row[2] for row in inside), Fraction(0))
        average = cost_time / window.milliseconds
        return {
            "relieved_basis": relieved,
            "average_inventory": average,
            "turnover": relieved / average,
            "unit_turnover": sum((row[1] for row in inside), Fraction(0)) * window.milliseconds / units_time,
        }


def history(seed: int) -> list[Fill]:
    """Return fills of one asset: a huge early round trip, then small trades of cents to thousands."""
    draw = random.Random(seed)  # noqa: S311  # a fixed series, no secret
    moments = sorted(draw.sample(range(2 * DAY, 400 * DAY), EVENTS))
    fills = [_fill(0, "buy", "40000000", "61234.57"), _fill(DAY, "sell", "39999999.9", "60000.01")]
    held = 0
    for time in moments:
        buys = held <= 0 or draw.random() < 0.5
        cents = draw.randint(1, 10**6) if buys else draw.randint(1, held)
        held += cents if buys else -cents
        side = "buy" if buys else "sell"
        fills.append(_fill(time, side, f"{cents / 1e6:.6f}", f"{draw.randint(100, 9_000_000) / 100:.2f}"))
    return fills


def _fill(time: int, side: str, amount: str, price: str) -> Fill:
    return Fill(
        account="paper",
        exchange="file",
        key=f"{time}{side}",
        time=START + time,
        book="spot",
        market="BTCUSD",
        symbol="BTC/USD",
        base="BTC",
        quote="USD",
        side="buy" if side == "buy" else "sell",
        amount=Decimal(amount),
        price=Decimal(price),
    )


def check(ledger: Ledger, book: Book, window: Window) -> None:
    """Compare the answer about a window with the fractions."""
    answer = turnover_answer(ledger.reader, now=START + 500 * DAY, start=window.start, end=window.end, detail=False)
    (row,) = cast("list[dict[str, float | None]]", answer["assets"])
    for name, exact in book.headline(window).items():
        assert row[name] == pytest.approx(float(exact), rel=CLOSE, abs=0), (name, window)


def test_any_window(ledger: Ledger) -> None:
    """From a few milliseconds to the whole history, every headline figure is within 1e-9 of the fractions."""
    fills, book = history(1), Book()
    commit_rows(ledger.writer, fills, [], 1)
    ledger.measure()
    for fill in fills:
        book.trade(fill)
    draw = random.Random(2)  # noqa: S311  # a fixed series, no secret
    check(ledger, book, Window(START, START + 400 * DAY))
    for length in (3, 1_000, 60_000, 3_600_000, DAY, 30 * DAY, 200 * DAY):
        for _ in range(8):
            # Around an event, so that small windows hold one.
            middle = draw.choice(fills[2:]).time
            check(ledger, book, Window(middle - length // 3, middle - length // 3 + length))


def test_tiny_window_beside_a_huge_trade(ledger: Ledger) -> None:
    """A cent relieved in a millisecond, in the segment in which 2.4e12 were relieved, keeps all its digits."""
    book = Book()
    fills = [
        _fill(0, "buy", "40000000", "61234.57"),
        _fill(DAY, "sell", "39999999.999", "60000.01"),
        _fill(2 * DAY, "sell", "0.0000003", "60000"),
        _fill(2 * DAY + 2, "sell", "0.0000001", "60000"),
    ]
    commit_rows(ledger.writer, fills, [], 1)
    ledger.measure()
    for fill in fills:
        book.trade(fill)
    at = START + 2 * DAY
    check(ledger, book, Window(at, at + 1))
    check(ledger, book, Window(at - 1, at + 1))
    check(ledger, book, Window(at - 1, at + 5))


def dusty(draw: random.Random) -> list[Fill]:
    """Return round trips of 2.4e12 and, between them, of some cents, a second to a day apart."""
    fills, time = [_fill(0, "buy", "3", "50000")], DAY
    for _ in range(30):
        amount = draw.choice(["40000000", "0.0000031", "0.0000007", "0.000002"])
        for side in ("buy", "sell"):
            time += draw.choice([1, 1_000, 60_000, DAY])
            fills.append(_fill(time, side, amount, f"{draw.randint(5_900_000, 6_100_000) / 100:.2f}"))
    return [*fills, _fill(time + DAY, "sell", "2.9999999", "60000")]


def test_market_rates_of_dust_beside_great_trades(ledger: Ledger) -> None:
    """Cents traded in the segment in which billions were keep their digits: notional, profit and both market rates."""
    draw, book = random.Random(3), Book()  # noqa: S311  # a fixed series, no secret
    fills = dusty(draw)
    book.marks = [(START + day * DAY // 4, Fraction(59_000 + 7 * day)) for day in range(-8, 200)]
    prices = [Price("BTC", "USD", time, Decimal(int(mark)), "file", "file") for time, mark in book.marks]
    commit_prices(ledger.writer, prices)
    commit_rows(ledger.writer, fills, [], 1)
    ledger.measure()
    for fill in fills:
        book.trade(fill)
    for _ in range(60):
        at, length = draw.choice(fills).time, draw.choice([3, 1_000, 60_000, DAY])
        window = Window(at - length // 2, at - length // 2 + length)
        answer = turnover_answer(ledger.reader, now=START + 500 * DAY, start=window.start, end=window.end, detail=False)
        (row,) = cast("list[dict[str, float | None]]", answer["assets"])
        scale = float(sum(book.market(window)[name] for name in ("buy_notional", "sell_notional")))
        for name, exact in book.market(window).items():
            least = scale if name == "realised_pnl" else 0
            told = row[name]
            assert told is not None
            assert abs(Fraction(told) - exact) <= Fraction(CLOSE) * max(abs(exact), Fraction(least)), (name, window)
