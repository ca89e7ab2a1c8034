"""A balance against the sum of the rows: exact, and careful about the balance's instant."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.clock import SECOND
from monitor.records import Fee, Fill, Movement
from monitor.turnover.reconcile import Event, Held, Look, Verdict, fill_changes, lines, movement_changes

D = Decimal
FILL = Fill(
    account="a", exchange="x", key="1", time=0, book="spot", market="ETHBTC", symbol="ETH/BTC", base="ETH",
    quote="BTC", side="buy", amount=D(2), price=D("0.05"),
)  # fmt: skip
MOVE = Movement(account="a", exchange="x", key="1", time=0, kind="deposit", asset="BTC", amount=D(3))


def fees(*told: str) -> tuple[Fee, ...]:
    return tuple(Fee(asset, D(amount)) for amount, asset in (each.split() for each in told))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"ETH": D(2), "BTC": -2 * D("0.05")}),
        ({"side": "sell"}, {"ETH": D(-2), "BTC": 2 * D("0.05")}),
        ({"cost": D("0.0999")}, {"ETH": D(2), "BTC": -D("0.0999")}),  # the venue's own figure is what it booked
        ({"fees": fees("0.002 ETH")}, {"ETH": 2 - D("0.002"), "BTC": -D("0.1")}),
        ({"fees": fees("0.01 BNB", "-0.001 BTC")}, {"ETH": D(2), "BTC": -D("0.1") + D("0.001"), "BNB": -D("0.01")}),
    ],
)
def test_what_a_spot_fill_changes(changed: dict[str, object], expected: dict[str, Decimal]) -> None:
    """Base and quote the opposite way, every fee off its own asset, a rebate on it."""
    assert fill_changes(replace(FILL, **changed)) == expected  # type: ignore[arg-type]  # a table of changes


def test_a_closed_linear_position_changes_cash_by_its_result() -> None:
    """3 contracts of 0.1 bought at 100, sold at 110: the result is 3 * 0.1 * 10."""
    contract = replace(
        FILL, book="linear", symbol="BTC/USDT:USDT", base="BTC", quote="USDT", settle="USDT", amount=D(3),
        price=D(100), contract_size=D("0.1"),
    )  # fmt: skip
    opened, closed = fill_changes(contract), fill_changes(replace(contract, side="sell", price=D(110)))
    assert opened["USDT"] + closed["USDT"] == 3 * D("0.1") * 10
    assert opened["@linear BTC/USDT:USDT USDT"] + closed["@linear BTC/USDT:USDT USDT"] == 0
    assert "BTC" not in opened


@pytest.mark.parametrize(
    ("changed", "account", "expected"),
    [
        ({}, "a", {"BTC": D(3)}),
        ({"kind": "withdrawal", "fees": fees("0.1 BTC")}, "a", {"BTC": -3 - D("0.1")}),
        ({"status": "failed"}, "a", {}),
        ({"status": "pending"}, "a", {}),
        ({"kind": "transfer", "to_account": "b", "received": D("2.9")}, "a", {"BTC": D(-3)}),
        ({"kind": "transfer", "to_account": "b", "received": D("2.9")}, "b", {"BTC": D("2.9")}),
        ({"kind": "transfer", "to_account": "funding"}, "a", {}),  # a wallet of the venue
        ({"kind": "funding", "amount": D(-1)}, "a", {"BTC": D(-1)}),
        ({"kind": "write_off"}, "a", {"BTC": D(-3)}),
        (
            {"kind": "convert", "to_asset": "BNB", "received": D(5), "fees": fees("0.1 BNB")},
            "a",
            {"BTC": D(-3), "BNB": 5 - D("0.1")},
        ),
    ],
)
def test_what_a_movement_changes(changed: dict[str, object], account: str, expected: dict[str, Decimal]) -> None:
    """Each kind by its own sign; only what is finished counts."""
    found = movement_changes(replace(MOVE, **changed), account, {"a", "b"})  # type: ignore[arg-type]  # a table of changes
    assert found == expected


def held(*table: str, start: Look | None = None, pending: str = "") -> Held:
    """Rows as `seconds change` of BTC."""
    events = [Event(round(float(time) * SECOND), {"BTC": D(change)}) for time, change in (row.split() for row in table)]
    begin = start.time - 5 * SECOND if start else 0
    counted = [event for event in events if event.time >= begin]
    first = [event for event in counted if start and event.time <= start.time + 5 * SECOND]
    total = sum((event.changes["BTC"] for event in counted), D(0))
    return Held({"BTC": total}, counted, start, first, {"BTC": D(pending)} if pending else {})


def look(seconds: float, balance: str, *, proven: bool = True) -> Look:
    return Look(round(seconds * SECOND), {"BTC": D(balance)}, proven)


def verdict(ledger: Held, *looks: Look) -> tuple[Verdict, str | None]:
    (line,) = lines(ledger, looks)
    return line.verdict, None if line.residual is None else str(line.residual)


@pytest.mark.parametrize(
    ("rows", "looks", "expected"),
    [
        (["10 0.1", "20 0.2"], [look(100, "0.3")], ("agrees", "0")),  # 0.1 + 0.2 is 0.3
        (["10 0.1", "20 0.2"], [look(100, "0.30000001")], ("drift", "1E-8")),
        (["10 1"], [look(100, "2", proven=False)], ("waiting", None)),
        (["10 1"], [look(100, "1", proven=False)], ("agrees", "0")),  # agreement needs no proof
        (["10 1"], [look(200, "9", proven=False), look(100, "1")], ("agrees", "0")),
        (["10 1", "300 7"], [look(100, "1")], ("agrees", "0")),  # what came later is not in it
        (["10 1", "98 2"], [look(100, "1")], ("agrees", "0")),  # not in the balance yet
        (["10 1", "98 2"], [look(100, "3")], ("agrees", "0")),
        (["10 1", "104 2"], [look(100, "3")], ("agrees", "0")),  # in it already
        (["10 1", "94 2"], [look(100, "1")], ("drift", "-2")),  # 6 s before: it must be in it
        (["10 1", "98 2"], [look(100, "9")], ("waiting", None)),  # 8 too many, or 6
        (["10 1", "198 2"], [look(200, "9"), look(100, "1")], ("waiting", None)),  # it came after the earlier balance
        (["10 1", "98 2", "198 4"], [look(200, "5.5"), look(100, "1.5")], ("drift", "-1.5")),
    ],
)
def test_a_balance_has_no_exact_instant(rows: list[str], looks: list[Look], expected: tuple[str, str | None]) -> None:
    """Rows within 5 s of it may be in it or not; where that leaves two residuals, more balances decide."""
    assert verdict(held(*rows), *looks) == expected


def test_balances_around_which_rows_lie_decide_together() -> None:
    """Residuals {1, -1} at one balance, {1, 5} at the one before: only 1 explains both."""
    ledger = held("10 3", "98 -4", "198 2")
    assert verdict(ledger, look(200, "0")) == ("waiting", None)
    assert verdict(ledger, look(200, "0"), look(100, "4")) == ("drift", "1")


def test_what_is_pending_may_be_in_it_or_not() -> None:
    """A withdrawal of 2 the venue has not finished: 3 and 1 are both right, 0 waits."""
    ledger = held("10 3", pending="-2")
    assert [verdict(ledger, look(100, balance))[0] for balance in ("3", "1", "0")] == ["agrees", "agrees", "waiting"]


def test_without_a_known_beginning_the_first_balance_is_it() -> None:
    """5 at first, 2 more since: 7; what happened before the first balance is not asked for."""
    ledger = held("10 100", "60 2", start=look(50, "5"))
    assert verdict(ledger, look(100, "7")) == ("agrees", "0")
    assert verdict(ledger, look(100, "8")) == ("drift", "1")


def test_the_first_balance_has_no_exact_instant_either() -> None:
    """4 came within 2 s of the first balance of 5: it held 5 or 9 after that."""
    ledger = held("48 4", start=look(50, "5"))
    verdicts = [verdict(ledger, look(100, balance))[0] for balance in ("5", "9", "7")]
    assert verdicts == ["agrees", "agrees", "waiting"]


@pytest.mark.parametrize("position", ["@linear X/USDT:USDT BTC", "@rounded X/BTC BTC"])
def test_money_behind_an_open_position_is_not_compared(position: str) -> None:
    """Its balance holds results that no row tells; agreement is told all the same."""
    ledger = replace(held("10 1"), total={"BTC": D(1), position: D(1)})
    assert [verdict(ledger, look(100, balance))[0] for balance in ("1", "2")] == ["agrees", "not compared"]
