"""What the profiles claim of twenty venues, held against what ccxt really sends: start, end, page size, family."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR, Window
from monitor.exchanges.client import Client, Surroundings
from monitor.exchanges.families import symbol_required
from monitor.exchanges.patience import Patience
from monitor.exchanges.profiles import PROFILES
from monitor.exchanges.sources import FillSource, TransactionSource
from monitor.records import Account, StreamKey
from tests.exchanges.conftest import SECRET, Asked, At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.exchanges.pages import Source
    from monitor.records import Book, StreamKind

NOW = 1_767_225_600_000
SPAN = Window(NOW - HOUR, NOW)
SYMBOLS: dict[Book, str] = {
    "spot": "BTC/USDT",
    "margin": "BTC/USDT",
    "linear": "BTC/USDT:USDT",
    "inverse": "BTC/USD:BTC",
}
MARKETS = [market("BTCUSDT", "BTC/USDT"), market("BTC-USDT", "BTC/USDT:USDT"), market("BTC-USD", "BTC/USD:BTC")]
# (venue, book): a part of the path and parameters that make sure that this book is asked for.
FILLS: dict[tuple[str, Book], tuple[str, dict[str, str]]] = {
    ("binance", "spot"): ("/api/v3/myTrades", {}),
    ("binance", "margin"): ("/sapi/v1/margin/myTrades", {}),
    ("binanceusdm", "linear"): ("/fapi/v1/userTrades", {}),
    ("binancecoinm", "inverse"): ("/dapi/v1/userTrades", {}),
    ("bybit", "spot"): ("/execution/list", {"category": "spot"}),
    ("bybit", "margin"): ("/execution/list", {"category": "spot"}),
    ("bybit", "linear"): ("/execution/list", {"category": "linear"}),
    ("bybit", "inverse"): ("/execution/list", {"category": "inverse"}),
    ("bybit", "option"): ("/execution/list", {"category": "option"}),
    ("okx", "spot"): ("/fills-history", {"instType": "SPOT"}),
    ("okx", "margin"): ("/fills-history", {"instType": "MARGIN"}),
    ("okx", "linear"): ("/fills-history", {"instType": "SWAP"}),
    ("okx", "option"): ("/fills-history", {"instType": "OPTION"}),
    ("kraken", "spot"): ("/TradesHistory", {}),
    ("krakenfutures", "linear"): ("/fills", {}),
    ("coinbase", "spot"): ("/orders/historical/fills", {}),
    ("kucoin", "spot"): ("/api/v1/fills", {}),
    ("kucoin", "margin"): ("/hf/margin/fills", {}),
    ("kucoin", "linear"): ("/api/v1/fills", {}),
    ("gate", "spot"): ("/spot/my_trades", {"account": "spot"}),
    ("gate", "linear"): ("/futures/usdt/my_trades_timerange", {}),
    ("gate", "inverse"): ("/futures/btc/my_trades_timerange", {}),
    ("bitget", "spot"): ("/spot/trade/fills", {}),
    ("bitget", "margin"): ("/margin/crossed/fills", {}),
    ("bitget", "linear"): ("/mix/order/fills", {"productType": "USDT-FUTURES"}),
    ("bitget", "inverse"): ("/mix/order/fills", {"productType": "COIN-FUTURES"}),
    ("htx", "spot"): ("/order/matchresults", {}),
    ("htx", "linear"): ("/v5/trade/order/details", {}),
    ("htx", "inverse"): ("/swap_matchresults_exact", {}),
    ("mexc", "spot"): ("/api/v3/myTrades", {}),
    ("mexc", "linear"): ("/order_deals", {}),
    ("cryptocom", "spot"): ("/private/get-trades", {}),
    ("cryptocom", "linear"): ("/private/get-trades", {}),
    ("bitfinex", "spot"): ("/auth/r/trades/hist", {}),
    ("bitfinex", "linear"): ("/auth/r/trades/hist", {}),
    ("bitstamp", "spot"): ("/user_transactions", {}),
    ("gemini", "spot"): ("/v1/mytrades", {}),
    ("deribit", "inverse"): ("/get_user_trades_by_currency_and_time", {"kind": "future", "currency": "BTC"}),
    ("deribit", "option"): ("/get_user_trades_by_currency_and_time", {"kind": "option"}),
    ("hyperliquid", "spot"): ("/info", {"type": "userFillsByTime"}),
    ("hyperliquid", "linear"): ("/info", {"type": "userFillsByTime"}),
    ("bingx", "spot"): ("/spot/v1/trade/myTrades", {}),
    ("bingx", "linear"): ("/swap/v2/trade/allFillOrders", {}),
}
# ccxt hands these the page size in some books only; a page is then judged by what it holds.
NO_SIZE: frozenset[tuple[str, Book]] = frozenset(
    {("okx", book) for book in ("spot", "margin", "linear", "option")} | {("kucoin", "spot"), ("bingx", "linear")}
)
# OKX's page begins a millisecond earlier, Gemini's has no end; of the rest ccxt lists none, or wallet by wallet.
UNTIMED = {"okx", "gemini", "krakenfutures", "coinbase"}
TWENTY = sorted({venue for venue, _ in FILLS})
TIMED = [name for name in TWENTY if not PROFILES[name].transactions_walk and name not in UNTIMED]


def words(asked: Asked) -> Iterator[str]:
    """Yield every value a request carries, however deep, Gemini's header unpacked."""
    payload = asked.headers.get("x-gemini-payload")
    carried: list[object] = [asked.params, json.loads(base64.b64decode(payload)) if payload else None]
    while carried:
        value = carried.pop()
        if isinstance(value, dict):
            carried += value.values()
        elif isinstance(value, list):
            carried += value
        else:
            yield from re.split(r"[\s{},']+", str(value))


