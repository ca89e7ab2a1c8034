"""What a late or a new row makes stale, and where each pool's computation goes on instead of from its first event.

A pool goes on from its last segment that begins before the first stale instant: the rows since then, the lots open
there, the marks and prices since then give the bits of a run from nothing. `unsafe` says when they would not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.store import tails as stored
from monitor.turnover.track import PoolKey, Start

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from monitor.records import Valuation
    from monitor.store.touched import Note

# More events than this, if they are most of an asset's, are read faster as a whole than one by one.
MANY = 20_000
OPENINGS = ("missing_opening", "oversell_clipped")


class Known(NamedTuple):
    """A pool with tracks: its number, the instants of its first and last event, and how many there are."""

    id: int
    key: PoolKey
    first: int
    last: int
    events: int


@dataclass(frozen=True, slots=True)
class Tails:
    """What is computed again: where pools start, from when on their rows may differ, which rows they need.

    `since` holds the pools that are computed; `reads` are (asset, number of the pool, instant); `stale` the instant
    from which all rows of an asset are read, whichever pool they belong to; `sizes` the events that pools had since
    their starts.
    """

    starts: dict[PoolKey, Start | None] = field(default_factory=dict)
    together: set[tuple[str, str]] = field(default_factory=set)
    since: dict[PoolKey, int] = field(default_factory=dict)
    reads: list[tuple[str, int, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    stale: dict[str, int] = field(default_factory=dict)
    priced: set[str] = field(default_factory=set)


def plan(
    connection: sqlite3.Connection,
    valuation: Valuation,
    stale: Mapping[str, Sequence[Note]],
    standing: Collection[tuple[str, str]],
) -> tuple[Tails, frozenset[str]]:
    """Return the tails of stale assets, and the assets that must be computed from their first event.

    `standing` are the (code, subject) of the findings there are.
    """
    pools: dict[str, list[Known]] = defaultdict(list)
    for pool in stored.stored_pools(connection, stale, valuation.method):
        known = Known(pool.id, PoolKey(*pool.key), pool.first, pool.last, pool.events)
        pools[known.key.asset].append(known)
    converted = stored.convertible(connection, stale, {*valuation.cash, valuation.currency})
    tails, whole = Tails(), set[str]()
    for asset, notes in stale.items():
        # Assets that were converted into one another share lots, which the tail of one does not show. A row that was
        # replaced may have set the decimals everything was counted in. A new asset has nothing to go on from.
        # What could not be valued is counted from the first event.
        unsafe = asset in converted or any(note.whole for note in notes) or ("unpriced", asset) in standing
        part = None if unsafe or not pools[asset] else _asset(connection, asset, notes, pools[asset])
        if part is None or _openings_may_change(connection, part, pools[asset], standing):
            whole.add(asset)
            continue
        tails.starts.update(part.starts)
        tails.together.update(part.together)
        tails.since.update(part.since)
        tails.reads.extend(part.reads)
        tails.stale.update(part.stale)
        tails.priced.update([asset] if any(note.priced for note in notes) else [])
    return tails, frozenset(whole)


def _asset(connection: sqlite3.Connection, asset: str, notes: Sequence[Note], pools: Sequence[Known]) -> Tails | None:
    """Return the tails of one asset's pools, None where only a run from nothing is right or cheap."""
    first = min(note.since for note in notes)
    moved = stored.moved_between_accounts(connection, asset, first)
    if moved is None:
        # The first transfer joins what was computed apart.
        return None
    tails = Tails(dict.fromkeys(pool.key for pool in pools), stale={asset: first})
    joined = [pool for pool in pools if moved and pool.key.scope == "account" and pool.key.book == "spot"]
    for pool in pools:
        if pool not in joined:
            since = _since(pool.key, notes)
            if since is not None and (since <= pool.last or stored.has_rows_since(connection, asset, since)):
                _go_on(connection, tails, pool, since)
    sinces = [since for pool in joined if (since := _since(pool.key, notes)) is not None]
    fresh = [note.since for note in notes if moved and note.book in ("", "spot")]
    if joined and (sinces or fresh) and not _go_on_together(connection, tails, joined, min(sinces + fresh)):
        return None
    return None if _too_many(tails, pools) else tails


