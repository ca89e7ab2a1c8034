"""The exact book of one asset, computed anew from the ledger: the second opinion on what is stored.

Some ten thousand events a second; where the asset was flat before the window, only from then on.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.ledger_rows import fill_rows, movement_rows, price_rows, valuing
from monitor.store.settings import load_valuation
from monitor.store.track import converted_with
from monitor.turnover.exact_book import Asked, ExactBook

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from monitor.clock import Window
    from monitor.records import Valuation
    from monitor.turnover.exact_book import Progress
    from monitor.turnover.exact_pool import ExactPool
    from monitor.turnover.exact_prices import Row

# Prices inside the window that market values are added up over; beyond that they take longer than all the rest.
MOST_PRICES = 50_000


class ExactRows(NamedTuple):
    """The rows of the ledger that move an asset, or those it converts into, and the prices that value them.

    `marked`: among these are all prices of the window, so that market values can be told.
    """

    fills: Sequence[Row]
    movements: Sequence[Row]
    prices: Sequence[Row]
    valuation: Valuation
    assets: frozenset[str]
    marked: bool


class ExactAnswer(NamedTuple):
    """The book, and the one pool of it that was asked about, None if nothing ever happened in it."""

    book: ExactBook
    pool: ExactPool | None
    rows: ExactRows


def exact_rows(connection: sqlite3.Connection, asset: str, window: Window, method: str | None = None) -> ExactRows:
    """Read what the exact book of an asset is computed from, up to the window's end."""
    assets = converted_with(connection, [asset])
    valuation = load_valuation(connection)
    # What comes after the window may explain what is missing before it, so all of it is read.
    fills, movements = _fills(connection, asset, assets), movement_rows(connection, assets)
    # What a fill of contracts is paid in: an option's premium may be in a coin.
    paid = {str(row["settle"]) for row in fills if row["settle"]}
    prices = price_rows(connection, valuing(connection, assets | paid, {valuation.currency, *valuation.pegs}))
    times = instants_of_prices(fills, movements, valuation, assets)
    inside = [_time(row, "time_ms") for row in prices if window.start < _time(row, "time_ms") < window.end]
    marked = len(inside) <= MOST_PRICES
    if marked:
        times = sorted({*times, *inside, window.start})
    needed = needed_prices(prices, times)
    return ExactRows(fills, movements, needed, replace(valuation, method=method or valuation.method), assets, marked)


def _fills(connection: sqlite3.Connection, asset: str, assets: Collection[str]) -> Sequence[Row]:
    """Return the fills that move an asset; an option is named by its symbol, and the ledger orders it by its base."""
    base, is_option, _ = asset.partition("/")
    if not is_option:
        return fill_rows(connection, assets)
    return [row for row in fill_rows(connection, [base]) if row["symbol"] == asset]


def exact_answer(
    rows: ExactRows,
    pool: tuple[str, str, str],
    window: Window,
    progress: Progress | None = None,
) -> ExactAnswer:
    """Compute a pool (account, empty for the portfolio; asset; book) as far as a window needs it."""
    account, _, book = pool
    asked = Asked(rows.assets, book, account or None, window.start)
    scope = "account" if account else "portfolio"
    exact = ExactBook(rows.fills, rows.movements, rows.prices, rows.valuation, scope, asked=asked, progress=progress)
    return ExactAnswer(exact, exact.pools.get(pool), rows)


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
    """Return the prices that any of these instants is valued by: of each venue the last at or before it."""
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