def spellings(instant: int) -> set[str]:
    """Return the ways to write an instant: milliseconds, seconds, ISO."""
    iso = datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {str(instant), str(instant // 1000), iso}


def asked_for(at_venue: At, venue: str, book: Book, kind: StreamKind) -> list[Asked]:
    """Return the requests that one reading of a window sends; the answers say nothing."""

    async def work(fake: FakeVenue) -> list[Asked]:
        credentials = {
            "apiKey": "account-key" if venue == "gemini" else "k", "secret": SECRET, "password": "p", "uid": "1",
            "walletAddress": "0x" + "1" * 40, "privateKey": "0x" + "1" * 64,
        }  # fmt: skip
        account = Account("desk", venue, credentials, books=(book,), endpoint=fake.endpoint)
        client = Client(account, Surroundings(Patience(sleep=fake.sleep)))
        client.exchange.set_markets(MARKETS)
        async with client:
            symbol = SYMBOLS[book] if symbol_required(client.profile, book) and kind == "fills" else ""
            key = StreamKey("desk", kind, book, symbol)
            source: Source = FillSource(client, key) if kind == "fills" else TransactionSource(client, key)
            with contextlib.suppress(Exception):
                await source.read(SPAN)
        return fake.asked

    asked = at_venue(lambda _: Reply("{}"), work)
    assert isinstance(asked, list)
    return asked


@pytest.mark.parametrize(("venue", "book"), FILLS)
def test_fills_are_asked_for_as_the_profile_says(at_venue: At, venue: str, book: Book) -> None:
    """The right list, from the window's start to its end, with the page size wherever the profile counts on it."""
    facts, (path, told) = PROFILES[venue], FILLS[venue, book]
    first = asked_for(at_venue, venue, book, "fills")[0]
    sent = set(words(first))
    start = SPAN.start - (facts.grain if facts.exclusive_since or facts.grain > 1 else 0)
    assert path in first.path
    assert told.items() <= first.params.items()
    assert bool(sent & spellings(start)) == facts.since
    assert bool(sent & (spellings(SPAN.end - 1) | spellings(SPAN.end))) == facts.until
    assert (str(facts.page) in sent) == (facts.ask and (venue, book) not in NO_SIZE)


@pytest.mark.parametrize("venue", TIMED)
@pytest.mark.parametrize("kind", ["deposits", "withdrawals"])
def test_transactions_are_asked_for_as_the_profile_says(at_venue: At, venue: str, kind: StreamKind) -> None:
    """From a second before the window, which is their grain, to its end."""
    facts = PROFILES[venue]
    sent = {word for one in asked_for(at_venue, venue, "spot", kind)[:1] for word in words(one)}
    assert sent & spellings(SPAN.start - 1000)
    assert sent & {*spellings(SPAN.end - 1), "1767225600.999"}
    assert facts.transactions_page is None or str(facts.transactions_page) in sent


def test_twenty_venues_have_a_profile_that_is_checked() -> None:
    """Those the desk's people asked for by name, each with the page it comes from."""
    assert len(TWENTY) == 20
    assert [name for name in TWENTY if not PROFILES[name].source.startswith("https://")] == []
