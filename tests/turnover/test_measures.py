"""The numbers of one pool, from states of its running sums."""

from __future__ import annotations

from fractions import Fraction

import pytest

from monitor.clock import DAY, Window, parse_instant
from monitor.schema import SUMS, State
from monitor.turnover.measures import Relief, Step, difference, lost_sums, replay
from monitor.turnover.ratios import annualised, days_inventory, metrics, position, ratio

NO_PREFIX = (0.0,) * (2 * len(SUMS))


def state(time: int, quantity: str, cost: float, **sums: float) -> State:
    """Return a state after the first event of a pool's first segment; integrals in unit * milliseconds."""
    return State(
        time=time,
        ordinal=0,
        segment=0,
        quantity=quantity,
        inventory_cost=cost,
        estimated_cost=0.0,
        unpriced=0,
        active=int(quantity != "0"),
        sums=tuple(sums.get(name, 0.0) for name in SUMS),
        before=NO_PREFIX,
    )


def day(text: str) -> int:
    """Return the instant a day of 2024 begins."""
    return parse_instant(f"2024-{text}")


def numbers(first: State | None, last: State | None, window: Window, *, partial: bool = False) -> dict[str, object]:
    """Return the metrics between two states."""
    return metrics(difference(first, last, window), window, partial=partial)


def test_flat_at_both_ends_still_has_an_average() -> None:
    """A desk that is flat at both ends of the window turns over its time-weighted inventory (d01)."""
    sums = {"cogs": 330.0, "cost_time": 990.0 * DAY, "units_relieved": 3.0, "units_time": 9.0 * DAY}
    last = state(day("01-07"), "0", 0.0, **sums, active_time=5 * DAY)
    found = numbers(None, last, Window(day("01-01"), day("01-11")))
    assert found["average_inventory"] == pytest.approx(990 / 10, rel=1e-12)
    assert found["turnover"] == pytest.approx(330 / 99, rel=1e-12)
    assert found["days_inventory"] == pytest.approx(10 / (330 / 99), rel=1e-12)
    assert found["annualised"] == pytest.approx(330 / 99 * 365 / 10, rel=1e-12)
    assert found["unit_turnover"] == pytest.approx(3 / (9 / 10), rel=1e-12)
    assert found["active_share"] == pytest.approx(5 / 10, rel=1e-12)


def test_opening_and_closing_stock() -> None:
    """Inventory from before the window counts from its start, what is left counts up to its end (d02)."""
    first = state(day("01-01"), "10", 100.0)
    # 100 held for 41 days, 60 for 10 days, then 160 from 21 February.
    past = {"cogs": 40.0, "cost_time": (100.0 * 41 + 60 * 10) * DAY}
    last = state(day("02-21"), "11", 160.0, **past)._replace(ordinal=2)
    found = numbers(first, last, Window(day("02-01"), day("03-02")))
    assert found["average_inventory"] == pytest.approx((100 * 10 + 60 * 10 + 160 * 10) / 30, rel=1e-12)
    assert found["turnover"] == pytest.approx(0.375, rel=1e-12)
    assert found["days_inventory"] == pytest.approx(80, rel=1e-12)
    assert found["annualised"] == pytest.approx(4.5625, rel=1e-12)


def test_short_lots_count_positive() -> None:
    """Covered entry value joins the numerator, short lots the denominator (d03)."""
    sums = {"cogs": 100.0, "cover_basis": 220.0, "cost_time": 1300.0 * DAY, "realised_pnl": 50.0}
    last = state(day("01-09"), "0", 0.0, **sums)
    found = numbers(None, last, Window(day("01-01"), day("01-11")))
    assert found["relieved_basis"] == 100 + 220
    assert found["turnover"] == pytest.approx(320 / 130, rel=1e-12)
    assert found["days_inventory"] == pytest.approx(10 / (320 / 130), rel=1e-12)
    assert found["gross_margin_return"] == pytest.approx(50 / 130, rel=1e-12)


