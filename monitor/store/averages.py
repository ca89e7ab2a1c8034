"""The one lot of a weighted-average pool at an instant of the past: what it cost and how old it was then.

Such a pool keeps a single lot that grows with everything that joins it; its row tells it as it stands after the newest
event. Of an earlier instant the track tells units and basis, and the newest relief before it the mean age: from there
on only what joined since has to be added, weighted by its basis.

Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.answers import Pool

# A lot that arrives brings the basis its sender gave up; sums of money carry it with some digits fewer.
SAME_BASIS = 1e-6
LAST_RELIEF = (
    "SELECT r.time_ms, r.ordinal, r.held_ms, l.quantity LIKE '-%' FROM reliefs r"
    " JOIN lots l ON l.pool = r.pool AND l.lot = r.lot WHERE r.pool = ? AND r.time_ms < ?"
    " ORDER BY r.time_ms DESC, r.ordinal DESC LIMIT 1"
)
STEPS = (
    "SELECT time_ms, quantity, inventory_cost FROM track"
    " WHERE pool = ? AND (time_ms, ordinal) >= (?, ?) AND time_ms < ? ORDER BY time_ms, ordinal"
)
# Lots that came from another pool of the same kind, with the age they had there: (arrived, sent, account, asset).
ARRIVED = (
    "SELECT time_ms, time_ms, account, asset FROM movements WHERE kind = 'transfer' AND status = 'ok'"
    " AND asset = ?1 AND to_account = ?2 AND time_ms >= ?3 AND time_ms < ?4"
    " UNION ALL SELECT max(w.time_ms, d.time_ms), w.time_ms, w.account, w.asset FROM matches x"
    " JOIN movements w ON w.id = x.withdrawal JOIN movements d ON d.id = x.deposit"
    " WHERE d.asset = ?1 AND d.account = ?2 AND max(w.time_ms, d.time_ms) >= ?3 AND max(w.time_ms, d.time_ms) < ?4"
    " UNION ALL SELECT time_ms, time_ms, account, asset FROM movements WHERE kind = 'convert' AND status = 'ok'"
    " AND to_asset = ?1 AND ?2 IN ('', account) AND time_ms >= ?3 AND time_ms < ?4"
)
GIVEN_UP = (
    "SELECT r.time_ms - r.held_ms, r.basis FROM reliefs r JOIN pools p ON p.id = r.pool"
    " WHERE p.scope = ? AND p.account = ? AND p.asset = ? AND p.book = ?"
    " AND p.method = (SELECT method FROM pools WHERE id = ?)"
    " AND r.time_ms = ? AND r.kind IN ('transfer', 'convert')"
)


class Standing(Protocol):
    """A pool after an event: a row of the track."""

    @property
    def quantity(self) -> str:
        """Signed position."""
        ...

    @property
    def inventory_cost(self) -> float:
        """Basis of the open lot."""
        ...

    @property
    def unpriced(self) -> int:
        """1 while it has no value."""
        ...


class AverageLot(NamedTuple):
    """`opened` is the basis-weighted mean of when its units were acquired; `basis` None if it has no value."""

    opened: int
    short: int
    basis: float | None


class Joined(NamedTuple):
    """A lot that came from another pool at `time` and had been acquired at `opened`."""

    time: int
    opened: int
    basis: float


def average_lot(connection: sqlite3.Connection, pool: Pool, last: Standing, instant: int) -> AverageLot:
    """Return the lot of a pool that holds something after all events before `instant`; `last` is the newest of them."""
    basis = None if last.unpriced else last.inventory_cost
    return AverageLot(round(_opened(connection, pool, instant)), int(last.quantity.startswith("-")), basis)


def _opened(connection: sqlite3.Connection, pool: Pool, instant: int) -> float:
    relief = connection.execute(LAST_RELIEF, (pool.id, instant)).fetchone()
    since = (-1, -1) if relief is None else (relief[0], relief[1])
    steps = [tuple(row) for row in connection.execute(STEPS, (pool.id, *since, instant))]
    opened, held = 0.0, 0.0
    if relief is not None:
        time, quantity, held = steps.pop(0)
        # What crossed zero closed the lot and opened the next.
        crossed = bool(relief[3]) != quantity.startswith("-")
        opened = float(time if crossed else time - relief[2])
        held = 0.0 if quantity == "0" else held
    arrived = _arrived(connection, pool, steps[0][0], instant) if steps else []
    for time, _, cost in steps:
        came = cost - held
        if came > 0:
            acquired = _acquired(arrived, time, came)
            opened = opened + (acquired - opened) * (came / cost) if held else float(acquired)
        held = cost
    return opened


def _acquired(arrived: list[Joined], time: int, came: float) -> int:
    """Return when what joined at an instant was acquired: then, unless it came from another pool."""
    for one in arrived:
        if one.time == time and abs(one.basis - came) <= SAME_BASIS * came:
            arrived.remove(one)
            return one.opened
    return time


def _arrived(connection: sqlite3.Connection, pool: Pool, start: int, end: int) -> list[Joined]:
    """Return the lots that other pools gave to this one in [start, end)."""
    if pool.book != "spot":
        return []
    moves = connection.execute(ARRIVED, (pool.asset, pool.account, start, end)).fetchall()
    return [
        Joined(arrival, opened, basis)
        for arrival, sent, account, asset in map(tuple, moves)
        for opened, basis in connection.execute(
            GIVEN_UP, (pool.scope, account if pool.account else "", asset, pool.book, pool.id, sent)
        )
        if basis is not None
    ]
