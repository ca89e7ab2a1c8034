"""What open inverse contracts would earn: face * (1 / entry - 1 / mark) coins, at the mark."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.jobs.inventory import inventory_answer
from monitor.records import Fee, Fill, Valuation
from monitor.store.ledger import commit_rows
from monitor.store.settings import save_valuation
from monitor.store.touched import touch

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]
FACE = 100


def trade(ledger: Ledger, day: int, side: str, contracts: int, price: str, fee: str = "") -> None:  # noqa: PLR0913, PLR0917  a row
    """Store a fill of contracts of 100 USD on Bitcoin."""
    fill = Fill(
        account="paper", exchange="file", key=f"{day}{side}{price}", time=parse_instant(f"2024-01-{day:02}"),
        book="inverse", market="BTCUSD", symbol="BTC/USD:BTC", base="BTC", quote="USD", settle="BTC",
        side="buy" if side == "buy" else "sell", amount=Decimal(contracts), price=Decimal(price),
        contract_size=Decimal(FACE), inverse=True, fees=(Fee("USD", Decimal(fee)),) if fee else (),
    )  # fmt: skip
    commit_rows(ledger.writer, [fill], [], 1)


def pnl(ledger: Ledger) -> object:
    """Return the unrealised profit at the end of January 2024."""
    ledger.add("2024-01-20 price BTC/USD 60000")
    ledger.measure()
    answer = inventory_answer(ledger.reader, now=ledger.now, as_of=parse_instant("2024-01-31"), book="inverse")
    (row,) = cast("list[Numbers]", answer["positions"])
    return row["unrealised_pnl"]


def earned(face: float, entry: float, mark: float = 60_000) -> float:
    """Return what a long of a face amount earns, in dollars."""
    return face * (1 / entry - 1 / mark) * mark


def test_a_long_gains_when_the_mark_rises(ledger: Ledger) -> None:
    """Of 10 contracts at 40,000 and 5 at 50,000 the first 6 are sold: 4 and 5 are left."""
    trade(ledger, 1, "buy", 10, "40000")
    trade(ledger, 2, "buy", 5, "50000")
    trade(ledger, 3, "sell", 6, "55000")
    assert pnl(ledger) == pytest.approx(earned(400, 40_000) + earned(500, 50_000))


def test_a_short_loses_when_the_mark_rises(ledger: Ledger) -> None:
    """The opposite of a long."""
    trade(ledger, 1, "sell", 10, "40000")
    assert pnl(ledger) == pytest.approx(-earned(1_000, 40_000))


@pytest.mark.parametrize("method", ["fifo", "wac"])
@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_a_fee_in_cash_is_lost_once(ledger: Ledger, side: str, sign: int, method: str) -> None:
    """What was paid to open is in the basis: closing at the mark brings the difference of prices less that."""
    save_valuation(ledger.writer, Valuation(method=method))
    trade(ledger, 1, side, 10, "40000", "7")
    assert pnl(ledger) == pytest.approx(sign * earned(1_000, 40_000) - 7)


def test_a_weighted_average_is_one_of_coins(ledger: Ledger) -> None:
    """1,000 of face at 40,000 and 1,000 at 50,000 stand for 0.045 coins; half of it is left after a sale."""
    save_valuation(ledger.writer, Valuation(method="wac"))
    trade(ledger, 1, "sell", 3, "99000")
    trade(ledger, 2, "buy", 13, "40000")
    trade(ledger, 3, "buy", 10, "50000")
    trade(ledger, 4, "sell", 10, "55000")
    coins = (1_000 / 40_000 + 1_000 / 50_000) / 2
    assert pnl(ledger) == pytest.approx((coins - 1_000 / 60_000) * 60_000)


def test_without_a_fill_nobody_knows_the_entry(ledger: Ledger) -> None:
    """What was adjusted has a face and no price."""
    trade(ledger, 1, "buy", 1, "40000")
    with ledger.writer.transaction() as connection:
        connection.execute(
            "INSERT INTO movements (account, exchange, key, time_ms, kind, book, asset, amount, source, first_seen_ms)"
            " VALUES ('paper', 'file', 'a', ?, 'adjust', 'inverse', 'BTC', '500', 'file', 1)",
            [parse_instant("2024-01-25")],
        )
        touch(connection, {"BTC": 0})
    assert pnl(ledger) is None


def test_a_moment_long_after_the_trade_is_worth_the_face(ledger: Ledger) -> None:
    """A minute half a year later: 10 contracts of 100 USD stay worth 1,000, whatever a coin costs."""
    trade(ledger, 1, "buy", 10, "40000")
    ledger.add("2024-01-01 price BTC/USD 40000\n2024-01-20 price BTC/USD 60000")
    ledger.measure()
    answer = ledger.answer("2024-07-01", "2024-07-01T00:01:00", book="inverse")
    assert cast("Numbers", answer["portfolio"])["average_market_value"] == 10.0 * FACE