def _since(key: PoolKey, notes: Sequence[Note]) -> int | None:
    """Return from when on a pool is stale, None where no note is about it."""
    about = [
        note.since
        for note in notes
        if note.book in ("", key.book) and (key.scope == "portfolio" or note.account in ("", key.account))
    ]
    return min(about, default=None)


def _go_on(connection: sqlite3.Connection, tails: Tails, pool: Known, since: int) -> None:
    """Let a pool that shares nothing go on from its last segment; in the first one it starts anew.

    What comes after its last event goes on from there.
    """
    segment = stored.segment_before(connection, pool.id, since)
    tip = stored.tip(connection, pool.id, pool.last, pool.events) if since > pool.last else None
    if segment and tip:
        start = Start(since, segment.sums, segment.state, None, tip, segment.time, segment.ordinal)
        tails.starts[pool.key], tails.since[pool.key] = start, since
        return
    if segment is None or segment.number == 0:
        start = Start(min(pool.first, since))
    else:
        start = Start(segment.time, segment.sums, segment.state)
    tails.starts[pool.key], tails.since[pool.key] = start, since
    tails.sizes.append(pool.events - (segment.ordinal if segment else 0))
    if start.time < since:
        tails.reads.append((pool.key.asset, pool.id, start.time))


def _go_on_together(connection: sqlite3.Connection, tails: Tails, joined: Sequence[Known], since: int) -> bool:
    """Let the accounts of an asset, which moved lots to each other, go on from one segment; False: they cannot.

    No transfer may be under way there: the lots in it belong to no pool. Nor may the segment be the first one.
    """
    asset, book = joined[0].key.asset, joined[0].key.book
    if since > max(pool.last for pool in joined) and not stored.has_rows_since(connection, asset, since):
        return True
    starts = stored.common_starts(connection, [pool.id for pool in joined], since)
    start = next((one for one in starts if not stored.under_way(connection, asset, one[1])), None)
    if start is None or start[0] == 0:
        return False
    tails.together.add((asset, book))
    for pool in joined:
        segment = stored.segment_from(connection, pool.id, start[0])
        if segment is None:
            tails.starts[pool.key] = Start(start[1], idle=stored.open_lot_count(connection, pool.id))
        else:
            tails.starts[pool.key] = Start(start[1], segment.sums, segment.state)
            tails.since[pool.key] = since
            tails.sizes.append(pool.events - segment.ordinal)
            tails.reads.append((asset, pool.id, start[1]))
    return True


def _too_many(tails: Tails, pools: Sequence[Known]) -> bool:
    """Tell whether most of an asset's events would be computed again, and these are many."""
    return sum(tails.sizes) > MANY and 2 * sum(tails.sizes) > sum(pool.events for pool in pools)


def _openings_may_change(
    connection: sqlite3.Connection, tails: Tails, pools: Sequence[Known], standing: Collection[tuple[str, str]]
) -> bool:
    """Tell whether a late event may explain what a pool was given at its start because the ledger did not tell.

    The opening is as great as the deepest shortfall. Where that lies before the start, the position was zero there and
    nothing after it matters; what comes after all other events can only deepen it, and then is refused.
    """
    for pool in pools:
        key, start = pool.key, tails.starts.get(pool.key)
        if key.book != "spot" or not start or not start.state or tails.since[key] > pool.last:
            continue
        subject = f"{key.account}:{key.asset}" if key.account else key.asset
        apart = (key.asset, key.book) not in tails.together or key.scope == "portfolio"
        found = [code for code in OPENINGS if (code, subject) in standing]
        settled = apart and found == ["missing_opening"] and stored.was_empty(connection, pool.id, start.time)
        if found and not settled:
            return True
    return False
