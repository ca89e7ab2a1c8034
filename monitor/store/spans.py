"""Sets of half-open spans of time, [start, end) in milliseconds: union, difference, intersection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
FOREVER = 2**62  # an instant beyond every clock, well inside SQLite's integers


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the union of half-open intervals as the fewest, in order; touching ones become one."""
    union: list[Interval] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return tuple(union)


def without(intervals: Iterable[Interval], hole: Interval) -> tuple[Interval, ...]:
    """Return intervals with a half-open hole cut out of them; an empty hole cuts nothing."""
    first, last = hole
    if last <= first:
        return tuple(intervals)
    pieces = (
        (piece, rest) for start, end in intervals for piece, rest in ((start, min(end, first)), (max(start, last), end))
    )
    return tuple((start, end) for start, end in pieces if start < end)


def common(one: Sequence[Interval], other: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return the intersection of two merged, ordered sets of intervals."""
    shared: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            shared.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(shared)
