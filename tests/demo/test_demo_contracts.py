"""The demo's contract accounts, collected through ccxt's own wire formats: true quantities and notionals."""

from __future__ import annotations

import asyncio
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, FixedClock
from monitor.demo.contracts import COINM, CONTRACTS, USDM
from monitor.demo.desk import RunningDesk, start_desk
from monitor.jobs.answer import turnover_answer
from monitor.jobs.collect import Options, collect_all
from monitor.jobs.connections import Connections
from monitor.jobs.measure import measure
from monitor.records import Valuation
from monitor.store import snapshots
from monitor.store.database import Writer, open_writer
from monitor.store.settings import save_valuation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.records import Fill

EPOCH = 1_767_225_600_000  # 2026-01-01
NOW = EPOCH + 2 * HOUR
WINDOW = (EPOCH - 55 * DAY, EPOCH)


@pytest.fixture(scope="module")
def desk() -> Iterator[RunningDesk]:
    with start_desk(1, EPOCH, FixedClock(NOW)) as running:
        yield running


@pytest.fixture(scope="module")
def stored(desk: RunningDesk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Both contract accounts collected and measured."""
    with open_writer(tmp_path_factory.mktemp("contracts") / "a.db", holder="test") as writer:
        save_valuation(writer, Valuation())

        async def work() -> list[object]:
            async with Connections(writer, FixedClock(NOW)) as connections:
                accounts = [account for account in desk.accounts if account.name in CONTRACTS]
                return [one.error for one in await collect_all(connections, accounts, Options(prices=False))]

        assert asyncio.run(work()) == [None, None]
        measure(writer, NOW)
        yield writer


def inside(desk: RunningDesk, account: str) -> list[Fill]:
    return [fill for fill in desk.history.fills(NOW, account) if WINDOW[0] <= fill.time < WINDOW[1]]


def rows_of(writer: Writer, account: str) -> dict[str, tuple[object, ...]]:
    found = writer.connection.execute(
        "SELECT trade_id, time_ms, book, side, base, amount, price, contract_size, inverse FROM fills"
        " WHERE account = ?",
        [account],
    )
    return {str(row[0]): tuple(row)[1:] for row in found}


@pytest.mark.parametrize(("account", "book"), [(USDM, "linear"), (COINM, "inverse")])
def test_every_contract_fill_lands_in_its_book(desk: RunningDesk, stored: Writer, account: str, book: str) -> None:
    """Time, side, contracts, price and contract size are those of the history; the position adds up in base."""
    told = rows_of(stored, account)
    true = desk.history.fills(NOW, account)
    assert len(told) == len(true) > 200
    for fill in true:
        time, kept, side, base, amount, price, size, inverse = told[str(fill.trade_id)]
        assert (time, kept, side, base) == (fill.time, book, fill.side, "BTC")
        assert (Decimal(str(amount)), Decimal(str(price)), Decimal(str(size))) == (
            fill.amount,
            fill.price,
            CONTRACTS[account].size,
        )
        assert bool(inverse) is (book == "inverse")
    held, _ = desk.history.contracts.position(NOW, account)
    signed = [Decimal(str(row[4])) * (1 if row[2] == "buy" else -1) for row in told.values()]
    assert sum(signed) == held != 0


@pytest.mark.parametrize(("account", "book"), [(USDM, "linear"), (COINM, "inverse")])
def test_notional_of_the_book(desk: RunningDesk, stored: Writer, account: str, book: str) -> None:
    """Linear: contracts x price; inverse: contracts x 100 dollars, whatever the price."""
    answer = turnover_answer(stored.connection, now=NOW, start=WINDOW[0], end=WINDOW[1], book=book)
    assets = answer["assets"]
    assert isinstance(assets, list)
    (row,) = [one for one in assets if one["asset"] == "BTC"]
    fills = inside(desk, account)
    for side in ("buy", "sell"):
        mine = [fill for fill in fills if fill.side == side]
        worth = sum(fill.amount * (100 if book == "inverse" else fill.price) for fill in mine)
        assert row[f"{side}_notional"] == pytest.approx(float(worth), rel=1e-9)


@pytest.mark.parametrize("account", [USDM, COINM])
def test_incomes_are_counted_once(desk: RunningDesk, stored: Writer, account: str) -> None:
    """Funding, the liquidation's charge and the collateral are stored; fees and results are not told twice."""
    found = stored.connection.execute("SELECT kind, amount FROM movements WHERE account = ?", [account]).fetchall()
    true = desk.history.movements(NOW, account)
    assert sorted((kind, Decimal(amount)) for kind, amount in found) == sorted((one.kind, one.amount) for one in true)
    assert [kind for kind, _ in found].count("settlement") == 1


def test_the_wallet_is_the_sum_of_its_incomes(desk: RunningDesk, stored: Writer) -> None:
    """The balance stored is wallet plus unrealised result, in the settlement asset."""
    for account, contract in CONTRACTS.items():
        wallet = desk.history.balances(account, NOW)[contract.settle]
        _, unrealised = desk.history.contracts.position(NOW, account)
        with localcontext(prec=40):
            expected = (wallet + unrealised).quantize(Decimal("0.00000001"))
        held = snapshots.held(stored.connection, account)[contract.settle].total
        assert abs(held - expected) <= Decimal("0.00000001") * 2


def test_the_liquidation_leaves_the_position_flat(desk: RunningDesk) -> None:
    """On the twentieth day the whole position is closed at once and the insurance fund takes its share."""
    for account in CONTRACTS:
        (charge,) = [one for one in desk.history.contracts.incomes(NOW, account) if one.said == "INSURANCE_CLEAR"]
        assert desk.history.contracts.position(charge.time, account)[0] == 0
        assert charge.amount < 0
