"""Transfers and conversions of one instant that hand the same coins on, in order; shares no code with the fast path.

A to B and B to C in one millisecond: what leaves B waits for what comes to it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from monitor.turnover.exact_legs import MOVES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.turnover.exact_legs import Leg

    Way = tuple[Leg, Leg]  # what is sent, and what arrives of it in the same instant


def in_chains(legs: Sequence[Leg]) -> Sequence[Leg]:
    """Return the legs of movements, each with its `level` in a chain of movements within its instant."""
    sent = {leg.movement: leg for leg in legs if leg.does == "send"}
    ways: dict[int, list[Way]] = defaultdict(list)
    for leg in legs:
        if leg.does in ("arrive", "remake") and leg.phase == MOVES:
            ways[leg.time].append((sent[leg.movement], leg))
    level: dict[int | None, int] = {}
    for some in ways.values():
        if len(some) > 1:
            level |= _levels(some)
    for leg in legs:
        if leg.phase == MOVES:
            leg.level = level.get(leg.movement, 0)
    return legs


def _levels(ways: list[Way]) -> dict[int | None, int]:
    """Take one movement after the other whose coins are all there; in a ring, where none is, simply the first."""
    waiting = sorted(ways, key=lambda way: way[0].place)
    level: dict[int | None, int] = {}
    done: list[tuple[Way, int]] = []
    while waiting:
        free = [way for way in waiting if not any(_feeds(other, way) for other in waiting)]
        way = free[0] if free else waiting[0]
        own = max((before + 1 for other, before in done if _feeds(other, way)), default=0)
        level[way[0].movement] = own
        done.append((way, own))
        waiting.remove(way)
    return level


def _feeds(one: Way, other: Way) -> bool:
    """Tell whether a movement brings coins to where another one takes them from."""
    target, source = one[1], other[0]
    return (target.account, target.asset) == (source.account, source.asset)
