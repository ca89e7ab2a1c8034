"""The ledger as polars frames, for the turnover engine; amounts stay text, so that nothing is rounded on the way.

Rows come through the standard connection: a second SQLite library in the process would drop the writer's locks.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.schema import FILLS, MARKS, MOVEMENTS, PRICES, Columns
from monitor.store.settings import load_valuation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping

CHUNK = 100_000
# A row travels as one text, cut by polars: nineteen Python objects a row would take twice the time.
FIELD, ROW = "\x1f", "\x1e"  # ASCII's own separators

MATCHED = {
    "matched_account": "d.account",
    "arrived_ms": "max(d.time_ms, m.time_ms)",
    "matched_received": "d.amount",
    "is_matched_deposit": "EXISTS (SELECT 1 FROM matches WHERE deposit = m.id)",
}
FROM_FILLS = "FROM fills f"
FROM_MOVEMENTS = "FROM movements m LEFT JOIN matches x ON x.withdrawal = m.id LEFT JOIN movements d ON d.id = x.deposit"
FROM_PRICES = "FROM prices p"
WANTED = "(SELECT value FROM json_each(?1))"
NOTHING = ("[]",)  # what is bound where no row is wanted
OF_PAIRS = (
    "JOIN (SELECT json_extract(value, '$[0]') AS of_base, json_extract(value, '$[1]') AS of_quote FROM json_each(?1))"
    " ON p.base = of_base AND p.quote = of_quote"
)
NEXT_SERIES = (
    "SELECT exchange, source FROM prices INDEXED BY prices_series WHERE base = ? AND quote = ?"
    " AND (exchange, source) > (?, ?) ORDER BY exchange, source LIMIT 1"
)
LAST_OF_SERIES = (
    "SELECT time_ms FROM prices INDEXED BY prices_series WHERE base = ? AND quote = ? AND exchange = ? AND source = ?"
    " AND time_ms < ? AND CAST(price AS REAL) > 0 ORDER BY time_ms DESC LIMIT 1"
)
# Of an option the asset is its symbol, and its base what stands before the stroke.
FILLS_SINCE = (
    "SELECT id FROM fills WHERE base = ?1 AND time_ms >= ?3 UNION ALL"
    " SELECT id FROM fills WHERE quote = ?2 AND time_ms >= ?3 UNION ALL"
    " SELECT fill FROM third_fees WHERE asset = ?2 AND time_ms >= ?3"
)
MOVEMENTS_SINCE = (
    "SELECT id FROM movements WHERE asset = ?1 AND time_ms >= ?2 UNION ALL"
    " SELECT id FROM movements WHERE to_asset = ?1 AND time_ms >= ?2 UNION ALL"
    " SELECT movement FROM movement_fees WHERE asset = ?1 AND time_ms >= ?2 UNION ALL"
    " SELECT x.withdrawal FROM movements d JOIN matches x ON x.deposit = d.id WHERE d.asset = ?1 AND d.time_ms >= ?2"
)
EVENTS = "(SELECT DISTINCT time_ms FROM track WHERE pool = ?3 AND time_ms >= ?4 AND time_ms < ?5) t"
BEHIND = (
    f"SELECT f.id FROM {EVENTS} JOIN fills f ON f.base = ?1 AND f.time_ms = t.time_ms UNION ALL"
    f" SELECT f.id FROM {EVENTS} JOIN fills f ON f.quote = ?2 AND f.time_ms = t.time_ms UNION ALL"
    f" SELECT fill FROM {EVENTS} JOIN third_fees f ON f.asset = ?2 AND f.time_ms = t.time_ms"
)


class LedgerFrames(NamedTuple):
    """Fills, movements and prices, with the columns of `monitor.schema`, in the order they were stored."""

    fills: pl.DataFrame
    movements: pl.DataFrame
    prices: pl.DataFrame


def ledger_frames(connection: sqlite3.Connection, assets: Collection[str] | None = None) -> LedgerFrames:
    """Return the ledger, or the part that moves or values `assets`: every row with a leg in one of them.

    Missing is null; an empty text is missing too.
    """
    if assets is None:
        return LedgerFrames(
            _frame(connection, FILLS, FROM_FILLS, "f"),
            _frame(connection, MOVEMENTS, FROM_MOVEMENTS, "m"),
            _frame(connection, PRICES, FROM_PRICES, "p"),
        )
    wanted = json.dumps(sorted(assets))
    bases = json.dumps(sorted(_with_bases(assets)))
    fills = (
        f"{FROM_FILLS} WHERE f.id IN (SELECT id FROM fills WHERE base IN (SELECT value FROM json_each(?2))"
        f" UNION SELECT id FROM fills WHERE quote IN {WANTED}"
        f" UNION SELECT fill FROM third_fees WHERE asset IN {WANTED})"
    )
    movements = (
        f"{FROM_MOVEMENTS} WHERE m.asset IN {WANTED} OR m.to_asset IN {WANTED}"
        f" OR EXISTS (SELECT 1 FROM json_each(m.fees) e WHERE json_extract(e.value, '$[0]') IN {WANTED})"
    )
    return LedgerFrames(
        _frame(connection, FILLS, fills, "f", wanted, bases),
        _frame(connection, MOVEMENTS, movements, "m", wanted),
        price_frame(connection, traded_with(connection, assets)),
    )


def rows_since(
    connection: sqlite3.Connection,
    since: Mapping[str, int],
    tails: Iterable[tuple[str, int, int]],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the fills and movements of each asset from an instant on, and those behind the tails of its pools.

    A tail is (asset, number of the pool, instant): what the pool's events from then on to the asset's own instant came
    from. A transfer counts from when it arrived.
    """
    fills: set[int] = set()
    starts = dict(since)
    for asset, pool, start in tails:
        base = asset.partition("/")[0]
        fills.update(_ids(connection, BEHIND, (base, asset, pool, start, since[asset])))
        starts[asset] = min(start, starts[asset])
    movements: set[int] = set()
    for asset, instant in since.items():
        fills.update(_ids(connection, FILLS_SINCE, (asset.partition("/")[0], asset, instant)))
        movements.update(_ids(connection, MOVEMENTS_SINCE, (asset, starts[asset])))
    wanted = [json.dumps(sorted(ids)) for ids in (fills, movements)]
    return (
        _frame(connection, FILLS, f"{FROM_FILLS} WHERE f.id IN {WANTED}", "f", wanted[0]),
        _frame(connection, MOVEMENTS, f"{FROM_MOVEMENTS} WHERE m.id IN {WANTED}", "m", wanted[1]),
    )


