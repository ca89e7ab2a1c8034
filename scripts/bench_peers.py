"""What a desk would write or take instead, on the same fills: a loop over lots, pandas, SQL, and others' programs.

The loop is the classic one, floats and a deque for each asset; its turnover must be the engine's. pandas and DuckDB
compute `unit_turnover` alone, which needs neither prices nor lots, from signed amounts that are ready for them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from bench_data import ASSETS, CROSS, LINEAR, NAMES, SPAN
from bench_memory import expected, tracks_of, turnover_of
from bench_others import others
from bench_rows import Row, rounds, seconds, spread, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench_data import Desk
    from bench_rows import Report

    Line = tuple[int, int, int, int, float, float, float, float]

# Above this the loop's rows, Python objects all of them, take more memory than everything else together.
MOST_ROWS = 1_000_000
CLOSE = 1e-9
NEGLIGIBLE = 1e-9
# Whatever takes off from a position gives units back; what crosses zero gives back what was there.
UNITS_SQL = """
WITH run AS (
    SELECT pool, time, amount,
        sum(amount) OVER w AS held,
        lead(time, 1, {end}) OVER w AS until
    FROM moves WINDOW w AS (PARTITION BY pool ORDER BY time ROWS UNBOUNDED PRECEDING)
)
SELECT pool,
    sum(CASE WHEN amount * (held - amount) < 0 THEN least(abs(amount), abs(held - amount)) ELSE 0 END)
        / (sum(abs(held) * (until - time)) / {span}) AS turnover
