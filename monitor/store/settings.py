"""The valuation settings, kept in the database so that it answers without a settings file."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.records import Valuation
from monitor.store.remembered import remembered

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.database import Writer

KEY = "valuation"
TERMS = "measured_with"


def save_valuation(writer: Writer, valuation: Valuation) -> bool:
    """Store the valuation settings; return whether they differ from those that were in force."""
    with writer.transaction() as connection:
        changed = load_valuation(connection) != valuation
        connection.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [KEY, _text(valuation)],
        )
    return changed


@remembered
def load_valuation(connection: sqlite3.Connection) -> Valuation:
    """Return the stored valuation settings, the defaults if none were stored."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [KEY]).fetchone()
    if row is None:
        return Valuation()
    told = json.loads(row[0])
    return Valuation(
        currency=told["currency"],
        cash=frozenset(told["cash"]),
        pegs={asset: Decimal(value) for asset, value in told["pegs"].items()},
        dust_value=Decimal(told["dust_value"]),
        method=told["method"],
        stale_after=told["stale_after"],
    )


def measured_with(connection: sqlite3.Connection) -> str | None:
    """Return the terms the tracks were computed with, None before the first computation."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (TERMS,)).fetchone()
    return None if row is None else str(row[0])


def note_measured_with(connection: sqlite3.Connection, terms: str) -> None:
    """Note the terms that all tracks are computed with."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (TERMS, terms),
    )


def _text(valuation: Valuation) -> str:
    return json.dumps(
        {
            "currency": valuation.currency,
            "cash": sorted(valuation.cash),
            "pegs": {asset: plain(value) for asset, value in sorted(valuation.pegs.items())},
            "dust_value": plain(valuation.dust_value),
            "method": valuation.method,
            "stale_after": valuation.stale_after,
        }
    )