# Published turnover and days of inventory, and how far the source rounds them.
RATIOS = [
    # calculator.7search.cc, inventory turnover and days calculator
    (600_000, (100_000 + 150_000) / 2, 365, (4.8, 0.005), (76.04, 0.005)),
    # qammunity.org 6577421 (Opa)
    (484_000, (88_800 + 111_200) / 2, 365, (4.84, 0.005), (75.41, 0.005)),
    # Endor Company, uonbi.ac.ke 13981467; its printed 50.97 days are wrong, 365 / 6.8966 is 52.925
    (1_300_000, (180_000 + 197_000) / 2, 365, (6.896, 0.001), (52.93, 0.01)),
    # justaaa.com 10822 (Walmart, fiscal year 2014)
    (358_118, (43_803 + 44_858) / 2, 365, (8.08, 0.005), None),
    # gauthmath.com 1817555059339383 (Costco, then Wal-Mart)
    (101_065, (8_456 + 8_908) / 2, 365, (11.6, 0.05), (31.3, 0.1)),
    (365_086, (44_858 + 45_141) / 2, 365, (8.1, 0.05), (45.0, 0.05)),
    # techwhiff.com 244130, current and previous year
    (445_300, (61_704 + 55_904) / 2, 365, (7.6, 0.05), (48, 0.5)),
    (518_300, (47_914 + 61_704) / 2, 365, (9.5, 0.05), (39, 0.5)),
    # gurufocus.com, Walmart: quarters to July 2017 (USD) and January 2024 (BRL)
    (91_521, 43_402, 91.25, (2.11, 0.005), (43.27, 0.005)),
    (648_342, 296_650, 91.25, (2.19, 0.005), (41.75, 0.005)),
]


@pytest.mark.parametrize(("cogs", "average", "days", "turns", "held"), RATIOS)
def test_published_ratios(
    cogs: float, average: float, days: float, turns: tuple[float, float], held: tuple[float, float] | None
) -> None:
    """Textbooks and data vendors print the same turnover and days of inventory for a constant inventory."""
    found = numbers(None, state(0, "1", average, cogs=cogs), Window(0, round(days * DAY)))
    assert found["turnover"] == pytest.approx(turns[0], abs=turns[1])
    assert held is None or found["days_inventory"] == pytest.approx(held[0], abs=held[1])


def test_published_annualised_ratio() -> None:
    """A quarter's turnover of 91521 / 43402 is 8.43 a year (GuruFocus, Walmart, July 2017)."""
    assert annualised(91_521 / 43_402, 91.25) == pytest.approx(8.43, abs=0.005)


@pytest.mark.parametrize(
    ("buys", "sells", "average", "rate"),
    [(50.0, 35.0, 500.0, 0.07), (2.0, 1.0, 100.0, 0.12 / 12), (120.0, 90.0, 720 / 13, 1.625)],
)
def test_published_portfolio_turnover_rates(buys: float, sells: float, average: float, rate: float) -> None:
    """The lesser of purchases and sales over the mean market value (SEC Form N-1A)."""
    window = Window(0, DAY)
    sums = {"buy_notional": buys, "sell_notional": sells, "market_time": average * DAY, "units_time": 1.0}
    last = state(DAY, "0", 0.0, **sums)
    found = numbers(None, last, window)
    assert found["portfolio_turnover_rate"] == pytest.approx(rate, rel=1e-12)
    assert found["velocity"] == pytest.approx((buys + sells) / average, rel=1e-12)