FROM run GROUP BY pool ORDER BY pool
"""


class Moves(NamedTuple):
    """Signed amounts by time: pool (an asset, or ASSETS + asset for its linear book), time, amount."""

    pool: np.ndarray[tuple[int], np.dtype[np.int64]]
    time: np.ndarray[tuple[int], np.dtype[np.int64]]
    amount: np.ndarray[tuple[int], np.dtype[np.float64]]


class Position:
    """The lots of one asset as a desk keeps them: signed amount and basis, the oldest first."""

    def __init__(self, start: int) -> None:
        """Begin without lots."""
        self.lots: deque[list[float]] = deque()
        self.cost = self.area = self.relieved = 0.0
        self.since = start

    def move(self, time: int, amount: float, value: float) -> None:
        """Relieve the oldest lots of the other side, then open one with what is left."""
        self.area += self.cost * (time - self.since)
        self.since = time
        lots, unit = self.lots, value / abs(amount)
        while lots and lots[0][0] * amount < 0 and abs(amount) > NEGLIGIBLE * abs(lots[0][0]):
            lot = lots[0]
            if abs(lot[0]) <= abs(amount) * (1 + NEGLIGIBLE):
                lots.popleft()
                taken = lot[1]
                amount += lot[0]
            else:
                taken = lot[1] * abs(amount) / abs(lot[0])
                lot[0] += amount
                lot[1] -= taken
                amount = 0.0
            self.relieved += taken
            self.cost -= taken
        if abs(amount) * unit > NEGLIGIBLE:
            lots.append([amount, abs(amount) * unit])
            self.cost += abs(amount) * unit


def looped(lines: Iterable[Line]) -> float:
    """Return the turnover of the desk the way a loop over fills comes to it."""
    pools: defaultdict[int, Position] = defaultdict(partial(Position, SPAN.start))
    for time, asset, market, sign, amount, price, fee, rate in lines:
        value = amount * price * rate
        pool = asset + ASSETS if market == LINEAR else asset
        pools[pool].move(time, sign * amount, value + sign * fee)
        if market == CROSS:
            pools[0].move(time, -sign * amount * price, value)
    for one in pools.values():
        one.area += one.cost * (SPAN.end - one.since)
    return sum(one.relieved for one in pools.values()) / (sum(one.area for one in pools.values()) / SPAN.milliseconds)


def peers(desk: Desk, report: Report) -> None:
    """Run them in turns with the engine, and compare what they come to."""
    pools = expected(desk)
    if len(desk) > MOST_ROWS:
        report.add(
            Row("per-lot Python loop", len(desk), f"left out above {MOST_ROWS:.0e} fills: its rows fill the memory")
        )
    else:
        _loop(desk, report, turnover_of(pools))
    moves = _moves(desk)
    units = {
        NAMES.index(asset) + (ASSETS if book == "linear" else 0): sums["units_relieved"]
        * SPAN.milliseconds
        / sums["units_time"]
        for (asset, book), sums in pools.items()
    }
    wanted = np.array([units[pool] for pool in sorted(units)])
    for name, run in (("pandas", _in_pandas), ("duckdb", _in_duckdb)):
        _units(name, run, moves, wanted, report)
    others(desk, report)


def _loop(desk: Desk, report: Report, turnover: float) -> None:
    order = ("time", "asset", "market", "sign", "amount", "price", "fee", "rate")
    lines: list[Line] = list(zip(*(desk.flat[name].tolist() for name in order), strict=True))
    results: list[float] = []
    (loop, engine) = rounds(
        [lambda: results.append(looped(lines)), partial(tracks_of, desk)],
        least=1,
        most=3,
        budget=4.0,
        clock=process_time,
    )
    off = abs(results[0] - turnover) / turnover
    what = "per-lot Python loop (deque, floats), headline only, processor time"
    report.add(
        Row(what, len(desk), seconds(median(loop)), spread(loop), median(loop) / median(engine),
            "the engine's full recompute")
    )  # fmt: skip
    figure = f"{results[0]:.12g}; engine {turnover:.12g}"
    report.add(
        Row("turnover of the loop", len(desk), figure, "", None, "", f"off by {off:.1e}, <= 1e-9", holds=off <= CLOSE)
    )


def _moves(desk: Desk) -> Moves:
    """Return what enters and leaves each pool, the quote legs of crosses included."""
    flat, cross = desk.flat, np.flatnonzero(desk.flat["market"] == CROSS)
    signed = flat["sign"] * flat["amount"]
    pool = np.concatenate([flat["asset"] + ASSETS * (flat["market"] == LINEAR), np.zeros(len(cross), np.int64)])
    time = np.concatenate([flat["time"], flat["time"][cross]])
    amount = np.concatenate([signed, -(signed * flat["price"])[cross]])
    order = np.argsort(time, kind="stable")
    return Moves(pool[order], time[order], amount[order])


def _units(
    name: str, run: Callable[[Moves], Iterable[float]], moves: Moves, expected: np.ndarray, report: Report
) -> None:
    count = len(moves.time)
    if find_spec(name) is None:
        report.add(Row(f"peer {name}", count, "not installed: pip install '.[bench]'"))
        return
    found = np.fromiter(run(moves), float)
    times, ours = timed(lambda: run(moves), budget=1.0), timed(lambda: _in_polars(moves), budget=1.0)
    what, to = f"{name}: unit_turnover from signed amounts", "polars, the same way"
    report.add(Row(what, count, seconds(median(times)), spread(times), median(times) / median(ours), to))
    off = float(np.nanmax(np.abs(found - expected) / np.maximum(expected, 1e-3)))
    report.add(
        Row(f"unit_turnover of {name}, {len(found)} pools", count, f"off by {off:.1e} at most", "", None, "", "<= 1e-6",
            holds=len(found) == len(expected) and off <= 1e-6)  # noqa: PLR2004  running sums of floats, as the peer has them
    )  # fmt: skip


def _in_pandas(moves: Moves) -> Iterator[float]:
    pandas = import_module("pandas")
    frame = pandas.DataFrame(moves._asdict())
    frame["held"] = frame.groupby("pool")["amount"].cumsum()
    before = frame["held"] - frame["amount"]
    until = frame.groupby("pool")["time"].shift(-1, fill_value=SPAN.end)
    frame["area"] = frame["held"].abs() * (until - frame["time"])
    frame["relieved"] = np.where(frame["amount"] * before < 0, np.minimum(frame["amount"].abs(), before.abs()), 0.0)
    sums = frame.groupby("pool")[["relieved", "area"]].sum().sort_index()
    return iter(sums["relieved"] / (sums["area"] / SPAN.milliseconds))


def _in_duckdb(moves: Moves) -> Iterator[float]:
    duckdb = import_module("duckdb")
    with duckdb.connect() as connection:
        connection.register("moves", moves._asdict())
        rows = connection.execute(UNITS_SQL.format(end=SPAN.end, span=SPAN.milliseconds)).fetchall()
    return iter([turnover for _, turnover in rows])


def _in_polars(moves: Moves) -> Iterator[float]:
    held, amount = pl.col("amount").cum_sum().over("pool"), pl.col("amount")
    until = pl.col("time").shift(-1, fill_value=SPAN.end).over("pool")
    crossed = amount * (pl.col("held") - amount) < 0
    given = pl.when(crossed).then(pl.min_horizontal(amount.abs(), (pl.col("held") - amount).abs())).otherwise(0.0)
    sums = (
        pl.DataFrame(moves._asdict())
        .with_columns(held=held, until=until)
        .group_by("pool")
        .agg(
            given.sum().alias("relieved"),
            (pl.col("held").abs() * (pl.col("until") - pl.col("time"))).sum().alias("area"),
        )
        .sort("pool")
    )
    return iter(sums["relieved"] / (sums["area"] / SPAN.milliseconds))
