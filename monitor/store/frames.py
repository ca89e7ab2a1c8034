"""The ledger as polars frames, for the turnover engine; amounts stay text, so that nothing is rounded on the way.

Rows come through the standard connection: a second SQLite library in the process would drop the writer's locks.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.schema import FILLS, MOVEMENTS, PRICES, Columns
from monitor.store.settings import load_valuation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

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
    fills = (
        f"{FROM_FILLS} WHERE f.id IN (SELECT id FROM fills WHERE base IN {WANTED}"
        f" UNION SELECT id FROM fills WHERE quote IN {WANTED}"
        f" UNION SELECT fill FROM third_fees WHERE asset IN {WANTED})"
    )
    movements = (
        f"{FROM_MOVEMENTS} WHERE m.asset IN {WANTED} OR m.to_asset IN {WANTED}"
        f" OR EXISTS (SELECT 1 FROM json_each(m.fees) e WHERE json_extract(e.value, '$[0]') IN {WANTED})"
    )
    prices = f"{FROM_PRICES} WHERE p.base IN {WANTED} OR p.quote IN {WANTED}"
    return LedgerFrames(
        _frame(connection, FILLS, fills, "f", wanted),
        _frame(connection, MOVEMENTS, movements, "m", wanted),
        _frame(connection, PRICES, prices, "p", json.dumps(_valuing(connection, assets))),
    )


def _valuing(connection: sqlite3.Connection, assets: Collection[str]) -> list[str]:
    """Return the assets whose prices may value `assets`: themselves, and what they trade against (a bridge's middle).

    The reporting currency and the pegged assets are no middle of their own, or every price would be read.
    """
    valuation = load_valuation(connection)
    against = connection.execute(
        f"SELECT quote FROM pairs WHERE base IN {WANTED} UNION SELECT base FROM pairs WHERE quote IN {WANTED}",
        [json.dumps(sorted(assets))],
    )
    middles = {asset for (asset,) in against} - {valuation.currency} - valuation.pegs.keys()
    return sorted(middles.union(assets))


def _frame(connection: sqlite3.Connection, columns: Columns, source: str, table: str, *bound: str) -> pl.DataFrame:
    """Return the columns of a FROM clause as a frame, a chunk at a time."""
    types = {name: getattr(pl, kind) for name, kind in columns.items()}
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
