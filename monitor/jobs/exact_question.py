"""The exact book of one asset, computed anew from the ledger: the second opinion on what is stored.

Slow by design, and slower the more lots are open at once: a second for a thousand events is usual.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.frames import ledger_frames
from monitor.store.settings import load_valuation
from monitor.store.track import converted_with
from monitor.turnover.exact_book import ExactBook

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from monitor.records import Valuation
    from monitor.turnover.exact_pool import ExactPool
    from monitor.turnover.exact_prices import Row


class ExactRows(NamedTuple):
    """The rows of the ledger that move an asset, or those it converts into, and the prices that value them."""

    fills: Sequence[Row]
    movements: Sequence[Row]
    prices: Sequence[Row]
    valuation: Valuation


class ExactAnswer(NamedTuple):
    """The book, and the one pool of it that was asked about, None if nothing ever happened in it."""

    book: ExactBook
    pool: ExactPool | None
    rows: ExactRows


def exact_rows(connection: sqlite3.Connection, asset: str, method: str | None = None) -> ExactRows:
    """Read what the exact book of an asset is computed from."""
    assets = converted_with(connection, [asset])
    valuation = load_valuation(connection)
    frames = ledger_frames(connection, assets)
    fills, movements, prices = (list(frame.iter_rows(named=True)) for frame in frames)
    needed = needed_prices(prices, instants_of_prices(fills, movements, valuation, assets))
    return ExactRows(fills, movements, needed, replace(valuation, method=method or valuation.method))


def exact_answer(rows: ExactRows, asset: str, book: str, account: str | None = None) -> ExactAnswer:
    """Compute the pool of an asset in a book: of an account, or of the portfolio where none is named."""
    scope = "account" if account else "portfolio"
    exact = ExactBook(rows.fills, rows.movements, rows.prices, rows.valuation, scope)
    return ExactAnswer(exact, exact.pools.get((account or "", asset, book)), rows)


def instants_of_prices(
    fills: Iterable[Row], movements: Iterable[Row], valuation: Valuation, assets: Collection[str]
) -> list[int]:
    """Return the instants at which some leg may be valued by a stored price rather than by its own."""
    money = {valuation.currency, *valuation.pegs}
    times = {_time(row, "time_ms") for row in movements}
    times |= {_time(row, "arrived_ms") for row in movements if row["arrived_ms"] is not None}
    every = [_time(row, "time_ms") for row in fills]
    for row, time in zip(fills, every, strict=True):
        paid = {asset for asset, _ in json.loads(str(row["fees"] or "[]"))}
        if row["book"] != "spot" or row["quote"] not in money or paid & set(assets) - {row["base"], row["quote"]}:
            times.add(time)
    # A fill with a fee of the asset's own may be the first event, whose mark an implied opening takes.
    return sorted(times.union(every[:1], [min(every, default=0)]))


def needed_prices(prices: Iterable[Row], times: Sequence[int]) -> list[Row]:
    """Return the prices that any of these instants is valued by: of each venue the last at or before it.

    The exact book adds up market values at every price there is, which nobody asks it for here and which takes longer
    than all the rest.
    """
    venues: dict[tuple[object, ...], list[Row]] = {}
    for row in prices:
        venues.setdefault((row["base"], row["quote"], row["exchange"], row["source"]), []).append(row)
    needed = []
    for rows in venues.values():
        rows.sort(key=lambda row: _time(row, "time_ms"))
        known = [_time(row, "time_ms") for row in rows]
        places = {bisect_right(known, time) - 1 for time in times} - {-1}
        needed += [rows[place] for place in sorted(places)]
    return needed


def _time(row: Row, name: str) -> int:
    return int(str(row[name]))
