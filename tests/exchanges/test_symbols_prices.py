"""Which markets are asked for fills and for prices, and when a candle's close is known."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

from monitor.clock import HOUR
from monitor.exchanges.naming import derived, same_market
from monitor.exchanges.prices import candles, last_price, pairs
from monitor.exchanges.symbols import candidates, everything
from monitor.records import Price
from tests.exchanges.conftest import Asked, Reply, market, running

FEW = [market("BTCUSDT", "BTC/USDT"), market("ETHUSDT", "ETH/USDT"), market("BTCUSD", "BTC/USD:BTC")]
MANY = [*FEW, *(market(f"C{number}USDT", f"C{number}/USDT") for number in range(300))]


def test_a_small_venue_is_asked_for_everything() -> None:
    """An asset that is flat whenever the balance is looked at is in no snapshot."""
    assert candidates(FEW, "spot", frozenset(), ()) == ("BTC/USDT", "ETH/USDT")
    assert candidates(FEW, "inverse", frozenset(), ()) == ("BTC/USD:BTC",)


def test_a_large_venue_is_asked_for_what_was_seen() -> None:
    """Pairs of two assets ever seen, and what the settings or earlier streams name; the sweep asks for all."""
    assert candidates(MANY, "spot", frozenset({"BTC", "USDT"}), ("C7/USDT", "GONE/USDT")) == ("BTC/USDT", "C7/USDT")
    assert len(everything(MANY, "spot")) == 302


def test_pairs_prefer_the_currency_and_fall_back_to_pegs() -> None:
    """One market an asset; assets that are worth a fixed amount need none."""
    listed = [market("1", "BTC/USD"), market("2", "BTC/USDT"), market("3", "ARB/USDT"), market("4", "ETH/BTC")]
    assert pairs(listed, {"BTC", "ARB", "ETH", "USDT", "USD"}, "USD", ["USDC", "USDT"]) == ("ARB/USDT", "BTC/USD")


def test_names_of_one_market() -> None:
    """Spelling differs from endpoint to endpoint; another market is another market."""
    one = market("BTC-USDT", "BTC/USDT")
    assert same_market("btcusdt", one)
    assert same_market("BTCUSDT_SPBL", one)
    assert not same_market("ETHUSDT", one)


def test_an_unlisted_name_is_read_in_one_way_or_not_at_all() -> None:
    """Both assets must be known, and only one cut may fit; a contract's size is in no name."""
    codes = {"XBT": "BTC", "ETH": "ETH", "USD": "USD", "USDT": "USDT", "TUSD": "TUSD", "ETHT": "ETHT"}.get
    assert (derived("ETHUSDT", codes) or {})["symbol"] == "ETH/USDT"
    assert (derived("XXBTZUSD", codes) or {})["symbol"] == "BTC/USD"
    assert derived("ETHTUSD", codes) is None
    assert derived("NOPEXYZ", codes) is None
    assert derived("BTC/USDT:USDT", codes) is None


def test_candle_closes_are_complete_and_known_at_the_close() -> None:
    """Three pages of hourly candles become one gapless series; the running candle is left out."""
    start, end = 1_700_002_800_000, 1_700_002_800_000 + 2500 * HOUR + 30 * 60_000

    def answer(asked: Asked) -> Reply:
        first = int(asked.params["startTime"])
        opens = range(first, min(end, first + 1000 * HOUR), HOUR)
        return Reply(json.dumps([[opened, "1", "2", "0.5", f"{opened % 977 + 1}.50", "9"] for opened in opens]))

    async def work() -> list[Price]:
        async with running(answer) as venue, venue.client("binance") as client:
            return [price async for page in candles(client, "BTC/USDT", "1h", start, end) for price in page]

    prices = asyncio.run(work())
    assert [price.time for price in prices] == list(range(start, start + 2501 * HOUR, HOUR))
    assert prices[0].price == Decimal(f"{(start - HOUR) % 977 + 1}.50")
    assert {(price.base, price.quote, price.source) for price in prices} == {("BTC", "USDT", "candle")}


def test_a_ticker_is_known_now() -> None:
    """The last price keeps its digits."""

    async def work() -> Price:
        reply = Reply('{"symbol":"BTCUSDT","lastPrice":"27000.10","closeTime":1}')
        async with running(lambda _asked: reply) as venue, venue.client("binance") as client:
            return await last_price(client, "BTC/USDT", 5)

    assert asyncio.run(work()) == Price("BTC", "USDT", 5, Decimal("27000.10"), "binance", "ticker")
