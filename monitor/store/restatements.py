"""What the past said before a late row changed it: compared where the stored track used to end, and logged.

Only what was closed is compared: a fill after the last known event restates nothing.
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import DAY
from monitor.schema import SUMS
from monitor.store.answers import pools
from monitor.store.states import tracks_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from monitor.schema import State

# Money is right within this share of itself: less is no change, but another order of additions.
NOISE = 1e-9
Figures = dict[str, float]


class Edge(NamedTuple):
    """Where the track of an asset and book ended: the instant of its last event, and what it said up to then."""

    asset: str
    book: str
    method: str
    time: int
    figures: Figures


def edges(connection: sqlite3.Connection, method: str, assets: Iterable[str]) -> list[Edge]:
    """Return where the tracks of assets end; read them before they are replaced."""
    wanted = pools(connection, "portfolio", method, list(assets))
    last = tracks_at(connection, wanted, 2**62)
    return [
        Edge(pool.asset, pool.book, method, row.time, _figures(row, row.time))
        for pool in wanted
        if (row := last.get(pool.id))
    ]


def log_restatements(connection: sqlite3.Connection, before: Iterable[Edge], since: Mapping[str, int], now: int) -> int:
    """Log what moved before the old edges, once the tracks are replaced; return the number of rows."""
    count = 0
    for edge in before:
        if since.get(edge.asset, edge.time + 1) > edge.time:
            continue
        after = _figures_at(connection, edge)
        moved = [name for name, old in edge.figures.items() if _differ(old, after[name])]
        cause = _cause(connection, edge.asset, since[edge.asset]) if moved else ""
        connection.executemany(
            "INSERT INTO restatements (time_ms, asset, since_ms, measure, before, after, cause)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (now, edge.asset, since[edge.asset], _measure(edge, name), edge.figures[name], after[name], cause)
                for name in moved
            ],
        )
        count += len(moved)
    return count


def _figures_at(connection: sqlite3.Connection, edge: Edge) -> Figures:
    same = [pool for pool in pools(connection, "portfolio", edge.method, [edge.asset]) if pool.book == edge.book]
    rows = tracks_at(connection, same, edge.time + 1)
    return next((_figures(row, edge.time) for row in rows.values()), dict.fromkeys(edge.figures, 0.0))


def _figures(row: State, instant: int) -> Figures:
    """Return the figures from the first event to `instant`, in the reporting currency (`inventory_days` times days)."""
    sums = {
        name: fsum((row.before[2 * place], row.before[2 * place + 1], row.sums[place]))
        for place, name in enumerate(SUMS)
    }
    return {
        "relieved_basis": sums["cogs"] + sums["cover_basis"],
        "realised_pnl": sums["realised_pnl"],
        "inventory": row.inventory_cost,
        "inventory_days": (sums["cost_time"] + row.inventory_cost * (instant - row.time)) / DAY,
    }


def _measure(edge: Edge, name: str) -> str:
    return name if edge.book == "spot" else f"{edge.book} {name}"


def _differ(old: float, new: float) -> bool:
    return abs(old - new) > NOISE * max(abs(old), abs(new))


def _cause(connection: sqlite3.Connection, asset: str, since: int) -> str:
    """Return the row that was stored last at the touched instant; where there is none, a price changed."""
    row = connection.execute(
        "SELECT 'fill ' || key || ' of ' || account, first_seen_ms FROM fills WHERE base = ?1 AND time_ms = ?2"
        " UNION ALL SELECT 'fill ' || key || ' of ' || account, first_seen_ms FROM fills"
        " WHERE quote = ?1 AND time_ms = ?2"
        " UNION ALL SELECT 'fill ' || f.key || ' of ' || f.account, f.first_seen_ms FROM third_fees t"
        " JOIN fills f ON f.id = t.fill WHERE t.asset = ?1 AND t.time_ms = ?2"
        " UNION ALL SELECT kind || ' ' || key || ' of ' || account, first_seen_ms FROM movements"
        " WHERE asset = ?1 AND time_ms = ?2 ORDER BY 2 DESC, 1 LIMIT 1",
        (asset, since),
    ).fetchone()
    return "a price" if row is None else str(row[0])
