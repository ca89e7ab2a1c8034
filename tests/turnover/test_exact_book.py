"""The exact book asked for one window: what was flat before it need not be computed, and changes no figure."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

from monitor.schema import FILLS, MOVEMENTS
from monitor.turnover.exact_book import Asked, ExactBook

if TYPE_CHECKING:
    from monitor.turnover.exact_pool import ExactPool
    from tests.turnover.conftest import Desk

DAY = 86_400_000
METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")


def busy(desk: Desk, book: str) -> None:
    """Write a book that is flat now and then: fifty round trips of some fills each."""
    draw, day = Random(5), 1.0  # noqa: S311  a fixed series, no secret
    desk.price(0.5, "X/USD", "9")
    for _ in range(50):
        held = 0
        for step in (draw.randint(1, 9), draw.randint(-9, 9) if book == "margin" else draw.randint(1, 9), None):
            change = -held if step is None else step
            held += change
            day += 0.01
            side, price = "buy" if change > 0 else "sell", str(draw.randint(8, 12))
            if change:
                desk.fill(day, side, str(abs(change)), "X/USD", price, book=book, fees=[("USD", "0.01")])


def asked(desk: Desk, since: float, method: str, book: str) -> tuple[ExactBook, ExactPool]:
    """Return the book and the pool as far as windows from a day on need them."""
    fills = [dict.fromkeys(FILLS) | row for row in desk.fills]
    moves = [dict.fromkeys(MOVEMENTS) | row for row in desk.movements]
    wanted = Asked({"X"}, book, None, round(since * DAY))
    exact = ExactBook(fills, moves, desk.prices, desk.valued(method), asked=wanted)
    return exact, exact.pools["", "X", book]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("book", ["spot", "margin"])
def test_a_late_start_changes_nothing(desk: Desk, method: str, book: str) -> None:
    """Sums over the window, steps, and lots with their numbers are those of the whole history."""
    busy(desk, book)
    start, end = round(1.9 * DAY), round(2.4 * DAY)
    whole = desk.exact(method).pools["", "X", book]
    exact, late = asked(desk, 1.9, method, book)
    assert exact.first > 0
    ends = [{name: pool.at(end)[name] - pool.at(start)[name] for name in pool.at(end)} for pool in (whole, late)]
    assert ends[0] == pytest.approx(ends[1], rel=Decimal("1e-20"))
    steps = [[step[:6] for step in pool.steps if step.time >= start] for pool in (whole, late)]
    assert steps[0] == steps[1]
    lots = [[(lot.number, lot.came, lot.closed) for lot in pool.lots if lot.entered >= start] for pool in (whole, late)]
    assert lots[0] == lots[1]
    parts = [[relief for relief in pool.reliefs if relief.time >= start] for pool in (whole, late)]
    assert parts[0] == parts[1]


def test_a_missing_opening_is_not_left_out(desk: Desk) -> None:
    """What was held from the first event on is never flat, however it looks from zero."""
    desk.fill(1, "sell", "1", "X/USD", "10")
    desk.fill(2, "buy", "2", "X/USD", "10")
    desk.fill(3, "sell", "3", "X/USD", "10")
    desk.fill(5, "buy", "1", "X/USD", "10")
    exact, pool = asked(desk, 2.5, "fifo", "spot")
    assert exact.first == 0
    assert exact.shortages["", "X", "spot"].quantity == 2
    exact, pool = asked(desk, 4, "fifo", "spot")
    assert (exact.first, [lot.number for lot in pool.lots]) == (0, [0, 1, 2])
    desk.fill(6, "sell", "1", "X/USD", "10")
    exact, pool = asked(desk, 5.5, "fifo", "spot")
    assert (exact.first, pool.begun, [lot.number for lot in pool.lots]) == (3, 4, [2])


def test_progress_is_told(desk: Desk) -> None:
    """Of how many events how many are done."""
    busy(desk, "spot")
    told: list[tuple[int, int]] = []
    fills = [dict.fromkeys(FILLS) | row for row in desk.fills * 6]
    for number, row in enumerate(fills):
        row["key"] = str(number)
    ExactBook(fills, (), desk.prices, desk.valuation, progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 900), (500, 900)]
