"""Holding times of what was relieved, ages of what is open; both weighted by basis."""

from __future__ import annotations

import pytest

from monitor.clock import DAY, HOUR, MINUTE, SECOND
from monitor.schema import SUMS
from monitor.turnover.holding import Held, OpenLot, age, holding_time

NOTHING = dict.fromkeys(SUMS, 0.0)


def test_quantiles_weigh_basis() -> None:
    """10 held 1 s, 80 held 1 min, 10 held 1 d: half and 95 % of the basis are reached at a minute and a day."""
    held = [Held(DAY, 10.0), Held(SECOND, 10.0), Held(MINUTE, 80.0)]
    found = holding_time(NOTHING, held)
    assert found["mean"] == pytest.approx((10 * 1 + 80 * 60 + 10 * 86_400) / 100)
    assert (found["median"], found["p95"]) == (60, 86_400)
    assert found["shares"] == {
        "under_5s": pytest.approx(0.1),
        "5s_to_1m": 0,
        "1m_to_1h": pytest.approx(0.8),
        "1h_to_1d": 0,
        "over_1d": pytest.approx(0.1),
    }


def test_median_is_reached_exactly_at_half() -> None:
    """Of two equal parts the quicker one already holds half of the basis."""
    assert holding_time(NOTHING, [Held(2_000, 5.0), Held(4_000, 5.0)])["median"] == 2


@pytest.mark.parametrize("basis", [1.0, 0.1, 3.3])
def test_equal_parts_are_halved_whatever_their_size(basis: float) -> None:
    """Of twenty equal parts the tenth and the nineteenth reach 50 and 95 %: scaling an amount or a price moves none."""
    found = holding_time(NOTHING, [Held(second * SECOND, basis) for second in range(1, 21)])
    assert (found["median"], found["p95"]) == (10, 19)


def test_nothing_relieved_has_no_holding_time() -> None:
    """Without relieved basis every figure is null."""
    found = holding_time(NOTHING, [])
    assert (found["mean"], found["median"], found["p95"]) == (None, None, None)
    assert set(found["shares"].values()) == {None}  # type: ignore[attr-defined]  # a table inside the metrics


def test_running_sums_give_mean_and_shares() -> None:
    """Without the single lots mean and shares come from the sums, and the quantiles are null."""
    sums = NOTHING | {"cogs": 60.0, "cover_basis": 40.0, "held_time": 100.0 * HOUR, "held_5s": 25.0, "held_1d": 50.0}
    found = holding_time(sums, None)
    assert (found["mean"], found["median"], found["p95"]) == (3600, None, None)
    assert found["shares"] == {
        "under_5s": 0.25,
        "5s_to_1m": 0,
        "1m_to_1h": 0,
        "1h_to_1d": 0.5,
        "over_1d": pytest.approx(0.25),
    }


def test_age_by_side_and_bucket() -> None:
    """Long and short lots age apart; a lot exactly a day old is in the bucket that begins there."""
    lots = [OpenLot(0, 0, 30.0), OpenLot(9 * DAY, 0, 10.0), OpenLot(10 * DAY - 1, 1, 5.0), OpenLot(0, 0, None)]
    found = age(lots, 10 * DAY)
    long, short = found["long"], found["short"]
    assert isinstance(long, dict)
    assert isinstance(short, dict)
    assert long["mean"] == pytest.approx((30 * 10 + 10 * 1) / 40)
    assert {name: basis for name, basis in long["basis"].items() if basis} == {"1d_to_7d": 10, "7d_to_30d": 30}
    assert {name: basis for name, basis in short["basis"].items() if basis} == {"under_1h": 5}
    assert found["mean"] == pytest.approx((30 * 10 + 10 * 1 + 5 / DAY) / 45)


def test_nothing_open_has_no_age() -> None:
    """Without open lots the mean is null and every bucket empty."""
    found = age([], 0)
    assert found["mean"] is None
    assert found["long"]["mean"] is None  # type: ignore[index]  # a table inside the metrics
