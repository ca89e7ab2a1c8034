"""Deposits, withdrawals, conversions and balances, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.errors import VenueUnavailable
from monitor.exchanges.balances import merged, snapshot
from monitor.exchanges.bodies import Body, Json
from monitor.exchanges.movements import dust, movements, transaction
from monitor.exchanges.normalise import Origin
from monitor.records import Balance, Fee, Snapshot, StreamKey

ORIGIN = Origin(StreamKey("desk", "withdrawals"), "binance")
ROW: dict[str, object] = {
    "info": {"id": "w1"}, "id": "w1", "txid": "0xabc", "timestamp": 1_700_000_000_000, "type": "withdrawal",
    "currency": "ETH", "amount": "-1.50", "status": "ok", "fee": {"currency": "ETH", "cost": "0.004"},
}  # fmt: skip


def test_a_withdrawal_becomes_a_movement() -> None:
    """The amount is a magnitude without the fee; the chain's id is kept for matching."""
    (move,) = movements([ROW], [ROW["info"]], ORIGIN, transaction).movements
    assert (move.kind, move.asset, str(move.amount), move.network_id) == ("withdrawal", "ETH", "1.50", "0xabc")
    assert (move.fees, move.status, move.key) == ((Fee("ETH", Decimal("0.004")),), "ok", "withdrawal|ETH|w1")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("ok", "ok"),
        (None, "ok"),
        ("pending", "pending"),
        ("canceled", "failed"),
        ("failed", "failed"),
        ("odd", "pending"),
    ],
)
def test_the_status(said: str | None, status: str) -> None:
    """Cancelled and failed ones count as failed; a status nobody knows has not finished."""
    (move,) = movements([{**ROW, "status": said}], [ROW["info"]], ORIGIN, transaction).movements
    assert move.status == status


def test_an_incomplete_transaction_is_kept_in_quarantine() -> None:
    """Without an amount nothing is guessed."""
    assert movements([{**ROW, "amount": None}], [ROW["info"]], ORIGIN, transaction).quarantined[0].reason


def test_dust_is_a_conversion() -> None:
    """What was received is before the charge, which is the fee."""
    row = {
        **ROW,
        "symbol": "ETH/BNB",
        "amount": "0.0009",
        "cost": "0.00088",
        "fee": {"currency": "BNB", "cost": "0.00002"},
    }
    (move,) = movements([row], [row["info"]], ORIGIN, dust).movements
    assert (move.kind, move.asset, move.to_asset, move.received) == ("convert", "ETH", "BNB", Decimal("0.00088"))
    assert move.fees == (Fee("BNB", Decimal("0.00002")),)


def body(value: Json) -> Body:
    """Return a body as the guard hands it over."""
    made = Body("GET", "account", 200)
    made.open(value)
    return made


def test_a_balance_becomes_a_snapshot() -> None:
    """Totals are exact; where only parts are given they add up."""
    parsed = {
        "total": {"BTC": "0.10", "EUR": None},
        "BTC": {"free": "0.04", "used": "0.06", "total": "0.10"},
        "EUR": {"free": "5"},
    }
    look = snapshot(parsed, [body({"balances": [{"asset": "BTC"}]})], "desk", 1)
    assert look.balances == (
        Balance("BTC", Decimal("0.10"), Decimal("0.04"), Decimal("0.06")),
        Balance("EUR", Decimal(5), Decimal(5)),
    )


@pytest.mark.parametrize(
    ("value", "believed"),
    [
        ({"balances": []}, True),
        ([], True),
        ({}, False),
        ({"error": []}, False),
        ({"balances": [{"asset": "BTC", "balance": "0.00"}]}, True),
        ({"balances": [{"asset": "BTC", "balance": "0.10"}]}, False),
    ],
)
def test_an_empty_portfolio_needs_proof(value: Json, *, believed: bool) -> None:
    """Nothing parsed is believed only of an explicitly empty body or of rows of zeros."""
    if believed:
        assert snapshot({"total": {}}, [body(value)], "desk", 1).balances == ()
    else:
        with pytest.raises(VenueUnavailable):
            snapshot({"total": {}}, [body(value)], "desk", 1)


def test_figures_that_are_missing_are_an_error() -> None:
    """An asset without any figure is not zero."""
    with pytest.raises(VenueUnavailable, match="BTC"):
        snapshot({"total": {"BTC": None}, "BTC": {"total": None}}, [body({"x": []})], "desk", 1)


def test_wallets_add_up() -> None:
    """Two wallets of one account are one snapshot; an unknown part stays unknown."""
    looks = [
        Snapshot("desk", 1, (Balance("BTC", Decimal(1), Decimal(1)),)),
        Snapshot("desk", 1, (Balance("BTC", Decimal(2)),)),
    ]
    assert merged(looks).balances == (Balance("BTC", Decimal(3), None, None),)
