"""Half-life of inventory: does a desk's position come back to where it was, and how fast?

A market maker's inventory is pulled back to its target; a hoarder's is not. The pull is read off a regression of each
change of the inventory on the level before it. Sources: Madhavan & Smidt 1993 (Journal of Finance 48:5) for
specialists, Kirilenko, Kyle, Samadi & Tuzun 2017 (Journal of Finance 72:3) for fast traders.
"""

from __future__ import annotations

from math import fsum, inf, log, log1p, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_STEPS = 60
LEAST_T = -2.0


class HalfLife(NamedTuple):
    """`seconds` until half of a deviation is gone, or None with the `reason`."""

    seconds: float | None
    reason: str | None


def half_life(inventory: Sequence[float], step_seconds: float) -> HalfLife:
    """Return the half-life of `inventory`, read on an even grid every `step_seconds`.

    half_life = step * ln 2 / -ln(1 + b), where b is the least-squares slope of I(t) - I(t-1) = a + b * I(t-1).
    Null, with the reason, unless there are 60 steps, the inventory moved, -1 < b < 0 (both exclusive), and the slope's
    t statistic is below -2 (exclusive).
    """
    steps = len(inventory) - 1
    slope, t = _regression(inventory)
    if slope is None:
        return HalfLife(None, "the inventory did not move")
    if slope >= 0:
        return HalfLife(None, "the inventory does not revert (b >= 0)")
    if slope <= -1:
        return HalfLife(None, "the inventory overshoots within a step (b <= -1)")
    if steps < FEWEST_STEPS:
        return HalfLife(None, f"{steps} steps are fewer than {FEWEST_STEPS}")
    if t >= LEAST_T:
        return HalfLife(None, f"the reversion is not significant (t = {t:.2f})")
    return HalfLife(step_seconds * log(2) / -log1p(slope), None)


def _regression(inventory: Sequence[float]) -> tuple[float | None, float]:
    """Return the slope b and its t statistic; None where no slope exists (fewer than 3 steps, or a constant)."""
    levels = inventory[:-1]
    count = len(levels)
    if count <= 2:  # noqa: PLR2004  # a line through two points leaves no residual to judge it by
        return None, 0.0
    changes = [after - before for before, after in zip(levels, inventory[1:], strict=True)]
    level_mean, change_mean = fsum(levels) / count, fsum(changes) / count
    spread = fsum((level - level_mean) ** 2 for level in levels)
    if spread == 0:
        return None, 0.0
    pairs = list(zip(levels, changes, strict=True))
    slope = fsum((level - level_mean) * (change - change_mean) for level, change in pairs) / spread
    residual = fsum((change - change_mean - slope * (level - level_mean)) ** 2 for level, change in pairs)
    error = sqrt(residual / (count - 2) / spread)
    # Without a residual the line is exact: the slope is as significant as can be.
    return slope, slope / error if error else -inf if slope < 0 else inf