@pytest.mark.parametrize(
    ("sums", "status", "turnover", "days"),
    [
        ({"cogs": 10.0, "cost_time": 5.0 * DAY}, "ok", 2.0, 0.5),
        ({"cost_time": 5.0 * DAY}, "idle", 0.0, None),
        ({}, "no_inventory", None, None),
        ({"cogs": 10.0}, "instantaneous", None, 0.0),
        ({"cogs": 10.0, "cost_time": 5.0 * DAY, "estimated_time": 0.25 * DAY}, "ok", 2.0, 0.5),
        ({"cogs": 10.0, "cost_time": 5.0 * DAY, "estimated_time": 0.26 * DAY}, "estimated", 2.0, 0.5),
        ({"cogs": 10.0, "cost_time": 5.0 * DAY, "estimated_relieved": 0.6}, "estimated", 2.0, 0.5),
        ({"cogs": 10.0, "cost_time": 5.0 * DAY, "unvalued": 1.0}, "unpriced", None, None),
        ({"cogs": 10.0, "cost_time": 5.0 * DAY, "unpriced_time": 1.0}, "unpriced", None, None),
    ],
)
def test_status(sums: dict[str, float], status: str, turnover: float | None, days: float | None) -> None:
    """A missing number is null with the status that says why; a flag leaves the numbers alone."""
    found = numbers(None, state(DAY, "0", 0.0, **sums), Window(0, DAY))
    assert (found["status"], found["turnover"], found["days_inventory"]) == (status, turnover, days)


@pytest.mark.parametrize(
    ("sums", "status"),
    [
        ({"cogs": 1.0, "cost_time": 5.0}, "partial"),
        ({"cogs": 1.0}, "partial"),
        ({"cogs": 1.0, "unvalued": 1.0}, "unpriced"),
        ({"cogs": 1.0, "cost_time": 5.0, "estimated_time": 5.0}, "partial"),
    ],
)
def test_precedence_of_partial(sums: dict[str, float], status: str) -> None:
    """An unproven window outranks everything but a missing value."""
    assert numbers(None, state(DAY, "0", 0.0, **sums), Window(0, DAY), partial=True)["status"] == status


def test_unmarked_time_hides_market_rates() -> None:
    """Without a mark for all of the holding time there is no mean market value, and no rate over it."""
    last = state(0, "2", 10.0, buy_notional=10.0, sell_notional=4.0)._replace(mark_time=5.0 * DAY, unmarked=1)
    found = numbers(None, last, Window(0, DAY))
    assert (found["average_market_value"], found["velocity"], found["portfolio_turnover_rate"]) == (None, None, None)
    assert found["turnover"] == 0


def test_mark_runs_on_after_the_last_event() -> None:
    """Market value of two units at a mark of 5, from the last event to the window's end, is 10."""
    last = state(0, "-2", 10.0, buy_notional=10.0, sell_notional=4.0)._replace(mark_time=5.0 * DAY)
    found = numbers(None, last, Window(0, DAY))
    assert found["average_market_value"] == pytest.approx(10, rel=1e-12)
    assert found["velocity"] == pytest.approx((10 + 4) / 10, rel=1e-12)
    assert found["portfolio_turnover_rate"] == pytest.approx(4 / 10, rel=1e-12)


def test_quiet_window_is_exact_however_late() -> None:
    """A millisecond between two events, thirty years into the book, has exactly its inventory as average."""
    late = 30 * 365 * DAY
    first = state(0, "1", 0.1, cogs=1e12, cost_time=1e20)
    found = numbers(first, first, Window(late, late + 1))
    assert found["average_inventory"] == 0.1
    assert (found["status"], found["active_share"]) == ("idle", 1.0)


def test_prefixes_of_segments_cancel_exactly() -> None:
    """A window of 3 relieved after a history of 1e17 + 0.5 keeps its digits: prefixes are pairs of floats."""
    index = SUMS.index("cogs")
    later = list(NO_PREFIX)
    later[2 * index : 2 * index + 2] = [1e17, 2.5]
    first = state(0, "0", 0.0, cogs=1.0)._replace(before=_prefix(index, 1e17, -0.5))
    last = state(DAY, "0", 0.0, cogs=1.0)._replace(segment=1, before=tuple(later))._replace(ordinal=9)
    assert difference(first, last, Window(1, 2 * DAY))["cogs"] == (1e17 - 1e17) + (2.5 - -0.5) + (1 - 1)


