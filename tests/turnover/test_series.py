"""Lines from samples: each expectation is the arithmetic of the samples in view."""

from __future__ import annotations

import pytest

from monitor.clock import DAY, Window
from monitor.errors import UsageError
from monitor.schema import State
from monitor.turnover.series import Point, between, grid, lost_digits, needed, point, total, value

NEED = needed("turnover", None)  # cogs, cover_basis, cost_time
ZERO = (0.0, 0.0) * len(NEED.names)


def sample(day: int, ordinal: int, cost: float, cogs: float, cost_time: float) -> State:
    """Return a pool after an event on a day, in one segment, with the sums of `NEED`."""
    return State(day * DAY, ordinal, 0, "1", cost, 0.0, 0, 1, (cogs, 0.0, cost_time * DAY), ZERO)


def test_points_end_at_the_end() -> None:
    """Without a start, as many points as asked for, the last at the end."""
    assert grid(None, 100, 10, 3) == [80, 90, 100]


def test_points_go_from_the_start_in_steps() -> None:
    """With a start, up to the end inclusive, never beyond."""
    assert grid(80, 100, 10, 3) == [80, 90, 100]
    assert grid(80, 99, 10, 3) == [80, 90]


def test_a_line_must_not_be_reversed_or_endless() -> None:
    """A start after the end, or ten thousand points and more, is refused."""
    with pytest.raises(UsageError, match="start after its end"):
        grid(2, 1, 1, 3)
    with pytest.raises(UsageError, match="10,001 points"):
        grid(0, 10_000, 1, 3)


def test_a_window_is_the_difference_of_two_samples_run_on_to_its_ends() -> None:
    """Held 100 from day 1; on day 4 40 relieved: over days 2 to 6 cogs 40, integral 2 * 100 + 2 * 60."""
    first, last = sample(1, 0, 100.0, 0.0, 0.0), sample(4, 1, 60.0, 40.0, 300.0)
    assert between(NEED, first, last, Window(2 * DAY, 6 * DAY)) == [40.0, 0.0, (2 * 100 + 2 * 60) * DAY]


def test_a_quiet_window_only_runs_on() -> None:
    """Without an event nothing is relieved, and inventory stays what it was."""
    held = sample(1, 0, 100.0, 25.0, 0.0)
    assert between(NEED, held, held, Window(2 * DAY, 5 * DAY)) == [0.0, 0.0, 3 * 100 * DAY]


def test_a_window_before_the_first_event_has_no_sums() -> None:
    """None, which is a point of zeros without inventory."""
    assert between(NEED, None, None, Window(0, DAY)) is None
    assert value("turnover", point(NEED, None, None), DAY, partial=False) == (None, "no_inventory")


def test_segments_lose_no_digits() -> None:
    """The sums before two segments are taken off exactly: 1e15 + 0.25 less 1e15 is 0.25."""
    before = (1e15, 0.0, 0.0, 0.0, 0.0, 0.0)
    later = (1e15, 0.25, 0.0, 0.0, 0.0, 0.0)
    first = sample(1, 0, 0.0, 0.0, 0.0)._replace(before=before)
    last = sample(2, 1, 0.0, 0.0, 0.0)._replace(segment=1, before=later)
    sums = between(NEED, first, last, Window(DAY, 3 * DAY))
    assert sums is not None
    assert sums[0] == 0.25


def test_lost_digits_are_noticed() -> None:
    """A cent relieved after a billion is a difference that has no digits left; after a hundred it has."""
    for taken, lost in ((1e9, {"cogs"}), (1e2, set())):
        first, last = sample(1, 0, 1.0, taken, 0.0), sample(2, 1, 1.0, taken + 0.01, 1.0)
        sums = [last.sums[0] - taken, 0.0, float(DAY)]
        assert lost_digits(NEED, sums, first, last, Window(DAY, 2 * DAY)) == lost


def test_total_is_sum_over_sum() -> None:
    """Turnover of two pools is (10 + 30) / (100 + 100), not the mean of 0.1 and 0.3; inventories add up."""
    one, other = (point(NEED, [cogs, 0.0, 100.0 * DAY], sample(1, 0, 100.0, cogs, 0.0)) for cogs in (10.0, 30.0))
    both = total([one, other])
    assert value("turnover", both, DAY, partial=False) == (40 / 200, "ok")
    assert value("inventory", both, DAY, partial=False)[0] == 100 + 100


def test_a_pool_without_a_value_makes_the_total_missing() -> None:
    """Never a smaller number that leaves it out."""
    known = point(NEED, [10.0, 0.0, 100.0 * DAY], sample(1, 0, 100.0, 10.0, 0.0))
    unknown = Point({**known.sums, "unvalued": 1.0}, None, 1.0)
    both = total([known, unknown])
    assert value("turnover", both, DAY, partial=False) == (None, "unpriced")
    assert value("inventory", both, DAY, partial=False)[0] is None
