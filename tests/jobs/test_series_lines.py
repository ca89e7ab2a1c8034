"""Rolling lines from fills: arithmetic of small tables, and the answer's own numbers at every point of longer ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import DAY, HOUR, parse_instant
from monitor.errors import UsageError
from monitor.jobs.answer import turnover_answer
from monitor.jobs.readings import value_of
from monitor.jobs.series import METRICS, Wanted, series_answer
from monitor.store.answers import pools
from monitor.store.samples import stands
from monitor.turnover.series import STOCKS

if TYPE_CHECKING:
    from monitor.jobs.question import By
    from monitor.jobs.series import Line
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

FLAT = """
    2024-01-02 buy  2 BTC/USD 100
    2024-01-04 buy  1 BTC/USD 130
    2024-01-05 sell 2 BTC/USD 140
    2024-01-07 sell 1 BTC/USD 120
"""


def wanted(metric: str = "turnover", by: By = "asset", window: int = 2 * DAY, **more: object) -> Wanted:
    """Return a question for the points of January 2024, 3rd to 10th, a day apart, unless told otherwise."""
    options: Numbers = {"start": parse_instant("2024-01-03"), "end": parse_instant("2024-01-10"), "step": DAY} | more
    return Wanted(metric=metric, by=by, window=window, **options)  # type: ignore[arg-type]


def points(line: Line) -> list[tuple[object, object]]:
    """Return (value, status) of each point."""
    return [(at["value"], at["status"]) for at in cast("list[Numbers]", line["points"])]


def line(ledger: Ledger, question: Wanted) -> Line:
    """Return the one line of an answer."""
    (found,) = series_answer(ledger.reader, question, ledger.now)
    return found


def test_each_point_is_the_window_that_ends_there(ledger: Ledger) -> None:
    """Two days back from each midnight: inventory 200, 330 and 130 at cost, 200 and 130 relieved."""
    ledger.add(FLAT)
    ledger.measure()
    found = points(line(ledger, wanted(assets=["BTC"])))
    assert found == [
        (0.0, "idle"),
        (0.0, "idle"),
        (0.0, "idle"),
        (pytest.approx(200 / ((330 + 130) / 2)), "ok"),
        (pytest.approx(200 / 130), "ok"),
        (pytest.approx(130 / (130 / 2)), "ok"),
        (None, "instantaneous"),
        (None, "no_inventory"),
    ]


def test_round_trips_within_one_instant_were_held_for_no_day(ledger: Ledger) -> None:
    """Nothing was held, something was sold: no turns, and 0 days of inventory, as the answer says."""
    ledger.add("2024-01-03 buy 1 BTC/USD 100\n2024-01-03 sell 1 BTC/USD 110")
    ledger.measure()
    found = points(line(ledger, wanted("days_inventory", assets=["BTC"], end=parse_instant("2024-01-04"))))
    assert found == [(None, "no_inventory"), (0.0, "instantaneous")]


def test_a_moment_long_after_the_last_event_keeps_its_digits(ledger: Ledger) -> None:
    """What is held for a minute after twenty years is its basis, not the difference of two great integrals."""
    ledger.add("2003-12-31 buy 3 BTC/USD 0.0123457")
    ledger.measure()
    question = wanted("average_inventory", assets=["BTC"], window=60_007, end=parse_instant("2024-01-03"))
    assert points(line(ledger, question)) == [(pytest.approx(3 * 0.0123457, rel=1e-12), "idle")]


def test_a_line_says_what_it_is(ledger: Ledger) -> None:
    """Asset, metric, window, step and what the numbers rest on, instants in ISO 8601."""
    ledger.add(FLAT)
    ledger.measure()
    found = line(ledger, wanted(assets=["btc"]))
    told = {
        name: found[name] for name in ("asset", "book", "account", "metric", "window", "step", "currency", "method")
    }
    assert told == {
        "asset": "BTC",
        "book": "spot",
        "account": None,
        "metric": "turnover",
        "window": "2d",
        "step": "1d",
        "currency": "USD",
        "method": "fifo",
    }
    assert cast("list[Numbers]", found["points"])[0]["time"] == "2024-01-03T00:00:00.000Z"


def test_stocks_are_those_at_the_point(ledger: Ledger) -> None:
    """Inventory at cost and units after all events before each midnight; an event at midnight is not in it."""
    ledger.add(FLAT)
    ledger.measure()
    assert [at for at, _ in points(line(ledger, wanted("inventory", assets=["BTC"])))] == [
        200, 200, 330, 130, 130, 0, 0, 0,
    ]  # fmt: skip
    assert [at for at, _ in points(line(ledger, wanted("quantity", assets=["BTC"])))] == [2, 2, 3, 1, 1, 0, 0, 0]


def test_by_default_thirty_points_end_where_the_data_stands(ledger: Ledger) -> None:
    """The last is now, imported files being complete."""
    ledger.add(FLAT)
    ledger.measure()
    times = [at["time"] for at in cast("list[Numbers]", line(ledger, Wanted(assets=["BTC"]))["points"])]
    assert (len(times), times[0], times[-1]) == (30, "2024-12-02T00:00:00.000Z", "2024-12-31T00:00:00.000Z")


def test_portfolio_without_anything(ledger: Ledger) -> None:
    """An empty database has a line of nothing, not an error."""
    ledger.measure()
    assert set(points(line(ledger, wanted(by="portfolio")))) == {(None, "no_inventory")}
    assert series_answer(ledger.reader, wanted(), ledger.now) == []


def test_an_unknown_metric_is_refused(ledger: Ledger) -> None:
    """With the nearest, and all of them."""
    del ledger
    with pytest.raises(UsageError, match="Did you mean 'turnover'"):
        wanted("turnovers")


def test_a_price_that_nobody_knows_is_a_status(ledger: Ledger) -> None:
    """Windows in which an unpriced lot was held or given up have no value; later ones have."""
    ledger.add("""
        2024-01-03 deposit 5 DOGE
        2024-01-05 withdrawal 5 DOGE
        2024-01-06 buy 1 DOGE/USD 2
    """)
    ledger.measure()
    statuses = [status for _, status in points(line(ledger, wanted("average_inventory", assets=["DOGE"])))]
    assert statuses == ["no_inventory"] + 4 * ["unpriced"] + 3 * ["idle"]


@pytest.mark.parametrize("metric", ["buy_notional", "peak_inventory", "cogs"])
def test_before_the_first_event_nothing_was_traded_or_held(ledger: Ledger, metric: str) -> None:
    """Where a window without an event has a number it is 0, whichever way the metric is read."""
    ledger.add("2024-01-09 buy 2 BTC/USD 100")
    ledger.measure()
    assert points(line(ledger, wanted(metric)))[0] == (0.0, "no_inventory")


def test_a_pool_has_no_state_before_its_first_event(ledger: Ledger) -> None:
    """Nor at the very instant of it: a state is that after all events before."""
    ledger.add("2024-01-09 buy 2 BTC/USD 100")
    ledger.measure()
    (pool,) = pools(ledger.reader, "portfolio", "fifo")
    event = parse_instant("2024-01-09")
    assert stands(ledger.reader, pool, [event - DAY, event], ("cogs",)) == {}
    assert [*stands(ledger.reader, pool, [event, event + 1], ("cogs",))] == [event + 1]


def busy(seed: int) -> str:
    """Return a book with shorts, crosses, guesses and a great early round trip, an event an hour or so."""
    draw = random.Random(seed)  # noqa: S311  a fixed series, no secret
    rows = ["2024-01-01 price BTC/USD 70", "2024-01-01 buy 90000000 ETH/USD 7", "2024-01-01T01 sell 89999999 ETH/USD 7"]
    for hour in sorted(draw.sample(range(30, 230), 120)):
        moment = f"2024-01-{1 + hour // 24:02}T{hour % 24:02}"
        amount, price = draw.randint(1, 900) / 100, draw.randint(50, 90)
        rows.append(
            draw.choice(
                [
                    f"{moment} buy {amount} BTC/USD {price}",
                    f"{moment} sell {amount / 2} BTC/USD {price}",
                    f"{moment} sell {amount} BTC/USD {price} margin",
                    f"{moment} buy {amount} BTC/USD {price} margin",
                    f"{moment} buy {amount} ETH/BTC 0.1",
                    f"{moment} sell {amount / 3} ETH/USD {price / 10} fee 0.01 BTC",
                    f"{moment} adjust {amount} BTC",
                ]
            )
        )
    return "\n".join(rows)


@pytest.mark.parametrize("by", ["asset", "account", "portfolio"])
def test_a_point_is_what_the_answer_says(ledger: Ledger, by: By) -> None:
    """Every metric of every pool at every point, value and status: two ways to the same number."""
    ledger.add(busy(7))
    ledger.measure()
    ends = range(parse_instant("2024-01-01T06"), parse_instant("2024-01-11") + 1, 31 * HOUR)
    expected = {end: told(ledger, by, end) for end in ends}
    for metric in METRICS:
        question = wanted(metric, by, window=36 * HOUR, start=ends[0], end=ends[-1], step=ends.step, book="all")
        for found in series_answer(ledger.reader, question, ledger.now):
            for end, (value, status) in zip(ends, points(found), strict=True):
                row = expected[end].get((found["asset"], found["book"], found["account"]))
                assert (metric, status) == (metric, row["status"] if row else "no_inventory")
                if metric not in STOCKS:
                    number = value_of(row, metric) if row else value if not value else None
                    same = None if number is None else pytest.approx(number, rel=1e-9, abs=1e-9)
                    assert (metric, value) == (metric, same)


def told(ledger: Ledger, by: By, end: int) -> dict[tuple[object, ...], Numbers]:
    """Return the rows of the answer for the window of 36 hours that ends at an instant, by pool."""
    answer = turnover_answer(ledger.reader, now=ledger.now, start=end - 36 * HOUR, end=end, by=by, book="all")
    rows: dict[tuple[object, ...], Numbers] = {("portfolio", "all", None): cast("Numbers", answer["portfolio"])}
    for row in cast("list[Numbers]", answer["assets"]):
        rows[row["asset"], row["book"], row["account"]] = row
    return rows
