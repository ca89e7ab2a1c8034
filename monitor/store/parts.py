"""The ledger in parts that can be read, and computed, one after the other: what shares no lots shares no part."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.settings import load_valuation
from monitor.store.track import converted_with

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

# Rows by asset, each query answered by an index alone.
COUNTS = (
    "SELECT base, count(*) FROM fills GROUP BY base",
    "SELECT quote, count(*) FROM fills GROUP BY quote",
    "SELECT asset, count(*) FROM third_fees GROUP BY asset",
    "SELECT asset, count(*) FROM movements GROUP BY asset",
    "SELECT to_asset, count(*) FROM movements WHERE to_asset IS NOT NULL GROUP BY to_asset",
    "SELECT asset, count(*) FROM movement_fees GROUP BY asset",
)
BASES = "SELECT DISTINCT base FROM fills"
OPTIONS = "SELECT DISTINCT base, symbol FROM fills WHERE book = 'option' ORDER BY symbol"


class Part(NamedTuple):
    """Assets that are read and computed together, the one that names the part first, and about how many rows."""

    assets: tuple[str, ...]
    rows: int


def ledger_parts(connection: sqlite3.Connection) -> list[Part]:
    """Return the smallest parts there are, the largest first.

    Assets that convert into one another share lots, and options, assets of their own, are read with what they are on.
    Cash has no lots and no part, unless a contract is on it.
    """
    valuation, rows = load_valuation(connection), Counter[str]()
    for query in COUNTS:
        rows.update(dict(map(tuple, connection.execute(query))))
    cash = {*valuation.cash, valuation.currency}
    bases = {base for (base,) in connection.execute(BASES)}
    options: dict[str, list[str]] = defaultdict(list)
    for base, symbol in connection.execute(OPTIONS):
        options[base].append(symbol)
    parts, left = list[Part](), {asset for asset in rows if asset not in cash or asset in bases}
    while left:
        name = min(left)
        group = converted_with(connection, {name}, cash) & left
        symbols = [symbol for asset in sorted(group) for symbol in options.get(asset, ())]
        parts.append(Part((*sorted(group), *symbols), sum(rows[asset] for asset in group)))
        left -= group
    return sorted(parts, key=lambda part: (-part.rows, part.assets))


def joined(parts: Iterable[Part], most: int) -> list[Part]:
    """Return the same with small ones together, up to `most` rows: each part costs some queries."""
    some: list[Part] = []
    for part in parts:
        if some and some[-1].rows + part.rows <= most:
            some[-1] = Part((*some[-1].assets, *part.assets), some[-1].rows + part.rows)
        else:
            some.append(part)
    return some
