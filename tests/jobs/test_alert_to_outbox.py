"""Rules about the ledger, from fills to the words that leave: each kind of threshold, gate and scope once."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.metrics import METRICS, OF_ONE_ASSET
from monitor.alerts.notices import text
from monitor.alerts.rules import parse_rules
from monitor.clock import DAY, MINUTE, parse_instant
from monitor.episodes import Rule
from monitor.jobs.alert import alert, measure
from monitor.jobs.baseline import Baselines
from monitor.store.outbox import Lease, claim

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

# Over the four days to 2024-01-06: cogs 100; inventory (200 * 3 d + 100 * 1 d) / 4 d = 175; turnover 100 / 175 = 0.57.
SLOW = """
    2024-01-02 buy  2 BTC/USD 100
    2024-01-05 sell 1 BTC/USD 140
"""
SIXTH = parse_instant("2024-01-06")
# Bought at each midnight, sold after 12, 11 or 13 hours in turn: turnover of a day 2, 24/11, 24/13.
HOURS = (12, 11, 13)
STEADY = "\n".join(
    f"2024-01-{day:02} buy 1 BTC/USD 100\n2024-01-{day:02}T{HOURS[day % 3]}:00 sell 1 BTC/USD 100"
    for day in range(1, 29)
)
SOLD = "2024-01-29T03:00 sell 1 BTC/USD 100"


def leaves(ledger: Ledger, rule: str, now: int) -> list[str]:
    """Return the titles of what a rule as it is written in the file puts into the outbox."""
    rules, complaints = parse_rules([{"name": "r", "notify": "desk", **tomllib.loads(rule)}], {"desk"})
    assert complaints == ()
    ledger.measure()
    alert(ledger.writer, rules, now)
    titles = []
    while taken := claim(ledger.writer, "desk", Lease("test", now + MINUTE), now):
        titles += [text(one.notice, now).title.removeprefix("FIRING warning: r: ") for one in taken]
    return titles


@pytest.mark.parametrize(
    ("rule", "titles"),
    [
        ("below = 0.6", ["BTC turnover 0.571x, below 0.6x"]),
        ("below = 0.6\nmin_inventory = 175", ["BTC turnover 0.571x, below 0.6x"]),
        ("below = 0.6\nmin_inventory = 176", []),
        ("below = 0.6\nmin_fills = 2", ["BTC turnover 0.571x, below 0.6x"]),
        ("below = 0.6\nmin_fills = 3", []),
        ('below = 0.6\naccount = "paper"', ["BTC@paper turnover 0.571x, below 0.6x"]),
        ('below = 0.6\nscope = "portfolio"', ["portfolio turnover 0.571x, below 0.6x"]),
        ('below = 0.6\nscope = "portfolio"\naccount = "*"', ["portfolio@paper turnover 0.571x, below 0.6x"]),
        ('below = 0.6\nasset = ["ETH", "BTC"]\nno_data_for = 0', ["BTC turnover 0.571x, below 0.6x", "NO ETH"]),
    ],
)
def test_a_plain_rule(ledger: Ledger, rule: str, titles: list[str]) -> None:
    """100 / 175 against 0.6, with the average inventory of 175 and the two fills at the gates."""
    ledger.add(SLOW)
    told = leaves(ledger, f'metric = "turnover"\nwindow = "4d"\n{rule}', SIXTH)
    no_data = "NO DATA warning: r: ETH has no turnover to judge: there is no ETH in the ledger"
    assert told == [no_data if title == "NO ETH" else title for title in titles]


@pytest.mark.parametrize(
    ("rule", "fills", "titles"),
    [
        # Nothing relieved on the 29th: turnover 0 where 2 is usual.
        ("change_below = -0.5", "", ["BTC change from the usual, turnover -100 %, below -50 %"]),
        # Sold after three hours: 24 / 3 = 8; the samples 2, 24/11, 24/13 lie 0, 0.18, 0.15 from 2: MAD 0.154.
        (
            "deviation_above = 20",
            "2024-01-29T03:00 sell 1 BTC/USD 100",
            ["BTC distance from the usual, turnover 39 MADs"],
        ),
        ("deviation_above = 40", SOLD, []),
        ("change_above = 2.5", SOLD, ["BTC change from the usual, turnover 300 %"]),
    ],
)
def test_a_relative_rule(ledger: Ledger, rule: str, fills: str, titles: list[str]) -> None:
    """Against the asset's own twenty days, the stalled and the churning alike."""
    ledger.add(f"{STEADY}\n2024-01-29 buy 1 BTC/USD 100\n{fills}")
    thirtieth = parse_instant("2024-01-30")
    relative = f'metric = "turnover"\nwindow = "1d"\nbaseline = "20d"\nasset = "BTC"\n{rule}'
    told = leaves(ledger, relative, thirtieth)
    assert [title.startswith(wanted) for title, wanted in zip(told, titles, strict=True)] == [True] * len(titles)


def test_every_metric_of_the_portfolio_has_a_number(ledger: Ledger) -> None:
    """Those the check lets a portfolio rule watch: without a number it could never fire."""
    ledger.add(SLOW)
    ledger.measure()
    of_marks = {"velocity", "portfolio_turnover_rate"}  # nothing here has a market price
    left_out = OF_ONE_ASSET | of_marks
    names = [name for name, metric in METRICS.items() if metric.owner == "asset" and name not in left_out]
    rules = [Rule(name, name, scope="portfolio", window=4 * DAY, above=0.0) for name in names]
    seen, failures = measure(ledger.reader, rules, SIXTH + MINUTE, Baselines(), {})
    assert failures == ()
    assert {one.rule for one in seen if one.reason == f"{one.rule} has no value"} == set()
