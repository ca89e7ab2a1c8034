"""Options whose premium is paid in a coin: the coin's price values them, though their pool has a name of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from monitor.clock import parse_instant
from monitor.jobs.remeasure import remeasured_answer
from monitor.records import Fill
from monitor.store.ledger import commit_rows

if TYPE_CHECKING:
    from monitor.records import Side
    from tests.jobs.conftest import Ledger

CALL = "BTC/USD:BTC-240329-60000-C"
COIN = 60_000


def trade(ledger: Ledger, day: str, side: Side, contracts: int, premium: str) -> None:
    """Store a fill of the call, its premium in coins."""
    fill = Fill(
        account="paper", exchange="file", key=day, time=parse_instant(day), book="option", market=CALL, symbol=CALL,
        base="BTC", quote="USD", settle="BTC", side=side, amount=Decimal(contracts), price=Decimal(premium),
        contract_size=Decimal(1), inverse=True,
    )  # fmt: skip
    commit_rows(ledger.writer, [fill], [], ledger.now)


def cogs(ledger: Ledger, method: str) -> object:
    """Return what was relieved in January 2024 under a method, of the call alone."""
    answer = remeasured_answer(
        ledger.reader, now=ledger.now, start=parse_instant("2024-01-01"), end=parse_instant("2024-02-01"),
        assets=[CALL], book="option", method=method,
    )  # fmt: skip
    (row,) = cast("list[dict[str, object]]", answer["assets"])
    return row["cogs"]


def test_an_option_asked_for_by_name_has_its_price_under_any_method(ledger: Ledger) -> None:
    """Of calls at 0.05 and 0.06 one is sold: the last in goes first."""
    ledger.add(f"2024-01-01 price BTC/USD {COIN}")
    trade(ledger, "2024-01-02", "buy", 1, "0.05")
    trade(ledger, "2024-01-03", "buy", 1, "0.06")
    trade(ledger, "2024-01-04", "sell", 1, "0.07")
    ledger.measure()
    assert (cogs(ledger, "fifo"), cogs(ledger, "lifo")) == (0.05 * COIN, 0.06 * COIN)


def test_a_late_fill_of_an_option_is_valued_like_any_other(ledger: Ledger) -> None:
    """What is stored after the rest was measured takes the coin's price of its own day."""
    ledger.add(f"2024-01-01 price BTC/USD {COIN}")
    trade(ledger, "2024-01-03", "buy", 1, "0.06")
    trade(ledger, "2024-01-04", "sell", 1, "0.07")
    ledger.measure()
    trade(ledger, "2024-01-02", "buy", 1, "0.05")
    ledger.measure()
    (row,) = cast("list[dict[str, object]]", ledger.answer("2024-01-01", "2024-02-01", book="option")["assets"])
    assert (row["status"], row["cogs"]) == ("ok", 0.05 * COIN)
