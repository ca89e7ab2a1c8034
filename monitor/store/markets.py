"""Every market structure a venue ever showed, so that the fills of a delisted market still parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.store.database import Writer


def save(writer: Writer, exchange: str, structures: Iterable[Mapping[str, object]], now: int) -> int:
    """Store market structures (with `id` and `symbol`), only those that changed; return how many did.

    Structures that are no longer shown stay. `seen_ms` is when a structure took its present form.
    """
    find = "SELECT structure FROM markets WHERE exchange = ? AND symbol = ?"
    with writer.transaction() as connection:
        changed = [
            (exchange, str(structure["id"]), str(structure["symbol"]), now, text)
            for structure in structures
            if connection.execute(find, [exchange, structure["symbol"]]).fetchone()
            != ((text := json.dumps(structure, default=str, sort_keys=True)),)
        ]
        connection.executemany(
            "INSERT INTO markets (exchange, market, symbol, seen_ms, structure) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (exchange, symbol) DO UPDATE SET market = excluded.market, seen_ms = excluded.seen_ms,"
            " structure = excluded.structure",
            changed,
        )
    return len(changed)


def load(connection: sqlite3.Connection, exchange: str) -> Iterator[dict[str, object]]:
    """Yield the market structures of a venue, by symbol; none is read before it is asked for."""
    rows = connection.execute("SELECT structure FROM markets WHERE exchange = ? ORDER BY symbol", [exchange])
    for (structure,) in rows:
        yield json.loads(structure)
