"""Another costing method than the stored one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.errors import UsageError
from monitor.jobs.remeasure import remeasured_answer

if TYPE_CHECKING:
    from monitor.jobs.answer import Answer
    from monitor.jobs.question import Options
    from tests.jobs.conftest import Ledger

FLAT = """
    2024-01-02 buy  2 BTC/USD 100
    2024-01-04 buy  1 BTC/USD 130
    2024-01-05 sell 2 BTC/USD 140
    2024-01-07 sell 1 BTC/USD 120
    2024-01-08 buy  1 ETH/USD 10
"""


def ask(ledger: Ledger, **options: object) -> Answer:
    """Ask about the first ten days of 2024."""
    span = {"start": parse_instant("2024-01-01"), "end": parse_instant("2024-01-11")}
    return remeasured_answer(ledger.reader, now=ledger.now, **cast("Options", span | options))


def test_lifo(ledger: Ledger) -> None:
    """Last in, first out relieves 130 + 100, then 100, and holds less in the middle (d01)."""
    ledger.add(FLAT)
    ledger.measure()
    answer = ask(ledger, method="lifo", assets=["BTC"])
    (btc,) = cast("list[dict[str, object]]", answer["assets"])
    assert (answer["method"], btc["cogs"]) == ("lifo", 330)
    assert btc["average_inventory"] == pytest.approx((200 * 2 + 330 * 1 + 100 * 2) / 10, rel=1e-12)
    assert btc["turnover"] == pytest.approx(330 / 93, rel=1e-12)


def test_weighted_average(ledger: Ledger) -> None:
    """The average of 330 for three units is 110 each."""
    ledger.add(FLAT)
    ledger.measure()
    (btc, _) = cast("list[dict[str, object]]", ask(ledger, method="wac")["assets"])
    assert btc["average_inventory"] == pytest.approx((200 * 2 + 330 * 1 + 110 * 2) / 10, rel=1e-12)


def test_the_stored_method_gives_the_stored_answer(ledger: Ledger) -> None:
    """Computed for the occasion or stored, the answer is the same to the last digit; nothing is written."""
    ledger.add(FLAT)
    ledger.measure()
    stored = ledger.answer("2024-01-01", "2024-01-11", by="account")
    assert ask(ledger, method="fifo", by="account") == stored


def test_unknown_asset_is_refused(ledger: Ledger) -> None:
    """An asset that is not there is refused as for the stored method."""
    ledger.add(FLAT)
    ledger.measure()
    with pytest.raises(UsageError, match="Did you mean 'ETH'"):
        ask(ledger, method="lifo", assets=["EHT"])
