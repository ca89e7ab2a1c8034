"""The likely cause of a residual."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.records import Fee, Movement
from monitor.turnover.drift import Evidence, likely_cause

D = Decimal
FAILED = Movement(
    account="a", exchange="x", key="w7", time=0, kind="withdrawal", asset="BTC", amount=D(3), status="failed",
    fees=(Fee("BTC", D("0.1")),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(D(-1), D(5), elsewhere={"b": D("0.99")}), "transfer"),  # 1 % on the way
        (Evidence(D(-1), D(5), elsewhere={"b": D("0.9")}), "missing stream"),
        (Evidence(D(-1), D(5), elsewhere={"b": D(-1)}), "missing stream"),  # the same way
        (Evidence(D("-3.1"), D(5), unfinished=[FAILED]), "transfer"),
        (Evidence(D(-1), D(5), beside={"USDT": D(60_000)}), "convert"),
        (Evidence(D("-0.1"), D(5), beside={"USDT": D(60_000), "BTC": D(-1)}), "convert"),  # the fee of that fill
        (Evidence(D(-1), D(5), beside={"ETH": D(-1)}), "missing stream"),
        (Evidence(D(-1), D(5), beside={"USDT": D(60_000), "ETH": D(1), "SOL": D(1)}), "missing stream"),
        (Evidence(D("-0.0003"), D(0)), "dust"),
        (Evidence(D("-0.002"), D(5), untold=D(2)), "base-asset fee"),  # 0.1 %
        (Evidence(D("-0.03"), D(5), untold=D(2)), "missing stream"),  # 1.5 % is no fee
        (Evidence(D("0.002"), D(5), told=D("0.002")), "base-asset fee"),
        (Evidence(D("-0.002"), D(5), contracts=True), "funding"),
        (Evidence(D(1), D(5), unread=("deposits",)), "missing stream"),
        (Evidence(D(1), D(5), agreed=False), "opening"),
        (Evidence(D(1), D(5)), "missing stream"),
    ],
)
def test_the_cause_that_fits(evidence: Evidence, cause: str) -> None:
    """The most specific explanation first; a guess, never more."""
    assert likely_cause(evidence).name == cause


def test_a_cause_says_what_fits_and_what_to_do() -> None:
    """0.002 of 2 is 0.1 %; the streams that are not read are named."""
    assert "0.1 %" in likely_cause(Evidence(D("-0.002"), D(5), untold=D(2))).message
    assert "deposits" in likely_cause(Evidence(D(1), D(5), unread=("deposits",))).message
