"""The rolling line of a metric, as charts and rules need it, from the stored tracks: JSON-ready, no heavy import.

Most metrics follow from a few running sums and cost a seek a point. The others (market rates, ages, half-life) are
asked of the answer, point by point: slower, the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from monitor.clock import DAY, Window, duration_text, iso
from monitor.jobs.answer import turnover_answer
from monitor.jobs.question import ALL_BOOKS, By, Question, known
from monitor.jobs.readings import value_of
from monitor.jobs.replays import Doubt, replayed
from monitor.jobs.turns import inquire
from monitor.store import answers, samples, states
from monitor.store.sweeping import unswept
from monitor.turnover import series
from monitor.turnover.series import FLOWS, OF_ONE_POOL, STOCKS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from monitor.jobs.proof import Hole
    from monitor.jobs.question import Options
    from monitor.jobs.turns import Inquiry
    from monitor.schema import State
    from monitor.store.answers import Pool
    from monitor.turnover.series import Point

Line = dict[str, object]

PORTFOLIO = "portfolio"
POINTS = 30
Key = tuple[str, str | None, str | None]
# Metrics that single rows of the answer have, and the running sums alone do not give.
OF_THE_ANSWER = (
    "velocity",
    "portfolio_turnover_rate",
    "average_market_value",
    "buy_notional",
    "sell_notional",
    "estimated_share",
    "holding_time.mean",
    "holding_time.median",
    "holding_time.p95",
    "age.mean",
    "age.long.mean",
    "age.short.mean",
    "peak_inventory",
    "half_life",
)
OF_SINGLE_LOTS = frozenset(OF_THE_ANSWER[7:])
METRICS = (*FLOWS, *STOCKS, *OF_THE_ANSWER)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question for lines; instants and lengths in milliseconds.

    A point at t stands for [t - window, t). Points go from `start` in steps up to `end` (both inclusive), by default
    the thirty that end where the data stands. `assets` empty with `by` asset: all; `by` portfolio: one line for all.
    """

    metric: str = "turnover"
    window: int = 7 * DAY
    step: int = DAY
    start: int | None = None
    end: int | None = None
    by: By = "asset"
    assets: Sequence[str] = ()
    book: str = "spot"
    method: str | None = None
    account: str | None = None

    def __post_init__(self) -> None:
        """Refuse a metric that does not exist."""
        known("--metric", self.metric, METRICS)

    def options(self) -> Options:
        """Return the options of the question about the last window."""
        return {
            "window": self.window, "end": self.end, "by": self.by, "assets": self.assets, "book": self.book,
            "method": self.method, "account": self.account,
        }  # fmt: skip

    @property
    def is_single(self) -> bool:
        """Tell whether one line answers, whatever the ledger holds."""
        return self.by == PORTFOLIO or (self.by == "asset" and len(self.assets) == 1 and self.book != ALL_BOOKS)


def series_answer(connection: sqlite3.Connection, wanted: Wanted, now: int) -> list[Line]:
    """Return one line for each pool asked about, or the one of the portfolio.

    Each is {asset, book, account, metric, window, step, currency, method, as_of, points: [{time, value, status}]};
    a value that is missing is None and its status says why.

    Raises:
        UsageError: an unknown metric, asset, book or method, or a line that is too long.
    """
    with unswept(), answers.snapshot(connection):
        inquiry = inquire(connection, Question(**wanted.options()), now)
        ends = series.grid(wanted.start, inquiry.window.end, wanted.step, POINTS)
        windows = [Window(end - wanted.window, end) for end in ends]
        if wanted.metric in OF_THE_ANSWER:
            return _asked(inquiry, wanted, windows)
        return _lines(inquiry, wanted, windows)


def _lines(inquiry: Inquiry, wanted: Wanted, windows: Sequence[Window]) -> list[Line]:
    """Return the lines of a metric that follows from running sums."""
    pools, times = inquiry.asked(inquiry.question.scope), [iso(window.end) for window in windows]
    holes = [
        [hole for hole in inquiry.proof.holes(window) if wanted.account in {None, hole.account}] for window in windows
    ]
    lasts = states.tracks_at(inquiry.connection, pools, windows[-1].end)
    # One pool after the other: a hundred thousand points at once would be gone over by every garbage collection.
    rows = (_points(inquiry, pool, lasts.get(pool.id), wanted.metric, windows) for pool in pools)
    if wanted.by == PORTFOLIO:
        missing = wanted.metric in OF_ONE_POOL
        together = [series.total(at) for at in zip(*rows, strict=True)] or [series.total(())] * len(windows)
        values = _values(wanted, together, [bool(found) for found in holes])
        return [_line(inquiry, wanted, None, times, [(None if missing else one, why) for one, why in values])]
    return [
        _line(inquiry, wanted, pool, times, _values(wanted, points, _partial(inquiry, pool, holes)))
        for pool, points in zip(pools, rows, strict=True)
    ]


