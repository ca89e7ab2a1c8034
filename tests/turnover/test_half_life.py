"""Half-life of inventory (d07), with the reason where there is none."""

from __future__ import annotations

import random
from math import log, log1p

import pytest

from monitor.turnover.half_life import half_life


def test_geometric_decay() -> None:
    """A position that loses 0.5 % a second has b = -0.005: half is gone after 138.2828 s."""
    series = [1000 * 0.995**step for step in range(100)]
    found = half_life(series, 1.0)
    assert found.reason is None
    assert found.seconds == pytest.approx(138.2828, abs=0.001)
    assert found.seconds == pytest.approx(log(2) / -log1p(-0.005), rel=1e-9)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ([1.01**step for step in range(100)], "the inventory does not revert (b >= 0)"),
        ([8 * (-0.5) ** step for step in range(100)], "the inventory overshoots within a step (b <= -1)"),
        ([1000 * 0.995**step for step in range(60)], "59 steps are fewer than 60"),
        ([5.0] * 100, "the inventory did not move"),
        ([], "the inventory did not move"),
    ],
)
def test_no_half_life(series: list[float], reason: str) -> None:
    """What does not come back, or was not watched for long enough, has no half-life but a reason."""
    assert half_life(series, 60.0) == (None, reason)


def test_sixty_steps_are_enough() -> None:
    """The least number of steps is inclusive."""
    assert half_life([1000 * 0.995**step for step in range(61)], 1.0).seconds is not None


def test_random_walk_is_not_significant() -> None:
    """A random walk seems to revert a little; its t statistic says that it does not."""
    draw = random.Random(0)  # noqa: S311  # a fixed series, no secret
    walk = [0.0]
    for _ in range(200):
        walk.append(walk[-1] + draw.choice((-1, 1)))
    found = half_life(walk, 60.0)
    assert found.seconds is None
    assert "not significant" in (found.reason or "")
