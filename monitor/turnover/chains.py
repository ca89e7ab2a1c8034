"""Transfers and conversions of one instant that hand the same coins on: A to B, B to C, all in one millisecond.

Venues give such rows ids in no useful order. What passes a coin on comes after what brought it; rows that do not
depend on one another, and rings, keep the order of everything else.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Place = tuple[str, str]  # account, asset

# Levels share a byte with the other phases of an instant; a chain as long as this is no chain.
DEEPEST = 100


class Hop(NamedTuple):
    """One movement that takes units from a place to another at once."""

    order: tuple[object, ...]
    source: Place
    target: Place
    movement: int


def levels(rows: Iterable[Mapping[str, object]]) -> dict[int, int]:
    """Return by movement how many movements of its instant come before it in a chain; those without any are left out.

    Rows are those of schema.MOVEMENTS.
    """
    instants: dict[int, list[Hop]] = defaultdict(list)
    for row in rows:
        hop = _hop(row)
        if hop is not None and hop.source != hop.target:
            instants[int(str(row["time_ms"]))].append(hop)
    found: dict[int, int] = {}
    for hops in instants.values():
        if len(hops) > 1:
            found |= _levels(sorted(hops))
    return found


def _hop(row: Mapping[str, object]) -> Hop | None:
    if row["status"] not in (None, "ok") or row["book"] != "spot" or row["is_matched_deposit"]:
        return None
    source = (str(row["account"]), str(row["asset"]))
    if row["kind"] == "convert" and row["to_asset"] is not None:
        target = (source[0], str(row["to_asset"]))
    elif row["matched_account"] and row["arrived_ms"] == row["time_ms"]:
        target = (str(row["matched_account"]), source[1])
    elif row["kind"] == "transfer" and row["to_account"] and not row["matched_account"]:
        target = (str(row["to_account"]), source[1])
    else:
        return None
    sequence, movement = row["sequence"], int(str(row["id"]))
    order = (str(row["exchange"]), sequence is None, int(str(sequence or 0)), str(row["key"]), source[0], movement)
    return Hop(order, source, target, movement)


def _levels(hops: list[Hop]) -> dict[int, int]:
    """Return the levels of the hops of one instant, given in order: a place is left when all it gets is there."""
    expected: dict[Place, int] = defaultdict(int)
    leaving: dict[Place, list[Hop]] = defaultdict(list)
    for hop in hops:
        expected[hop.target] += 1
        leaving[hop.source].append(hop)
    reached: dict[Place, int] = {}
    level: dict[int, int] = {}
    ready = [hop for hop in hops if not expected[hop.source]]
    waiting = iter(hops)
    while len(level) < len(hops):
        # in a ring nobody is ready: the first one starts
        hop = ready.pop() if ready else next(waiting)
        if hop.movement in level:
            continue
        level[hop.movement] = min(DEEPEST, reached.get(hop.source, 0))
        reached[hop.target] = max(reached.get(hop.target, 0), level[hop.movement] + 1)
        expected[hop.target] -= 1
        if not expected[hop.target]:
            ready += leaving[hop.target]
    return {movement: depth for movement, depth in level.items() if depth}
