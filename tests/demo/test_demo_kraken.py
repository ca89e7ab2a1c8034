"""The demo's Kraken, asked by ccxt's own class over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ccxt.base import errors

from monitor.clock import DAY, HOUR, SECOND, parse_instant
from monitor.demo.markets import BY_SYMBOL

if TYPE_CHECKING:
    from monitor.demo.desk import RunningDesk
    from monitor.records import Account, Fill
    from tests.demo.conftest import Client, Talk

EPOCH = parse_instant("2026-01-31")
NOW = EPOCH + DAY // 2

START = EPOCH - 9 * DAY


def truth(desk: RunningDesk, start: int, end: int) -> list[Fill]:
    """Return Kraken's true fills later than `start` and not later than `end`, newest first."""
    return [fill for fill in reversed(desk.history.fills(end, "kraken-main")) if fill.time > start]


def test_fills_of_all_symbols_come_fifty_a_page_newest_first(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """Pages reached by `ofs` hold every fill once, to the last digit; `count` is how many there are."""
    expected = truth(desk, START, START + 5 * DAY)

    async def pages(made: Client) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        while len(rows) % 50 == 0:
            rows += await made.fetch_my_trades(None, START, None, {"until": START + 5 * DAY - SECOND, "ofs": len(rows)})
        return rows

    rows = ask(kraken, pages)
    assert len(rows) == len(expected) > 100
    assert sorted(told(row) for row in rows) == sorted(
        (fill.time, fill.symbol, fill.trade_id, fill.order_id, fill.side, fill.amount, fill.price, fill.cost,
         fill.fees[0].amount, "USD")
        for fill in expected
    )  # fmt: skip
    raw = ask(
        kraken, lambda it: it.privatePostTradesHistory({"start": START // SECOND, "end": START // SECOND + 432000})
    )
    assert raw["result"]["count"] == len(expected)
    assert list(raw["result"]["trades"]) == [fill.trade_id for fill in expected[:50]]


def told(trade: dict[str, object]) -> tuple[object, ...]:
    """Return what identifies a fill and its sizes, from a parsed trade."""
    fee = trade["fee"]
    assert isinstance(fee, dict)
    sizes = [Decimal(str(text)) for text in (trade["amount"], trade["price"], trade["cost"], fee["cost"])]
    return (trade["timestamp"], trade["symbol"], trade["id"], trade["order"], trade["side"], *sizes, fee["currency"])


def test_start_excludes_the_second_it_names_and_end_includes_it(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """A fill on a whole second is missed by a `start` of that second, and found by an `end` of it."""
    fill = next(fill for fill in truth(desk, START, NOW) if fill.time % SECOND == 0)
    second = fill.time // SECOND
    after = ask(kraken, lambda it: it.privatePostTradesHistory({"start": second, "end": second + 1}))
    upto = ask(kraken, lambda it: it.privatePostTradesHistory({"start": second - 1, "end": second}))
    assert fill.trade_id not in after["result"]["trades"]
    assert fill.trade_id in upto["result"]["trades"]


def test_times_keep_their_milliseconds(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """Ccxt turns the fractional seconds back into the very millisecond."""
    rows = ask(kraken, lambda it: it.fetch_my_trades(None, NOW - DAY))
    assert {len(str(row["info"]["time"]).split(".")[1]) for row in rows} == {1, 4}
    assert [row["timestamp"] for row in rows] == sorted(fill.time for fill in truth(desk, NOW - DAY, NOW)[:50])


def test_balances_are_the_true_ones(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """Old asset names become codes; both balance endpoints agree."""
    total = ask(kraken, lambda it: it.fetch_balance())["total"]
    assert {asset: Decimal(text) for asset, text in total.items()} == desk.history.balances(kraken.name, NOW)
    plain = ask(kraken, lambda it: it.privatePostBalance())["result"]
    assert set(plain) == {"XXBT", "ZUSD", "XXRP", "AVAX", "ADA"}
    assert Decimal(plain["XXBT"]) == Decimal(total["BTC"])


def test_deposits_and_withdrawals_are_the_true_ones(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """Amount, fee, chain id and whole-second time survive; `start` excludes, an asset can be named."""
    rows = ask(kraken, lambda it: it.fetch_deposits(None, kraken.start)) + ask(
        kraken, lambda it: it.fetch_withdrawals(None, kraken.start)
    )
    told_rows = [
        (
            row["timestamp"],
            row["type"],
            row["currency"],
            Decimal(row["amount"]),
            Decimal(row["fee"]["cost"]),
            row["txid"],
        )
        for row in rows
    ]
    assert sorted(told_rows) == sorted(
        (
            move.time,
            move.kind,
            move.asset,
            move.amount,
            move.fees[0].amount if move.fees else Decimal(0),
            move.network_id,
        )
        for move in desk.history.movements(NOW, kraken.name)
    )
    ripples = ask(kraken, lambda it: it.privatePostDepositStatus({"asset": "XXRP"}))["result"]
    assert [row["amount"] for row in ripples] == ["60000.0000000000", "940000.0000000000"]
    later = ask(kraken, lambda it: it.privatePostDepositStatus({"asset": "XXRP", "start": ripples[1]["time"]}))[
        "result"
    ]
    assert later == ripples[:1]
    assert ask(kraken, lambda it: it.privatePostWithdrawStatus({"cursor": True}))["result"]["next_cursor"] is None


def test_ledger_ends_at_the_balance(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """The newest entry of an asset carries its balance; entries of one asset can be asked for, 50 a page."""
    entries = ask(kraken, lambda it: it.privatePostLedgers({"asset": "XXBT"}))["result"]
    newest = next(iter(entries["ledger"].values()))
    assert Decimal(newest["balance"]) == desk.history.balances(kraken.name, NOW)["BTC"]
    assert (len(entries["ledger"]), entries["count"] > 200) == (50, True)
    assert len(ask(kraken, lambda it: it.fetch_ledger("BTC", NOW - DAY))) > 0


def test_candles_are_the_newest_720_whatever_since_says(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """Ninety days fit in candles of four hours, not in candles of one."""
    start, market = kraken.start or 0, BY_SYMBOL["kraken", "XRP/USD"]
    long = ask(kraken, lambda it: it.fetch_ohlcv("XRP/USD", "4h", start))
    assert (long[0][0], len(long)) == (start, 90 * 6 + 4)
    assert Decimal(long[0][4]) == desk.history.prices.price(market, start + 4 * HOUR)
    short = ask(kraken, lambda it: it.fetch_ohlcv("XRP/USD", "1h", start))
    assert (short[0][0], len(short)) == (NOW - 719 * HOUR, 720)
    assert Decimal(short[-1][4]) == desk.history.prices.price(market, NOW)


def test_tickers_and_time(ask: Talk, desk: RunningDesk, kraken: Account) -> None:
    """The last price is that of now, the time comes in whole seconds."""
    price = desk.history.prices.price(BY_SYMBOL["kraken", "BTC/USD"], NOW)
    assert Decimal(ask(kraken, lambda it: it.fetch_ticker("BTC/USD"))["last"]) == price
    assert len(ask(kraken, lambda it: it.fetch_tickers(["BTC/USD", "ADA/USD"]))) == 2
    time = ask(kraken, lambda it: it.fetch_time())
    assert (time % SECOND, 0 <= time + SECOND - NOW < HOUR) == (0, True)  # the desk's clock goes on while it is asked
    assert ask(kraken, lambda it: it.fetch_status())["status"] == "ok"


def test_markets_carry_old_names(ask: Talk, kraken: Account) -> None:
    """XXBTZUSD is BTC/USD."""
    markets = ask(kraken, lambda it: it.load_markets())
    assert {market["id"]: symbol for symbol, market in markets.items()} == {
        "XXBTZUSD": "BTC/USD", "XXRPZUSD": "XRP/USD", "AVAXUSD": "AVAX/USD", "ADAUSD": "ADA/USD"
    }  # fmt: skip


def test_key_can_only_read(ask: Talk, kraken: Account) -> None:
    """Every permission is a query."""
    info = ask(kraken, lambda it: it.privatePostGetApiKeyInfo())["result"]
    assert info["apiKey"] == kraken.credentials["apiKey"]
    assert all(name.startswith("query-") for name in info["permissions"])


def test_wrong_secret_and_wrong_key_are_refused(ask: Talk, kraken: Account) -> None:
    """In Kraken's words: ccxt knows the one about the key as refused credentials, the other only as an error."""
    with pytest.raises(errors.ExchangeError, match="EAPI:Invalid signature"):
        ask.anew(kraken, lambda it: it.fetch_balance(), secret="Z3Vlc3NlZA==")
    with pytest.raises(errors.AuthenticationError, match="EAPI:Invalid key"):
        ask.anew(kraken, lambda it: it.fetch_balance(), apiKey="stranger")


def test_nonce_must_grow(ask: Talk, kraken: Account) -> None:
    """The same number a second time is refused."""

    async def twice(made: Client) -> object:
        await made.fetch_balance()
        made.options["lastNonce"] -= 1
        made.options["timeDifference"] += 60 * SECOND
        return await made.fetch_balance()

    with pytest.raises(errors.InvalidNonce, match="EAPI:Invalid nonce"):
        ask.anew(kraken, twice)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"start": "soon"}, "EGeneral:Invalid arguments"), ({"end": "1e"}, "EGeneral:Invalid arguments")],
)
def test_unreadable_times_are_refused(ask: Talk, kraken: Account, fields: dict[str, str], words: str) -> None:
    """A time that is no number is an error, not an empty answer."""
    with pytest.raises(errors.BadRequest, match=words):
        ask(kraken, lambda it: it.privatePostTradesHistory(fields))
