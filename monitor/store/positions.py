"""Positions: the contracts an account held at a snapshot; a row only where something changed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import plain
from monitor.store.rows import text_or_null

if TYPE_CHECKING:
    import sqlite3
    from typing import Literal

    from monitor.records import Position, Snapshot

Told = tuple[str, str, str | None, str | None]


class HeldPosition(NamedTuple):
    """Contracts of a market at a snapshot, with what is needed to compare them with the ledger."""

    symbol: str
    book: str
    contracts: Decimal
    contract_size: Decimal | None
    entry_price: Decimal | None


def record_positions(connection: sqlite3.Connection, snapshot: Snapshot, identity: int) -> None:
    """Store the positions of a snapshot in the open transaction; those no longer shown are closed if all were."""
    if snapshot.positions is None:
        return
    connection.execute(
        "UPDATE snapshots SET positions = ? WHERE id = ?", ["all" if snapshot.all_positions else "part", identity]
    )
    before = {one.symbol: one for one in positions_at(connection, snapshot.account, identity)}
    now = {one.symbol: _told(one) for one in snapshot.positions}
    if snapshot.all_positions:
        closed = {symbol: (one.book, "0", text_or_null(one.contract_size), None) for symbol, one in before.items()}
        now = {**closed, **now}
    rows = [
        (snapshot.account, symbol, identity, *told)
        for symbol, told in now.items()
        if (told[1] != "0" if symbol not in before else told[1] != plain(before[symbol].contracts))
    ]
    connection.executemany(
        "INSERT INTO positions (account, symbol, snapshot, book, contracts, contract_size, entry_price)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def positions_at(connection: sqlite3.Connection, account: str, snapshot: int) -> tuple[HeldPosition, ...]:
    """Return the positions known at a snapshot, by symbol; closed ones are left out."""
    rows = connection.execute(
        "SELECT symbol, book, contracts, contract_size, entry_price FROM positions p WHERE account = ?1"
        " AND snapshot = (SELECT max(snapshot) FROM positions WHERE account = ?1 AND symbol = p.symbol"
        " AND snapshot <= ?2) AND contracts <> '0' ORDER BY symbol",
        [account, snapshot],
    )
    return tuple(HeldPosition(row[0], row[1], Decimal(row[2]), _decimal(row[3]), _decimal(row[4])) for row in rows)


def looked(connection: sqlite3.Connection, snapshot: int) -> Literal["all", "part"] | None:
    """Return whether a snapshot shows `all` positions, a `part` of them, or (None) nobody looked."""
    row = connection.execute("SELECT positions FROM snapshots WHERE id = ?", [snapshot]).fetchone()
    return "all" if row and row[0] == "all" else "part" if row and row[0] else None


def _told(one: Position) -> Told:
    return one.book, plain(one.contracts), text_or_null(one.contract_size), text_or_null(one.entry_price)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
