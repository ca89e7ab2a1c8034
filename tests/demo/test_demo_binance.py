"""The demo's Binance, asked by ccxt's own class over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import aiohttp
import pytest
from ccxt.base import errors

from monitor.clock import DAY, HOUR, MINUTE, FixedClock, parse_instant
from monitor.demo import binance
from monitor.demo.markets import BY_SYMBOL
from monitor.demo.wire import Refused, Venue

if TYPE_CHECKING:
    from monitor.demo.desk import RunningDesk
    from monitor.records import Account
    from tests.demo.conftest import Client, Talk

EPOCH = parse_instant("2026-01-31")
NOW = EPOCH + DAY // 2

DAY_START = EPOCH - 20 * DAY


def told(trade: dict[str, object]) -> tuple[object, ...]:
    """Return what identifies a fill and its sizes, from a parsed trade."""
    fee = trade["fee"]
    assert isinstance(fee, dict)
    sizes = [Decimal(str(text)) for text in (trade["amount"], trade["price"], trade["cost"], fee["cost"])]
    return (trade["timestamp"], trade["symbol"], trade["id"], trade["order"], trade["side"], *sizes, fee["currency"])


def true(desk: RunningDesk, account: str, symbol: str, start: int, end: int) -> list[tuple[object, ...]]:
    """Return the same of the true fills in [start, end]."""
    return [
        (fill.time, fill.symbol, fill.trade_id, fill.order_id, fill.side, fill.amount, fill.price, fill.cost,
         fill.fees[0].amount, fill.fees[0].asset)
        for fill in desk.history.fills(NOW, account) if fill.symbol == symbol and start <= fill.time <= end
    ]  # fmt: skip


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/BTC"])
def test_a_day_of_fills_is_the_true_one(ask: Talk, desk: RunningDesk, main: Account, symbol: str) -> None:
    """A window of a day holds every fill of the symbol, oldest first, to the last digit."""
    trades = ask(main, lambda it: it.fetch_my_trades(symbol, DAY_START, 1000, {"until": DAY_START + DAY}))
    assert [told(trade) for trade in trades] == true(desk, main.name, symbol, DAY_START, DAY_START + DAY)
    assert trades


def test_window_is_a_day_at_most_and_includes_both_ends(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """A millisecond more than 24 hours is refused; a fill at either end is inside."""
    times = [row[0] for row in true(desk, main.name, "ETH/BTC", DAY_START, DAY_START + DAY)]
    first, last = int(str(times[0])), int(str(times[-1]))
    trades = ask(main, lambda it: it.fetch_my_trades("ETH/BTC", first, 1000, {"until": last}))
    assert [trade["timestamp"] for trade in trades] == times
    with pytest.raises(errors.BaseError, match="More than 24 hours"):
        ask(main, lambda it: it.fetch_my_trades("ETH/BTC", DAY_START, 1000, {"until": DAY_START + DAY + 1}))


def test_full_pages_start_with_the_oldest(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """`limit` cuts the newest off, and `fromId` goes on from there without times."""
    rows = true(desk, main.name, "ETH/BTC", DAY_START, DAY_START + DAY)
    window = {"until": DAY_START + DAY}
    page = ask(main, lambda it: it.fetch_my_trades("ETH/BTC", DAY_START, 2, window))
    assert [told(trade) for trade in page] == rows[:2]
    after = ask(main, lambda it: it.fetch_my_trades("ETH/BTC", None, 3, {"fromId": page[-1]["id"]}))
    assert [trade["id"] for trade in after] == [row[2] for row in rows[1:4]]
    with pytest.raises(errors.BadRequest, match="-1128"):
        ask(main, lambda it: it.fetch_my_trades("ETH/BTC", DAY_START, 3, {"fromId": "1"}))


def test_symbol_is_required_and_must_exist(ask: Talk, main: Account) -> None:
    """Without a symbol ccxt refuses, with an unknown one the venue does."""
    with pytest.raises(errors.ArgumentsRequired):
        ask(main, lambda it: it.fetch_my_trades())
    with pytest.raises(errors.BadRequest, match="-1102"):
        ask(main, lambda it: it.privateGetMyTrades())
    with pytest.raises(errors.BadSymbol, match="-1121"):
        ask(main, lambda it: it.privateGetMyTrades({"symbol": "NOPE"}))


def test_nothing_is_shown_before_it_happened(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """The newest fills end at the venue's clock although the history knows the rest of the day."""
    trades = ask(main, lambda it: it.fetch_my_trades("ETH/BTC", NOW - HOUR, 1000, {"until": NOW + 6 * HOUR}))
    assert trades
    assert max(trade["timestamp"] for trade in trades) <= NOW
    assert [fill for fill in desk.history.fills(NOW + 6 * HOUR, main.name) if fill.time > NOW]


