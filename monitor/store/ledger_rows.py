"""The ledger row by row, amounts as the exchange's own text: for what takes single numbers apart.

Standard library only, so that an explanation need not wait for a data library.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.schema import FILLS, MOVEMENTS, PRICES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

Value = str | int | float | None
Row = dict[str, Value]
Span = tuple[int, int]

# What a row of movements says of the deposit it was matched with.
MATCHED = {
    "matched_account": "d.account",
    "arrived_ms": "max(d.time_ms, m.time_ms)",
    "matched_received": "d.amount",
    "is_matched_deposit": "EXISTS (SELECT 1 FROM matches WHERE deposit = m.id)",
}
MOVED = ", ".join(MATCHED.get(name, f"m.{name}") for name in MOVEMENTS)
WANTED = "(SELECT value FROM json_each(?1))"
# One descent of an index for each way a fill may move an asset.
OF_ASSETS = (
    f"SELECT id FROM fills WHERE base IN {WANTED} AND time_ms >= ?2 AND time_ms < ?3"
    f" UNION SELECT id FROM fills WHERE quote IN {WANTED} AND time_ms >= ?2 AND time_ms < ?3"
    f" UNION SELECT fill FROM third_fees WHERE asset IN {WANTED} AND time_ms >= ?2 AND time_ms < ?3"
)
EVER = (-(2**62), 2**62)


def fill_rows(connection: sqlite3.Connection, assets: Collection[str], span: Span = EVER) -> list[Row]:
    """Return the fills in [start, end) with a leg in one of the assets, with the columns of schema.FILLS."""
    columns = ", ".join(f"f.{name}" for name in FILLS)
    # CROSS JOIN: the chosen ids lead; SQLite might rather read every fill and look whether it was chosen.
    query = f"SELECT {columns} FROM ({OF_ASSETS}) w CROSS JOIN fills f ON f.id = w.id"
    return _rows(connection, query, FILLS, (json.dumps(sorted(assets)), *span))


def movement_rows(connection: sqlite3.Connection, assets: Collection[str], span: Span = EVER) -> list[Row]:
    """Return the movements that change an asset in [start, end), with the columns of schema.MOVEMENTS."""
    query = (
        f"SELECT {MOVED} FROM movements m LEFT JOIN matches x ON x.withdrawal = m.id"
        f" LEFT JOIN movements d ON d.id = x.deposit WHERE (m.asset IN {WANTED} OR m.to_asset IN {WANTED}"
        f" OR EXISTS (SELECT 1 FROM json_each(m.fees) e WHERE json_extract(e.value, '$[0]') IN {WANTED}))"
        " AND max(m.time_ms, coalesce(d.time_ms, m.time_ms)) >= ?2 AND m.time_ms < ?3"
    )
    return _rows(connection, query, MOVEMENTS, (json.dumps(sorted(assets)), *span))


def price_rows(connection: sqlite3.Connection, assets: Collection[str]) -> list[Row]:
    """Return every price of the assets, with the columns of schema.PRICES, by pair and time."""
    query = f"SELECT {', '.join(PRICES)} FROM prices WHERE base IN {WANTED} OR quote IN {WANTED}"
    return _rows(connection, query, PRICES, (json.dumps(sorted(assets)),))


def valuing(connection: sqlite3.Connection, assets: Collection[str], money: Collection[str]) -> frozenset[str]:
    """Return the assets whose prices may value `assets`: themselves, and what they trade against (a bridge's middle).

    `money`, the reporting currency and the pegged assets, is no middle, or every price would be read.
    """
    against = connection.execute(
        f"SELECT quote FROM pairs WHERE base IN {WANTED} UNION SELECT base FROM pairs WHERE quote IN {WANTED}",
        (json.dumps(sorted(assets)),),
    )
    return frozenset(asset for (asset,) in against).difference(money).union(assets)


def _rows(
    connection: sqlite3.Connection, query: str, names: Sequence[str] | dict[str, str], bound: object
) -> list[Row]:
    """Return rows by name; an empty text is missing."""
    cursor = connection.cursor()
    cursor.row_factory = None
    columns = tuple(names)
    return [
        {name: None if value == "" else value for name, value in zip(columns, row, strict=True)}
        for row in cursor.execute(query, bound)  # type: ignore[arg-type]  # a tuple of values
    ]
