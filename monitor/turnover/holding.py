"""How long inventory was held: holding times of what was relieved, ages of what is still open.

Both are weighted by basis, because a desk's money is stuck, not its units. Buckets are half open: a lot held exactly
one minute is in `1m_to_1h`.
"""

from __future__ import annotations

from bisect import bisect_right
from math import fsum
from operator import itemgetter, neg
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import DAY, HOUR, MINUTE, SECOND
from monitor.turnover.ratios import ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.turnover.measures import Sums
    from monitor.turnover.ratios import Metrics

HELD = ((5 * SECOND, "under_5s"), (MINUTE, "5s_to_1m"), (HOUR, "1m_to_1h"), (DAY, "1h_to_1d"))
HELD_LONGER = "over_1d"
SHARES = (*(name for _, name in HELD), HELD_LONGER)
HELD_PARTS = itemgetter("held_5s", "held_1m", "held_1h", "held_1d")
AGES = (
    (HOUR, "under_1h"),
    (DAY, "1h_to_1d"),
    (7 * DAY, "1d_to_7d"),
    (30 * DAY, "7d_to_30d"),
    (90 * DAY, "30d_to_90d"),
)
OLDER = "over_90d"
HELD_BOUNDS, AGE_BOUNDS = [bound for bound, _ in HELD], [bound for bound, _ in AGES]
AGE_NAMES = (*(name for _, name in AGES), OLDER)
# What summing thousands of parts may be off by, and far less than the basis of any one of them matters.
ROUNDING = 1e-12

Weight = tuple[int, float]  # milliseconds, basis


class OpenLot(NamedTuple):
    """What is left of a lot at an instant: `short` is 1 for a short one, `basis` None if it has no value."""

    opened: int
    short: int
    basis: float | None


class Held(NamedTuple):
    """A relieved basis and the milliseconds it was held."""

    milliseconds: int
    basis: float


def holding_time(sums: Sums, held: Sequence[Held] | None) -> Metrics:
    """Return mean, median and p95 holding time [s] and the shares of basis by bucket, all None if nothing was relieved.

    The median is the least holding time within which at least half of the relieved basis was held, p95 likewise with
    95 %. With `held` None mean and shares come from the running sums, and median and p95 are None.
    """
    if held is None:
        basis = sums["cogs"] + sums["cover_basis"]
        if not basis:
            return {"mean": None, "median": None, "p95": None, "shares": dict.fromkeys(SHARES)}
        buckets = [part if part > 0 else 0.0 for part in HELD_PARTS(sums)]
        mean = ratio(sums["held_time"], basis * SECOND)
        return {"mean": mean, "median": None, "p95": None, "shares": _shares(buckets, basis)}
    basis = fsum([part for _, part in held])
    mean = ratio(fsum([part * elapsed for elapsed, part in held]), basis * SECOND)
    parts: list[list[float]] = [[] for _ in SHARES]
    for elapsed, part in held:
        parts[bisect_right(HELD_BOUNDS, elapsed)].append(part)
    ordered = sorted(held)
    median, p95 = (_quantile(ordered, basis * share) for share in (0.5, 0.95))
    return {"mean": mean, "median": median, "p95": p95, "shares": _shares([*map(fsum, parts[:-1])], basis)}


def _shares(buckets: Sequence[float], basis: float) -> dict[str, float | None]:
    longer = max(0.0, fsum((basis, *map(neg, buckets))))
    if not basis:
        return dict.fromkeys(SHARES)
    return dict(zip(SHARES, [part / basis for part in (*buckets, longer)], strict=True))


def _quantile(ordered: Sequence[Held], wanted: float) -> float | None:
    """Return the holding time [s] at which the basis, added up from the quickest, reaches `wanted`.

    Equal lots reach it exactly; a rounding must not make that the next lot's time.
    """
    reached, enough = 0.0, wanted * (1 - ROUNDING)
    for part in ordered:
        reached += part.basis
        if reached >= enough and reached > 0:
            return part.milliseconds / SECOND
    return ordered[-1].milliseconds / SECOND if ordered and wanted > 0 else None


def age(lots: Iterable[OpenLot], instant: int) -> Metrics:
    """Return the age of open lots at `instant`: `mean` [days], None where nothing is open, and `basis` by bucket.

    The mean weighs longs and shorts by their basis, both positive; each side's own mean and buckets stand apart.
    """
    sides: tuple[list[Weight], list[Weight]] = ([], [])
    for opened, short, basis in lots:
        if basis is not None:
            sides[short].append((instant - opened, basis))
    longs, shorts = sides
    return {"mean": _mean([*longs, *shorts]), "long": _side(longs), "short": _side(shorts)}


def _side(parts: Sequence[Weight]) -> Metrics:
    buckets = [0.0] * len(AGE_NAMES)
    for elapsed, basis in parts:
        buckets[bisect_right(AGE_BOUNDS, elapsed)] += basis
    return {"mean": _mean(parts), "basis": dict(zip(AGE_NAMES, buckets, strict=True))}


def _mean(parts: Sequence[Weight]) -> float | None:
    """Return the mean age [days], weighed by basis."""
    return ratio(fsum([elapsed * basis for elapsed, basis in parts]), fsum([basis for _, basis in parts]) * DAY)
