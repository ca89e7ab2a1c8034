"""What the operational rules watch: how the desk's accounts, jobs and pegs are doing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def last_fill(connection: sqlite3.Connection, asset: str | None, account: str | None) -> int | None:
    """Return when an asset (None: any) was last traded in an account (None: any), None if it never was."""
    if asset is None:
        row = connection.execute(
            "SELECT time_ms FROM fills WHERE ?1 IS NULL OR account = ?1 ORDER BY time_ms DESC LIMIT 1", [account]
        ).fetchone()
        return None if row is None else int(row[0])
    # Two searches by index instead of one over all fills.
    sides = [
        connection.execute(
            f"SELECT time_ms FROM fills WHERE {side} = ?1 AND (?2 IS NULL OR account = ?2)"  # noqa: S608 - constants
            " ORDER BY time_ms DESC LIMIT 1",
            [asset, account],
        ).fetchone()
        for side in ("base", "quote")
    ]
    return max((int(row[0]) for row in sides if row is not None), default=None)


def peg_price(connection: sqlite3.Connection, asset: str, currency: str, since: int) -> tuple[Decimal, str] | None:
    """Return the newest price of one unit of `asset` in `currency` known since an instant, and its source.

    Only a market of the two themselves counts, either way round; None if there is none.
    """
    rows = [
        connection.execute(
            "SELECT price, exchange, time_ms FROM prices WHERE base = ? AND quote = ? AND time_ms >= ?"
            " ORDER BY time_ms DESC LIMIT 1",
            [base, quote, since],
        ).fetchone()
        for base, quote in ((asset, currency), (currency, asset))
    ]
    direct, inverse = rows
    if direct is not None and (inverse is None or direct[2] >= inverse[2]):
        return Decimal(direct[0]), f"{direct[1]} {asset}/{currency}"
    if inverse is not None and Decimal(inverse[0]):
        return 1 / Decimal(inverse[0]), f"{inverse[1]} {currency}/{asset}"
    return None
