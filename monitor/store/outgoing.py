"""The whole ledger as the rows of an events file, its prices as those of a prices file, and what neither can tell."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from monitor.records import Valuation
    from monitor.store.rows import Value

    Row = tuple[Value, ...]

# One row an event, in the columns of an events file except `fees`, which stays the ledger's list. A row without an id
# of the venue's carries its key as id, so that it is the same row when it comes back; a numbered one its number, which
# is its place among equals. A withdrawal and a deposit that are one transfer are written as one; the deposit's own row
# is left out, and so is what failed or has not happened yet.
EVENTS_QUERY = """
SELECT time_ms, account, kind, symbol, side, amount, price, NULL AS asset, NULL AS value, fees,
    iif(trim(coalesce(trade_id, ''), '0') = '', key, trade_id) AS id, order_id, NULL AS to_account, NULL AS received,
    book, contract_size
FROM fills
UNION ALL
SELECT m.time_ms, m.account, iif(d.id IS NULL, m.kind, 'transfer'),
    iif(m.kind = 'convert', m.asset || '/' || m.to_asset, NULL), NULL, m.amount, NULL, m.asset, m.value, m.fees,
    iif(d.id IS NULL AND m.sequence IS NOT NULL AND instr(m.key, m.kind || '|' || m.asset || '|') = 1,
        substr(m.key, length(m.kind || m.asset) + 3), m.key),
    NULL, coalesce(d.account, m.to_account), coalesce(d.amount, m.received), m.book, NULL
FROM movements m LEFT JOIN matches x ON x.withdrawal = m.id LEFT JOIN movements d ON d.id = x.deposit
WHERE m.status = 'ok' AND m.id NOT IN (SELECT deposit FROM matches)
ORDER BY time_ms, account
"""
# What an events file has no column for, and how often the ledger has it.
NOT_CARRIED = {
    "movements left out because they failed or have not happened yet":
        "SELECT count(*) FROM movements m LEFT JOIN matches x ON x.deposit = m.id WHERE m.status <> 'ok'",
    "transfers whose arrival the file cannot tell, only when they left":
        "SELECT count(*) FROM matches x JOIN movements m ON m.id = x.withdrawal JOIN movements d ON d.id = x.deposit"
        " WHERE d.time_ms > m.time_ms AND m.status = 'ok'",
    "fills whose own total the file cannot tell, only amount and price":
        "SELECT count(*) FROM fills WHERE cost IS NOT NULL AND book IN ('spot', 'margin')"
        " AND quote NOT IN (SELECT value FROM json_each(?1)) AND abs(cost / (amount * price) - 1) > 1e-15",
}  # fmt: skip
EVENT_FIELDS = (
    "time_ms", "account", "kind", "symbol", "side", "amount", "price", "asset", "value", "fees", "id", "order_id",
    "to_account", "received", "book", "contract_size",
)  # fmt: skip


def event_pages(connection: sqlite3.Connection, size: int) -> Iterator[list[Row]]:
    """Yield the whole ledger in pages of `EVENT_FIELDS`, by time."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(EVENTS_QUERY)
    while page := cursor.fetchmany(size):
        yield page


def not_carried(connection: sqlite3.Connection, valuation: Valuation) -> dict[str, int]:
    """Return how often the ledger has what an events file cannot tell, without what it never has."""
    cash = json.dumps(sorted(valuation.cash))
    counts = {
        what: int(connection.execute(query, [cash] if "?1" in query else []).fetchone()[0])
        for what, query in NOT_CARRIED.items()
    }
    return {what: count for what, count in counts.items() if count}


def venues_priced(connection: sqlite3.Connection) -> int:
    """Return how many venues the prices are of; a prices file has one series an asset."""
    return int(connection.execute("SELECT count(DISTINCT exchange) FROM prices").fetchone()[0])


def valued_prices(connection: sqlite3.Connection, valuation: Valuation) -> Iterator[tuple[int, str, str]]:
    """Yield (instant, asset, price in the reporting currency) of every direct price, one an instant and asset.

    A price in a pegged asset counts at its peg. Of several venues' prices the currency's own pair comes first, then the
    venue whose name sorts first.
    """
    worth = {asset: value for asset, value in valuation.pegs.items() if asset != valuation.currency}
    found = connection.execute(
        "SELECT time_ms, base, price, quote FROM prices WHERE base <> ?1 AND (quote = ?1 OR quote IN"
        " (SELECT value FROM json_each(?2))) ORDER BY base, time_ms, quote <> ?1, exchange, quote",
        [valuation.currency, json.dumps(sorted(worth))],
    )
    last = None
    for time, asset, price, quote in found:
        if (time, asset) != last:
            last = (time, asset)
            yield time, asset, price if quote == valuation.currency else plain(Decimal(price) * worth[quote])
