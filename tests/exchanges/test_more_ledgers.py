"""Ledgers of OKX, Crypto.com, Bitfinex and KuCoin in their wire forms: what no other stream tells, in its kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window
from monitor.errors import VenueError
from monitor.exchanges.extra_source import ExtraSource
from monitor.exchanges.extras import EXTRAS
from monitor.exchanges.pages import Page
from monitor.records import StreamKey
from tests.exchanges.conftest import Asked, At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.records import Movement

NOW = 1_767_225_600_000
SPAN = Window(NOW - DAY, NOW)
AT = NOW - 5_000


def bill(number: int, said: str, change: str, **more: str) -> dict[str, str]:
    return {
        "billId": str(number), "ccy": "BTC", "balChg": change, "bal": "7", "ts": str(AT), "type": "0", "subType": said,
        "instId": "", "instType": "", "ordId": "", "fee": "-0.1", "from": "", "to": "", **more,
    }  # fmt: skip


def okx(rows: Sequence[object]) -> object:
    return {"code": "0", "msg": "", "data": rows}


def journal(number: int, said: str, change: str, asset: str = "BTC") -> dict[str, object]:
    return {
        "account_id": "a", "event_date": "2025-12-31", "journal_type": said, "journal_id": str(number),
        "transaction_qty": change, "transaction_cost": "0", "realized_pnl": "0", "order_id": "same", "trade_id": "",
        "event_timestamp_ms": AT, "event_timestamp_ns": f"{AT}000000", "side": "", "instrument_name": asset,
    }  # fmt: skip


def cryptocom(rows: Sequence[object]) -> object:
    return {"id": 1, "method": "private/get-transactions", "code": 0, "result": {"data": rows}}


def line(number: int, said: str, change: float) -> list[object]:
    return [number, "BTC", "exchange", AT, None, change, 7, None, f"{said} on wallet exchange"]


def business(number: int, said: str, way: str, amount: str) -> dict[str, object]:
    return {
        "id": str(number), "currency": "BTC", "amount": amount, "fee": "0.1", "balance": "7", "accountType": "MAIN",
        "bizType": said, "direction": way, "createdAt": AT, "context": "",
    }  # fmt: skip


def kucoin(rows: Sequence[object]) -> object:
    return {"code": "200000", "data": {"currentPage": 1, "pageSize": 500, "totalNum": 9, "totalPage": 1, "items": rows}}


LEDGERS = {
    "okx": okx([
        bill(1, "1", "-0.5", ordId="o", tradeId="t"), bill(2, "173", "-0.1"), bill(3, "318", "0.2"),
        bill(4, "11", "3", **{"from": "6", "to": "18"}), bill(5, "11", "3", **{"from": "18", "to": "18"}),
        bill(6, "9", "-0.002"), bill(7, "381", "0.3"), bill(8, "117", "-0.04"), bill(9, "114", "-0.6"),
        bill(10, "170", "9"),
    ]),
    "cryptocom": cryptocom([
        journal(1, "TRADING", "-0.5"), journal(2, "TRADE_FEE", "-0.1"), journal(3, "WITHDRAW", "-3"),
        journal(4, "FUNDING", "-0.002"), journal(5, "FUNDING", "0.003"), journal(6, "SOFT_STAKE_REWARD", "0.3"),
        journal(7, "LIQUIDATION_FEE", "-0.04"), journal(8, "AUTO_CONVERSION", "-0.6"), journal(9, "SUBACCOUNT_TX", "9"),
        journal(10, "FUNDING", "1", "BTCUSD-PERP"),
    ]),
    "bitfinex": [
        line(1, "Exchange 0.5 BTC for USD @ 90000.0", -0.5),
        line(2, "Trading fees for 0.5 BTC (BTCUSD) @ 90000.0 on BFX (0.2%)", -0.001),
        line(3, "BITCOIN Withdrawal #77", -3), line(4, "Crypto Withdrawal fee", -0.0004),
        line(5, "Transfer of 1.5 BTC from wallet Exchange to Margin", -1.5),
        line(6, "Transfer of 2.5 BTC from wallet Exchange to Exchange SA(1->2)", -2.5),
        line(7, "Margin Funding Payment", 0.002), line(8, "Used Margin Funding Charge", -0.003),
        line(9, "Funding Event tBTCF0:USTF0 (0.02)", -0.04), line(10, "Extraordinary loss adj of 1 BTC", -1),
    ],
    "kucoin": kucoin([
        business(1, "Trade_Exchange", "out", "0.5"), business(2, "Deposit", "in", "3"),
        business(3, "Transfer", "out", "1.5"), business(4, "Soft Staking Profits", "in", "0.3"),
        business(5, "Refunded Fees", "in", "0.001"), business(6, "KCS Pay Fees", "out", "0.002"),
        business(7, "Sub-account transfer", "out", "2.5"), business(8, "Convert to KCS", "out", "0.6"),
        business(9, "KuCoin Bonus", "out", "0.04"), business(10, "Borrowings", "in", "9"),
    ]),
}  # fmt: skip
EXPECTED = {
    "okx": [
        ("deposit", "3"), ("fee", "0.002"), ("income", "0.3"), ("settlement", "-0.04"), ("adjust", "-0.6"),
    ],
    "cryptocom": [
        ("funding", "-0.002"), ("funding", "0.003"), ("income", "0.3"), ("fee", "0.04"), ("adjust", "-0.6"),
    ],
    "bitfinex": [("withdrawal", "2.5"), ("income", "0.002"), ("fee", "0.003"), ("funding", "-0.04")],
    "kucoin": [
        ("income", "0.3"), ("rebate", "0.001"), ("fee", "0.002"), ("withdrawal", "2.5"), ("adjust", "-0.6"),
        ("fee", "0.04"),
    ],
}  # fmt: skip
UNKNOWN = {
    "okx": ["170"], "cryptocom": ["SUBACCOUNT_TX", "BTCUSD-PERP"], "bitfinex": ["Extraordinary"],
    "kucoin": ["Borrowings"],
}  # fmt: skip


def read(at_venue: At, exchange: str, body: object, name: str = "", asked: list[Asked] | None = None) -> Page:
    """Return what one reading of a ledger makes of a body."""
    extra = next(one for one in EXTRAS[exchange] if one.kind == "ledger" and one.name == name)

    def answer(one: Asked) -> Reply:
        if asked is not None:
            asked.append(one)
        return Reply(json.dumps(body))

    async def work(venue: FakeVenue) -> Page:
        client = venue.client(exchange)
        client.exchange.set_markets([market("BTC-USDT", "BTC/USDT")])
        client.exchange.apiKey, client.exchange.password = "k", "p"
        async with client:
            return await ExtraSource(client, StreamKey("desk", "ledger", "spot", name), extra).read(SPAN)

    page = at_venue(answer, work)
    assert isinstance(page, Page)
    return page


def told(page: Page) -> list[tuple[str, str]]:
    def one(move: Movement) -> tuple[str, str]:
        return move.kind, str(move.amount)

    assert {(move.asset, move.time, move.fees) for move in page.movements} <= {("BTC", AT, ())}
    return sorted(map(one, page.movements))


@pytest.mark.parametrize("exchange", LEDGERS)
def test_a_ledger_adds_what_no_other_stream_has(at_venue: At, exchange: str) -> None:
    """Trades, deposits, withdrawals and moves between wallets are passed over; the rest is booked by its sign."""
    assert told(read(at_venue, exchange, LEDGERS[exchange])) == sorted(EXPECTED[exchange])


@pytest.mark.parametrize("exchange", LEDGERS)
def test_a_row_of_unknown_type_is_put_aside_and_leaves_its_window_unproven(at_venue: At, exchange: str) -> None:
    """Booked it might be told twice, dropped it might be lost: it is quarantined with its type."""
    page = read(at_venue, exchange, LEDGERS[exchange])
    assert len(page.quarantined) == len(UNKNOWN[exchange])
    assert all(word in "".join(one.reason for one in page.quarantined) for word in UNKNOWN[exchange])


@pytest.mark.parametrize("exchange", LEDGERS)
def test_rows_of_one_order_are_told_apart(at_venue: At, exchange: str) -> None:
    """Every movement has a key of its own, by the row's own id."""
    page = read(at_venue, exchange, LEDGERS[exchange])
    assert len({move.key for move in page.movements}) == len(EXPECTED[exchange])


