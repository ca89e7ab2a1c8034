"""Which spans of a stream have to be read: what is not proven yet, and an overlap of what is.

Venues show some fills late (up to 90 s were simulated), so the last proven stretch is read again each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import DAY, MINUTE, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

# Each poll, each night, each week.
POLL_OVERLAP, NIGHTLY_OVERLAP, WEEKLY_OVERLAP = 15 * MINUTE, 2 * DAY, 7 * DAY


def unproven(start: int, end: int, proven: Sequence[tuple[int, int]]) -> list[Window]:
    """Return the parts of [start, end) that no proven interval covers, oldest first."""
    holes, reached = [], start
    for first, last in sorted(proven):
        if first > reached:
            holes.append(Window(reached, min(first, end))) if min(first, end) > reached else None
        reached = max(reached, last)
    if reached < end:
        holes.append(Window(reached, end))
    return holes


def spans(start: int, end: int, proven: Sequence[tuple[int, int]], overlap: int) -> list[Window]:
    """Return the windows to read for [start, end): unproven ones, the last widened back by `overlap`.

    The overlap reaches back from the end of what is proven, never before `start`.
    """
    holes = unproven(start, end, proven)
    reached = max((last for _, last in proven), default=start)
    fresh = Window(max(start, min(reached, end) - overlap), end) if start < end else None
    if fresh is None:
        return []
    older = [Window(hole.start, min(hole.end, fresh.start)) for hole in holes if hole.start < fresh.start]
    return [*older, fresh]
