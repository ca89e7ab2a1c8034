"""Rows of a venue's own endpoints as ccxt would have parsed them, where its method asks for less than there is.

OKX's ledger is asked for spot only, Bitget's funding market by market, and MEXC's funding comes without an asset.
A row that cannot be parsed stays as it is: whoever reads it finds what is missing, and puts it aside whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitor.exchanges.library import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.exchanges.extra import Entry
    from monitor.exchanges.fields import Row
    from monitor.exchanges.loose import Loose

LINE = 9


def parsed_by(method: str) -> Entry:
    """Return ccxt's own parser of one row, by its name."""

    def entry(exchange: Loose, row: object) -> Row:
        found: Row = getattr(exchange, method)(row)
        return found

    return entry


def bitfinex_line(exchange: Loose, row: object) -> Row:
    """Return a line of Bitfinex's ledger: id, currency, wallet, time, -, change, balance, -, sentence."""
    if not isinstance(row, list) or len(row) < LINE:
        return {"info": row}
    code = exchange.safe_currency_code(str(row[1]))
    return {"info": row, "id": row[0], "currency": code, "timestamp": int(row[3]), "amount": row[5]}


def mexc_funding(exchange: Loose, row: object) -> Row:
    """Return a payment of MEXC's funding records in what its market settles in; above zero is received."""
    if not isinstance(row, Mapping):
        return {"info": row}
    market = exchange.safe_market(row.get("symbol"), None, "_", "swap")
    found = {"timestamp": row.get("settleTime"), "symbol": market.get("symbol"), "code": market.get("settle")}
    return {"info": row, "id": row.get("id"), "amount": row.get("funding"), **found}


def entries(exchange: Loose, entry: Entry, rows: Sequence[object]) -> list[Row]:
    """Return the rows of an answer as `entry` reads them; one it fails on as nothing but the venue's own row."""
    return [_one(exchange, entry, row) for row in rows]


def _one(exchange: Loose, entry: Entry, row: object) -> Row:
    try:
        return {**entry(exchange, row), "info": row}
    except (errors.BaseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return {"info": row}