def test_okxs_funding_account_has_a_list_of_its_own(at_venue: At) -> None:
    """Deposits and moves to the trading account are told elsewhere; a yield is income, a subscription no event."""
    kinds = (("1", "3"), ("131", "-3"), ("83", "0.3"), ("75", "-1.5"), ("20", "-2.5"), ("999", "9"))
    rows = [{**bill(at, "", change), "type": said} for at, (said, change) in enumerate(kinds)]
    asked: list[Asked] = []
    page = read(at_venue, "okx", okx(rows), "funding account", asked)
    assert told(page) == [("income", "0.3"), ("transfer", "1.5"), ("withdrawal", "2.5")]
    assert ["999" in one.reason for one in page.quarantined] == [True]
    # `before` means newer than, `after` older than; both leave out the instant itself.
    assert (int(asked[-1].params["before"]), int(asked[-1].params["after"])) == (SPAN.start - 1000, SPAN.end - 1)


def test_okxs_bills_are_asked_for_of_every_kind_of_market(at_venue: At) -> None:
    """Ccxt's own method asks for those of spot markets alone, and leaves the beginning out."""
    asked: list[Asked] = []
    read(at_venue, "okx", LEDGERS["okx"], asked=asked)
    assert asked[-1].path.endswith("/account/bills-archive")
    assert asked[-1].params == {"begin": str(SPAN.start), "end": str(SPAN.end - 1), "limit": "100"}


@pytest.mark.parametrize("exchange", LEDGERS)
def test_an_answer_without_a_list_is_no_empty_ledger(at_venue: At, exchange: str) -> None:
    """Only an explicitly empty list says that nothing happened."""
    empty = {"okx": okx([]), "cryptocom": cryptocom([]), "bitfinex": [], "kucoin": kucoin([])}[exchange]
    assert read(at_venue, exchange, empty) == Page()
    with pytest.raises(VenueError):
        read(at_venue, exchange, {"status": "fine", "code": "0", "answer": {"things": "none"}})
