"""What finished partitions hold as the columns of each table of monitor.schema, row by row of their pools.

Quantities are still whole numbers with a scale, kinds places of a list, and the sums of a track's row one row of a
grid: how they are written down is for `plain` and `results` to say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from monitor.exact import plain
from monitor.schema import LOTS, RELIEFS, SEGMENTS, TRACK, Columns
from monitor.turnover.amounts import DIGITS
from monitor.turnover.arrays import LOT_COUNT, NONE, RELIEF_COUNT, SEGMENT_COUNT
from monitor.turnover.partition import floats, ints
from monitor.turnover.state import saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from monitor.turnover.partition import Finished, Integers
    from monitor.turnover.partitions import Origins

    Rows = dict[str, NDArray[np.generic]]

STAND_COLUMNS = ("inventory_cost", "estimated_cost", "unpriced", "active", "ordinal", "segment")
# Columns of whole numbers in which -1 stands for nothing.
OPTIONAL = {"closed_ms", "fill", "movement"}
# Below it the shortest text of the nearest float is the decimal itself.
SHORT = 10**15


def text(whole: int, scale: int) -> str:
    """Return one whole quantity / 10 ** scale as canonical decimal text."""
    return plain(DIGITS.scaleb(Decimal(whole), -scale))


def _scaled(finished: Finished, whole: Integers) -> Rows:
    return {"whole": whole, "scale": np.full(len(whole), finished.scale)}


def track_rows(finished: Finished, _origins: Origins) -> Rows:
    """Return the running sums and where the pool stood, after each event."""
    job, events = finished.job, len(finished.job.events)
    stand = np.asarray(job.stand)
    return {
        "pool": ints(job.events, "pool", events),
        "time_ms": ints(job.events, "time", events),
        **dict(zip(STAND_COLUMNS, stand, strict=True)),
        "sums": np.asarray(job.track).T,
        **_scaled(finished, np.asarray(job.position)),
    }


def lot_rows(finished: Finished, origins: Origins) -> Rows:
    """Return the lots that came into pools, as they came in: not those under way, nor what joined an average lot."""
    lots, count = finished.job.lots, int(finished.job.counts[LOT_COUNT])
    pool, number = ints(lots, "pool", count), ints(lots, "number", count)
    at = np.flatnonzero((number != NONE) & (pool < finished.pools))
    at = at[np.lexsort((number[at], pool[at]))]
    event = ints(lots, "event", count)[at]
    leg = finished.leg[event]
    quantity = ints(lots, "came", count)[at] * ints(lots, "side", count)[at]
    return {
        "pool": pool[at],
        "event": event,
        "lot": number[at],
        "opened_ms": np.rint(floats(lots, "opened", count)[at] + floats(lots, "drift", count)[at]),
        "entered_ms": ints(lots, "entered", count)[at],
        "basis": floats(lots, "came_basis", count)[at],
        "estimated": floats(lots, "share", count)[at] > 0,
        "closed_ms": ints(lots, "closed", count)[at],
        # the place -1 of an opening that nobody told is the one behind the last
        "fill": np.append(origins.fill, NONE)[leg],
        "movement": np.append(origins.movement, NONE)[leg],
        **_scaled(finished, quantity),
    }


def relief_rows(finished: Finished, origins: Origins) -> Rows:
    """Return what events relieved of lots, in their order."""
    job, events, count = finished.job, len(finished.job.events), int(finished.job.counts[RELIEF_COUNT])
    event, lot = ints(job.reliefs, "event", count), ints(job.reliefs, "lot", count)
    return {
        "pool": ints(job.events, "pool", events)[event],
        "time_ms": ints(job.events, "time", events)[event],
        "ordinal": np.asarray(job.stand)[STAND_COLUMNS.index("ordinal"), event],
        "lot": ints(job.lots, "number", int(job.counts[LOT_COUNT]))[lot],
        "basis": floats(job.reliefs, "basis", count),
        "held_ms": ints(job.reliefs, "held", count),
        "kind": origins.kind[finished.leg[event]],
        **_scaled(finished, ints(job.reliefs, "quantity", count)),
    }


def segment_rows(finished: Finished, origins: Origins, slots: tuple[int, int] | None = None) -> Rows:
    """Return the segments: sums as little-endian float64 pairs, states as `state.saved` writes them."""
    job = finished.job
    first, end = slots or (0, int(job.counts[SEGMENT_COUNT]))
    sums = np.asarray(job.segment_sums)[first:end].astype("<f8")
    states = saved(finished, origins, (first, end))
    return {
        "pool": ints(job.segments, "pool", end)[first:],
        "segment": ints(job.segments, "segment", end)[first:],
        "first_ordinal": ints(job.segments, "ordinal", end)[first:],
        "time_ms": ints(job.segments, "time", end)[first:],
        "peak": floats(job.segments, "peak", end)[first:],
        "sums": np.array([row.tobytes() for row in sums], dtype=object),
        "state": np.array(states, dtype=object),
    }


MADE: dict[str, tuple[Columns, Callable[[Finished, Origins], Rows]]] = {
    "track": (TRACK, track_rows),
    "segments": (SEGMENTS, segment_rows),
    "lots": (LOTS, lot_rows),
    "reliefs": (RELIEFS, relief_rows),
}