def test_balances_are_the_true_ones(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """Every asset the venue lists is there; what was never held is zero."""
    total = ask(main, lambda it: it.fetch_balance())["total"]
    truth = desk.history.balances(main.name, NOW)
    assert {asset: Decimal(text) for asset, text in total.items() if Decimal(text)} == truth
    assert Decimal(total["SOL"]) == 0


def test_deposits_and_withdrawals_are_the_true_ones(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """Amount, fee beside it, chain id and time survive; a cancelled withdrawal says so."""
    came = ask(main, lambda it: it.fetch_deposits(None, main.start, 1000))
    left = ask(main, lambda it: it.fetch_withdrawals(None, main.start, 1000))
    rows = sorted(
        (row["timestamp"], row["type"], row["currency"], Decimal(row["amount"]), row["txid"] or None)
        for row in came + left
    )
    moves = desk.history.movements(NOW, main.name)
    assert rows == sorted((move.time, move.kind, move.asset, move.amount, move.network_id) for move in moves)
    fees = {row["timestamp"]: Decimal(row["fee"]["cost"]) for row in left}
    assert fees == {move.time: move.fees[0].amount if move.fees else 0 for move in moves if move.kind == "withdrawal"}
    assert [row["status"] for row in left].count("canceled") == 1
    assert {row["status"] for row in came} == {"ok"}


def test_movements_span_ninety_days_at_most(ask: Talk, main: Account) -> None:
    """A longer span is refused; `offset` and `coin` choose among the rest."""
    with pytest.raises(errors.BaseError, match="-1127"):
        ask(main, lambda it: it.sapiGetCapitalDepositHisrec({"startTime": EPOCH - 91 * DAY, "endTime": EPOCH}))
    newest = ask(main, lambda it: it.sapiGetCapitalDepositHisrec({"startTime": main.start, "coin": "USDT", "limit": 1}))
    second = ask(
        main, lambda it: it.sapiGetCapitalDepositHisrec({"startTime": main.start, "coin": "USDT", "offset": 1})
    )
    assert [row["insertTime"] for row in newest] > [row["insertTime"] for row in second]


def test_candles_close_on_the_path(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """Each close is the price at the candle's end; the last candle is still open; a minute's candles work too."""
    start, market = NOW - 5 * HOUR, BY_SYMBOL["binance", "BTC/USDT"]
    rows = ask(main, lambda it: it.fetch_ohlcv("BTC/USDT", "1h", start, 1000))
    assert [row[0] for row in rows] == [start + hour * HOUR for hour in range(6)]
    closes = [desk.history.prices.price(market, start + hour * HOUR) for hour in (1, 2, 3, 4, 5)]
    assert [Decimal(row[4]) for row in rows[:5]] == closes
    assert Decimal(rows[5][4]) == desk.history.prices.price(market, NOW)
    assert len(ask(main, lambda it: it.fetch_ohlcv("BTC/USDT", "1m", None, 30))) == 30
    assert ask(main, lambda it: it.fetch_ohlcv("BTC/USDT", "5m", start, 2))[1][0] == start + 5 * MINUTE


def test_long_ranges_of_candles_come_in_pages(ask: Talk, main: Account) -> None:
    """At most 1000 candles a page, the oldest of the range."""
    rows = ask(main, lambda it: it.fetch_ohlcv("ETH/BTC", "1h", main.start, 5000))
    assert [rows[0][0], rows[-1][0], len(rows)] == [main.start, (main.start or 0) + 999 * HOUR, 1000]


def test_tickers_show_the_price_of_now(ask: Talk, desk: RunningDesk, main: Account) -> None:
    """One ticker, several, and all of them."""
    price = desk.history.prices.price(BY_SYMBOL["binance", "SOL/USDT"], NOW)
    assert Decimal(ask(main, lambda it: it.fetch_ticker("SOL/USDT"))["last"]) == price
    some = ask(main, lambda it: it.fetch_tickers(["SOL/USDT", "ETH/BTC"]))
    assert (Decimal(some["SOL/USDT"]["last"]), len(some)) == (price, 2)
    assert len(ask(main, lambda it: it.fetch_tickers())) == 7
    assert Decimal(ask(main, lambda it: it.publicGetTickerPrice({"symbol": "SOLUSDT"}))["price"]) == price


def test_key_can_only_read(ask: Talk, main: Account) -> None:
    """The permissions say so, in the venue's own flags."""
    flags = ask(main, lambda it: it.sapiGetAccountApiRestrictions())
    assert {name for name, on in flags.items() if on is True} == {"enableReading", "enableFixReadOnly"}


def test_quiet_endpoints_are_explicitly_empty(ask: Talk, main: Account) -> None:
    """Dust, dividends, converts and coin lists answer with an empty container, not with an error."""
    assert ask(main, lambda it: it.sapiGetAssetDribblet())["userAssetDribblets"] == []
    assert ask(main, lambda it: it.sapiGetConvertTradeFlow({"startTime": EPOCH, "endTime": NOW}))["list"] == []
    assert ask(main, lambda it: it.sapiGetCapitalConfigGetall()) == []


def test_wrong_secret_and_wrong_key_are_refused(ask: Talk, main: Account) -> None:
    """A signature by another secret is -1022, a key nobody has is -2015."""
    with pytest.raises(errors.AuthenticationError, match="-1022"):
        ask.anew(main, lambda it: it.fetch_balance(), secret="guessed")
    with pytest.raises(errors.AuthenticationError, match="-2015"):
        ask.anew(main, lambda it: it.fetch_balance(), apiKey="stranger")


@pytest.mark.parametrize(("off", "words"), [(-5_000, "ahead of the server"), (11_000, "outside of the recvWindow")])
def test_timestamps_must_be_near(ask: Talk, main: Account, off: int, words: str) -> None:
    """A request from the future or from too long ago is refused with -1021."""

    async def call(made: Client) -> object:
        made.options["timeDifference"] += off
        return await made.fetch_balance()

    with pytest.raises(errors.InvalidNonce, match=f"-1021.*{words}"):
        ask.anew(main, call)


def test_unsigned_requests_and_unknown_paths_are_refused(ask: Talk, main: Account) -> None:
    """No key at all is -2014 with HTTP 401; a path nobody serves is an HTML page with 404."""

    async def status(path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"{main.endpoint}{path}") as response:
            return response.status, await response.text()

    assert ask.run(status("/api/v3/account"))[0] == 401
    assert "-2014" in ask.run(status("/api/v3/account"))[1]
    assert ask.run(status("/nowhere"))[0] == 404


def test_too_much_weight_in_a_minute_is_429(desk: RunningDesk) -> None:
    """Past the limit a client is told how long to wait; the next minute is free again."""
    clock = FixedClock(NOW)
    venue = Venue("binance", desk.history, clock, {})
    calls = binance.WEIGHT_LIMIT // 20
    for _ in range(calls):
        binance.weigh(venue, "/api/v3/myTrades")
    with pytest.raises(Refused) as refused:
        binance.weigh(venue, "/api/v3/myTrades")
    assert (refused.value.status, 1 <= int(refused.value.headers["Retry-After"]) <= 61) == (429, True)
    clock.instant += MINUTE
    assert binance.weigh(venue, "/api/v3/myTrades") == {"X-MBX-USED-WEIGHT-1M": "20"}


def test_unmodified_defaults_load_markets(ask: Talk, main: Account) -> None:
    """Ccxt's class as it comes, derivatives and margin lists included, finds seven spot markets and two contracts."""

    async def load(made: Client) -> int:
        made.options["fetchMarkets"] = {"types": ["spot", "linear", "inverse"]}
        return len(await made.load_markets(reload=True))

    assert ask.anew(main, load) == 7 + 2