def _prefix(index: int, high: float, low: float) -> tuple[float, ...]:
    pairs = list(NO_PREFIX)
    pairs[2 * index : 2 * index + 2] = [high, low]
    return tuple(pairs)


def test_cancellation_inside_a_segment_is_noticed_and_replayed() -> None:
    """A tiny window behind a huge one in the same segment is added up from its own events."""
    window = Window(1_000, 1_010)
    first = state(0, "0", 0.0, cogs=1e15, cost_time=1e18)
    last = state(1_005, "0", 0.0, cogs=1e15 + 0.125, cost_time=1e18)._replace(ordinal=2)
    sums = difference(first, last, window)
    assert {"cogs", "cost_time"} <= lost_sums(sums, first, last, window)
    steps = [Step(1_002, "1", 0.1), Step(1_005, "0", 0.0)]
    exact = replay(first, steps, [Relief("trade", "1", 0.1, 3, 0), Relief("fee", "1", 7.0, 3, 0)], window)
    assert exact["cogs"] == 0.1
    assert Fraction(exact["cost_time"]) == Fraction(0.1 * 3)
    assert (exact["units_relieved"], exact["units_time"]) == (1, 3)


def test_replay_sets_shorts_apart() -> None:
    """A covered short lot is cover basis, not cost of goods."""
    first = state(0, "-3", 60.0)
    reliefs = [Relief("trade", "1", 20.0, 5, 1), Relief("liquidation", "0.5", 10.0, 5, 1)]
    exact = replay(first, [Step(4, "-1.5", 30.0)], reliefs, Window(2, 10))
    assert (exact["cogs"], exact["cover_basis"], exact["units_relieved"]) == (0, 30, 1.5)
    assert exact["cost_time"] == 60 * 2 + 30 * 6
    assert exact["units_time"] == 3 * 2 + 1.5 * 6


def test_comparable_magnitudes_need_no_replay() -> None:
    """An ordinary window is the difference of two seeks and nothing else."""
    window = Window(10, 20)
    first = state(0, "1", 5.0, cogs=100.0, units_relieved=1.0)
    last = state(15, "1", 5.0, cogs=150.0, units_relieved=2.0, cost_time=75.0, units_time=15.0)._replace(ordinal=1)
    assert not lost_sums(difference(first, last, window), first, last, window)


@pytest.mark.parametrize(
    ("later", "lost"),
    [
        ({}, set()),
        ({"cogs": 100.0, "units_relieved": 1.0}, {"held_time"}),
        ({"units_relieved": 1.0}, {"cogs", "units_relieved", "held_time"}),
    ],
)
def test_a_holding_time_is_doubted_only_where_something_was_relieved(later: dict[str, float], lost: set[str]) -> None:
    """After 1e6 held for a day a window of purchases alone has no holding time; one with a relief of none may have."""
    before = {"cogs": 1e6, "units_relieved": 1e4, "held_time": 1e6 * DAY}
    first = state(0, "0", 0.0, **before)
    after = {name: value + later.get(name, 0.0) for name, value in before.items()}
    last = state(DAY, "1", 100.0, **after)._replace(ordinal=2)
    window = Window(1, 2 * DAY)
    assert lost_sums(difference(first, last, window), first, last, window) == lost


def test_position_without_a_value() -> None:
    """A lot without a value makes the basis null and leaves the quantity exact."""
    held = state(0, "0.30000000000000001", 5.0)._replace(unpriced=1)
    assert position(held) == {"quantity": "0.30000000000000001", "basis": None}
    assert position(None) == {"quantity": "0", "basis": 0.0}


def test_ratio_of_nothing() -> None:
    """Nothing below the line is null, never infinite."""
    assert (ratio(1.0, 0.0), ratio(None, 1.0), days_inventory(0.0, 7)) == (None, None, None)
