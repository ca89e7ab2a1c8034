"""A long curve in few points: even places, and its highest."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def thinned(rows: Sequence[Mapping[str, object]], name: str, most: int) -> list[Mapping[str, object]]:
    """Return at most `most` (2 at least) of the rows: the first, the last, the one with the greatest `name`, others."""
    if len(rows) <= most:
        return list(rows)
    highest = max(range(len(rows)), key=lambda place: cast("float", rows[place][name]))
    even = {round(place * (len(rows) - 1) / (most - 2)) for place in range(most - 1)}
    return [rows[place] for place in sorted(even | {highest})]