def _ids(connection: sqlite3.Connection, query: str, bound: tuple[str | int, ...]) -> Iterator[int]:
    return (identity for (identity,) in connection.execute(query, bound))


def price_frame(connection: sqlite3.Connection, assets: Collection[str], since: int | None = None) -> pl.DataFrame:
    """Return the prices that value assets, directly or over one asset in between.

    All of them, or those that count from `since` on, which takes the last one before it of each series.
    """
    pairs = _valuing(connection, assets) if assets else []
    wanted = json.dumps(pairs)
    if since is None or not pairs:
        return _frame(connection, PRICES, f"{FROM_PRICES} {OF_PAIRS}", "p", wanted)
    last = [key for base, quote in pairs for key in _last_before(connection, base, quote, since)]
    source = (
        f"FROM (SELECT p.* {FROM_PRICES} {OF_PAIRS} WHERE p.time_ms >= {since:d} UNION ALL"
        " SELECT p.* FROM json_each(?2) k JOIN prices p ON p.base = json_extract(k.value, '$[0]')"
        " AND p.quote = json_extract(k.value, '$[1]') AND p.time_ms = json_extract(k.value, '$[2]')"
        " AND p.exchange = json_extract(k.value, '$[3]')) p"
    )
    return _frame(connection, PRICES, source, "p", wanted, json.dumps(last))


def mark_frame(rows: Iterable[tuple[str, int, float, float, str]]) -> pl.DataFrame:
    """Return marks, sorted by asset and time, as a frame of schema.MARKS."""
    return pl.DataFrame(list(rows), schema={name: getattr(pl, kind) for name, kind in MARKS.items()}, orient="row")


def to_be_valued(
    fills: pl.DataFrame, movements: pl.DataFrame, assets: Collection[str], money: Collection[str]
) -> tuple[frozenset[str], int]:
    """Return whose prices rows of the ledger may ask for when they move `assets`, and from when on.

    A fill paid in money asks for none; else for what it was paid in or, where that has no price, its base. A fee in
    another asset and a movement ask for what they move.
    """
    paid = pl.col("settle").fill_null(pl.col("quote"))
    asks = ~pl.col("quote").is_in(money) | ~paid.is_in(money)
    third = {
        asset: (pl.col("quote") != asset) & pl.col("fees").str.contains(json.dumps(asset), literal=True)
        for asset in assets
    }
    # One look at all of them: of a page of fills, nothing asks as a rule.
    first = fills.select(
        pl.col("time_ms").filter(asks).min().alias(""),
        *(pl.col("time_ms").filter(one).min().alias(asset) for asset, one in third.items()),
    ).row(0, named=True)
    asking = fills.filter(asks).select("base", "quote", "settle").unique() if first[""] is not None else fills.clear()
    found = set(chain.from_iterable(asking.select("base", "quote", "settle").iter_rows()))
    found.update(asset for asset in third if first[asset] is not None)
    times = [time for time in first.values() if time is not None]
    if movements.height:
        found.update(assets, *movements.select("asset", "to_asset").iter_rows())
        times.append(movements["time_ms"].min())
    return frozenset(found - {None, ""}), min((int(str(time)) for time in times), default=0)


