"""Prices as they were known, and the assets that a late one revalues."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.records import Commit
from monitor.store.settings import load_valuation
from monitor.store.touched import earliest, touch

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from monitor.records import Price, Valuation
    from monitor.store.database import Writer

Pair = tuple[str, str]


def commit_prices(writer: Writer, prices: Iterable[Price]) -> Commit:
    """Store prices in one transaction; return how many were new, known and revised.

    Assets of the ledger are touched that may be valued by a new or revised price.
    """
    series: dict[tuple[str, str, str], dict[int, Price]] = defaultdict(dict)
    for price in prices:
        series[price.base, price.quote, price.exchange][price.time] = price
    total = Commit()
    since: list[tuple[Pair, int]] = []
    with writer.transaction() as connection:
        for (base, quote, _), points in series.items():
            part, first = _store(connection, list(points.values()))
            total = Commit(total.new + part.new, total.known + part.known, total.revised + part.revised)
            if first is not None:
                since.append(((base, quote), first))
        connection.executemany("INSERT OR IGNORE INTO pairs (base, quote) VALUES (?, ?)", [pair for pair, _ in since])
        touch(connection, _revalued(connection, since), priced=True)
    return total


def stored_span(connection: sqlite3.Connection, pair: Pair, exchange: str) -> tuple[int | None, int | None]:
    """Return the first and last candle close stored of a pair at a venue, None where there is none."""
    row = connection.execute(
        "SELECT min(time_ms), max(time_ms) FROM prices WHERE base = ? AND quote = ? AND exchange = ?"
        " AND source = 'candle'",
        [*pair, exchange],
    ).fetchone()
    return row[0], row[1]


def unlisted(connection: sqlite3.Connection, apart: str) -> set[str]:
    """Return the assets that any account had to do with and nobody has a price of, the source `apart` left out."""
    rows = connection.execute(
        "SELECT DISTINCT asset FROM seen s WHERE NOT EXISTS"
        " (SELECT 1 FROM prices WHERE base = s.asset AND exchange <> ?1)"
        " AND NOT EXISTS (SELECT 1 FROM prices p JOIN pairs USING (base, quote) WHERE quote = s.asset"
        " AND exchange <> ?1)",
        [apart],
    )
    return {asset for (asset,) in rows}


def _store(connection: sqlite3.Connection, points: list[Price]) -> tuple[Commit, int | None]:
    """Store one venue's prices of one pair; return the counts and the earliest instant that changed."""
    one, times = points[0], [point.time for point in points]
    stored = connection.execute(
        "SELECT time_ms, price, source FROM prices WHERE base = ? AND quote = ? AND time_ms BETWEEN ? AND ?"
        " AND exchange = ?",
        [one.base, one.quote, min(times), max(times), one.exchange],
    )
    told = {time: (price, source) for time, price, source in stored}
    changed = [point for point in points if told.get(point.time) != (plain(point.price), point.source)]
    connection.executemany(
        "INSERT INTO prices (base, quote, time_ms, exchange, price, source) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET price = excluded.price, source = excluded.source",
        [(p.base, p.quote, p.time, p.exchange, plain(p.price), p.source) for p in changed],
    )
    revised = sum(point.time in told for point in changed)
    counts = Commit(new=len(changed) - revised, known=len(points) - len(changed), revised=revised)
    return counts, min((point.time for point in changed), default=None)


def _revalued(connection: sqlite3.Connection, since: list[tuple[Pair, int]]) -> dict[str, int]:
    """Return the assets of the ledger that a changed price may value, and the earliest such instant.

    Also where no row of theirs is as late: what is held meanwhile is worth the new mark.
    """
    money = _money(load_valuation(connection))
    near = _near(connection) if since else {}
    reached = ((asset, time) for pair, time in since for asset in _reached(pair, near, money))
    held = {asset for (asset,) in connection.execute("SELECT DISTINCT asset FROM seen")} - {money[0]}
    return {asset: time for asset, time in earliest(reached).items() if asset in held}


def _money(valuation: Valuation) -> tuple[str, ...]:
    return (valuation.currency, *valuation.pegs)


def _near(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return what each asset was ever traded, priced or converted against."""
    near: dict[str, set[str]] = defaultdict(set)
    for one, other in connection.execute(
        "SELECT base, quote FROM pairs UNION SELECT asset, to_asset FROM movements WHERE to_asset IS NOT NULL"
    ):
        near[one].add(other)
        near[other].add(one)
    return near


def _reached(pair: Pair, near: Mapping[str, set[str]], money: Collection[str]) -> Iterator[str]:
    """Yield the assets a price of a pair may count for.

    It values its two and, over these, what has a price against one of them; and with each of those the legs of what
    was traded against it. Money, whose value does not depend on a market, passes nothing on.
    """
    valued = set(pair)
    for asset in pair:
        valued |= near.get(asset, set()) if asset not in money else set()
    yield from valued
    for asset in valued.difference(money):
        yield from near.get(asset, ())