def _partial(inquiry: Inquiry, pool: Pool, holes: Iterable[Sequence[Hole]]) -> list[bool]:
    """Return for each window whether rows of a pool may be missing in it."""
    return [
        any(pool.account in {"", hole.account} for hole in inquiry.proof.holes_of(pool.asset, found))
        if found
        else False
        for found in holes
    ]


def _values(wanted: Wanted, points: Iterable[Point], partial: Iterable[bool]) -> list[tuple[float | None, str]]:
    return [
        series.value(wanted.metric, one, wanted.window, partial=holes)
        for one, holes in zip(points, partial, strict=True)
    ]


def _line(
    inquiry: Inquiry,
    wanted: Wanted,
    pool: Pool | None,
    times: Iterable[str],
    values: Iterable[tuple[float | None, str]],
) -> Line:
    return {
        "asset": pool.asset if pool else PORTFOLIO,
        "book": pool.book if pool else wanted.book,
        "account": pool.account or None if pool else wanted.account,
        "metric": wanted.metric,
        "window": duration_text(wanted.window),
        "step": duration_text(wanted.step),
        "currency": inquiry.valuation.currency,
        "method": inquiry.method,
        "as_of": iso(inquiry.as_of),
        "points": [
            {"time": time, "value": value, "status": status}
            for time, (value, status) in zip(times, values, strict=True)
        ],
    }


def _points(inquiry: Inquiry, pool: Pool, newest: State | None, metric: str, windows: Sequence[Window]) -> list[Point]:
    """Return the points of one pool; `newest` is its last event before the line's end."""
    need = series.needed(metric, newest)
    if newest is None:
        return [series.point(need, None, None)] * len(windows)
    instants = sorted({instant for window in windows for instant in (window.start, window.end)})
    found = samples.stands(inquiry.connection, pool, instants, need.names)
    points = []
    for window in windows:
        first, last = found.get(window.start), found.get(window.end)
        sums = series.between(need, first, last, window)
        if sums and first and last and (lost := series.lost_digits(need, sums, first, last, window)):
            doubt = Doubt(first, window, dict(zip(need.names, sums, strict=True)), lost)
            again = replayed(inquiry.connection, inquiry.valuation, pool, doubt)
            sums = [again.get(name, value) for name, value in zip(need.names, sums, strict=True)]
        points.append(series.point(need, sums, last))
    return points


def _asked(inquiry: Inquiry, wanted: Wanted, windows: Sequence[Window]) -> list[Line]:
    """Return the lines of a metric that only the answer has: one answer a point."""
    pools: list[Pool | None] = [None] if wanted.by == PORTFOLIO else [*inquiry.asked(inquiry.question.scope)]
    # Named pools have a row before their first event too.
    wanted = replace(wanted, assets=wanted.assets or sorted({pool.asset for pool in pools if pool}))
    answered, times = [_rows(inquiry, wanted, window) for window in windows], [iso(window.end) for window in windows]
    return [
        _line(inquiry, wanted, pool, times, [_found(rows.get(_key(pool)), wanted.metric) for rows in answered])
        for pool in pools
    ]


def _key(pool: Pool | None) -> Key:
    return (pool.asset, pool.book, pool.account or None) if pool else (PORTFOLIO, None, None)


def _rows(inquiry: Inquiry, wanted: Wanted, window: Window) -> dict[Key, Line]:
    """Return the rows of the answer to one window, by asset, book and account."""
    answer = turnover_answer(
        inquiry.connection,
        now=inquiry.now,
        start=window.start,
        end=window.end,
        by=wanted.by,
        assets=wanted.assets,
        book=wanted.book,
        method=wanted.method,
        account=wanted.account,
        detail=wanted.metric in OF_SINGLE_LOTS,
    )
    rows = cast("list[Line]", answer["assets"])
    found: dict[Key, Line] = {
        (str(row["asset"]), str(row["book"]), cast("str | None", row["account"])): row for row in rows
    }
    return {**found, _key(None): cast("Line", answer["portfolio"])}


def _found(row: Line | None, metric: str) -> tuple[float | None, str]:
    return (None, "no_inventory") if row is None else (value_of(row, metric), str(row["status"]))