def traded_with(connection: sqlite3.Connection, assets: Collection[str]) -> frozenset[str]:
    """Return assets and all they were ever traded, converted or priced against: what their legs may be worth."""
    assets = _with_bases(assets)
    near = connection.execute(
        f"SELECT quote FROM pairs WHERE base IN {WANTED} UNION SELECT base FROM pairs WHERE quote IN {WANTED}"
        f" UNION SELECT asset FROM movements WHERE to_asset IN {WANTED}"
        " UNION SELECT to_asset FROM movements INDEXED BY movements_to WHERE to_asset IS NOT NULL"
        f" AND asset IN {WANTED}",
        [json.dumps(sorted(assets))],
    )
    valuation = load_valuation(connection)
    return frozenset({asset for (asset,) in near} - {valuation.currency}).union(assets)


def _with_bases(assets: Collection[str]) -> frozenset[str]:
    """Return assets and, of options, whose asset is their symbol, the coin a premium may be paid in."""
    return frozenset(assets).union(asset.partition("/")[0] for asset in assets)


def _valuing(connection: sqlite3.Connection, assets: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs whose prices may value `assets`: theirs, and those of what is between them and money.

    Money, that is the reporting currency and the pegged assets, is no middle.
    """
    valuation = load_valuation(connection)
    money, wanted = {valuation.currency, *valuation.pegs}, _with_bases(assets) - {valuation.currency}
    pairs = [(base, quote) for base, quote in connection.execute("SELECT base, quote FROM pairs ORDER BY 1, 2")]
    middles = {end for pair in pairs if wanted.intersection(pair) for end in pair} - money
    return [
        (base, quote)
        for base, quote in pairs
        if wanted.intersection((base, quote))
        or (base in middles and quote in money)
        or (quote in middles and base in money)
    ]


def _last_before(
    connection: sqlite3.Connection, base: str, quote: str, instant: int
) -> list[tuple[str, str, int, str]]:
    """Return the keys of the last prices of a pair before an instant: one for each exchange and source."""
    found, series = [], ("", "")
    while step := connection.execute(NEXT_SERIES, (base, quote, *series)).fetchone():
        series = tuple(step)
        last = connection.execute(LAST_OF_SERIES, (base, quote, *series, instant)).fetchone()
        if last is not None:
            found.append((base, quote, int(last[0]), series[0]))
    return found


def _frame(connection: sqlite3.Connection, columns: Columns, source: str, table: str, *bound: str) -> pl.DataFrame:
    """Return the columns of a FROM clause as a frame, a chunk at a time."""
    types = {name: getattr(pl, kind) for name, kind in columns.items()}
    if bound == NOTHING:
        return pl.DataFrame(schema=types)
    parts = [MATCHED.get(name, f"{table}.{name}") for name in columns]
    texts = connection.execute(
        f"SELECT printf('{FIELD.join(['%s'] * len(parts))}', {', '.join(parts)}) {source}", bound
    )
    chunks = [pl.DataFrame(schema=types)]
    while rows := texts.fetchmany(CHUNK):
        chunk = _cut([text for (text,) in rows], types)
        if chunk is None:
            plain = connection.execute(f"SELECT {', '.join(parts)} {source}", bound).fetchall()
            return pl.DataFrame([tuple(row) for row in plain], schema=types, orient="row")
        chunks.append(chunk)
    return pl.concat(chunks, rechunk=False)


def _cut(rows: list[str], types: dict[str, type[pl.DataType]]) -> pl.DataFrame | None:
    """Return rows of text as a frame, None if one of the separators is part of a value."""
    text = ROW.join(rows)
    if text.count(FIELD) != len(rows) * (len(types) - 1) or text.count(ROW) != len(rows) - 1:
        return None
    return pl.read_csv(
        text.encode(),
        has_header=False,
        schema=types,
        separator=FIELD,
        eol_char=ROW,
        quote_char=None,
    )
