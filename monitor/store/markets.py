"""Every market structure a venue ever showed, so that the fills of a delisted market still parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from monitor.store.database import Writer


def save(writer: Writer, exchange: str, structures: Iterable[Mapping[str, object]], now: int) -> int:
    """Store market structures (with `id` and `symbol`), only those that changed; return how many did.

    Structures that are no longer shown stay. `seen_ms` is when a structure took its present form.
    """
    with writer.transaction() as connection:
        told = connection.execute("SELECT symbol, structure FROM markets WHERE exchange = ?", [exchange]).fetchall()
        known = dict(map(tuple, told))
        texts = ((structure, json.dumps(structure, default=str, sort_keys=True)) for structure in structures)
        changed = [
            (exchange, str(structure["id"]), str(structure["symbol"]), now, text)
            for structure, text in texts
            if known.get(structure["symbol"]) != text
        ]
        connection.executemany(
            "INSERT INTO markets (exchange, market, symbol, seen_ms, structure) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (exchange, symbol) DO UPDATE SET market = excluded.market, seen_ms = excluded.seen_ms,"
            " structure = excluded.structure",
            changed,
        )
    return len(changed)


def load(connection: sqlite3.Connection, exchange: str) -> list[dict[str, object]]:
    """Return the market structures of a venue, by symbol."""
    rows = connection.execute("SELECT structure FROM markets WHERE exchange = ? ORDER BY symbol", [exchange])
    return [json.loads(structure) for (structure,) in rows]
