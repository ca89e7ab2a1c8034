"""Kraken, the public half: assets under their old names, pairs, candles and tickers.

`OHLC` serves the newest 720 candles whatever `since` says, the last of them still open: the reason why a history of
90 days is valued here by candles of four hours.
https://docs.kraken.com/api-reference/market-data/get-ohlc-data
"""

from __future__ import annotations

from monitor.clock import DAY, MINUTE, SECOND, iso
from monitor.demo.markets import Market, assets_of, markets_of
from monitor.demo.wire import Json, Public, Query, Refused, Venue, digits

NAMES = {"BTC": "XXBT", "USD": "ZUSD", "XRP": "XXRP"}
INTERVALS = {1, 5, 15, 30, 60, 240, 1440, 10080, 21600}
MOST_CANDLES = 720


def name_of(asset: str) -> str:
    """Return an asset's identifier: X before old coins, Z before fiat, none before newer ones."""
    return NAMES.get(asset, asset)


def short_name(asset: str) -> str:
    """Return an asset's altname."""
    return "XBT" if asset == "BTC" else asset


def pair_asked(name: str) -> Market:
    """Return the market of a pair's identifier or altname."""
    for market in markets_of("kraken"):
        if name in (market.market_id, short_name(market.base) + market.quote):
            return market
    raise Refused(200, {"error": ["EQuery:Unknown asset pair"]})


def server_time(venue: Venue, _query: Query) -> Json:
    """GET /0/public/Time, in whole seconds."""
    return {"error": [], "result": {"unixtime": venue.time() // SECOND, "rfc1123": iso(venue.time())}}


def system_status(venue: Venue, _query: Query) -> Json:
    """GET /0/public/SystemStatus."""
    return {"error": [], "result": {"status": "online", "timestamp": iso(venue.time())[:19] + "Z"}}


def assets(_venue: Venue, _query: Query) -> Json:
    """GET /0/public/Assets."""
    result: dict[str, object] = {
        name_of(asset): {
            "aclass": "currency", "altname": short_name(asset), "decimals": 4 if asset == "USD" else 10,
            "display_decimals": 2 if asset == "USD" else 5, "status": "enabled",
        }
        for asset in assets_of("kraken")
    }  # fmt: skip
    return {"error": [], "result": result}


def asset_pairs(_venue: Venue, _query: Query) -> Json:
    """GET /0/public/AssetPairs."""
    result: dict[str, object] = {
        market.market_id: {
            "altname": short_name(market.base) + market.quote,
            "wsname": f"{short_name(market.base)}/{market.quote}",
            "aclass_base": "currency", "base": name_of(market.base), "aclass_quote": "currency",
            "quote": name_of(market.quote), "lot": "unit", "cost_decimals": 5, "pair_decimals": market.price_digits,
            "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]], "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40,
            "ordermin": "0.00005", "costmin": "0.5", "tick_size": str(market.tick), "status": "online",
        }
        for market in markets_of("kraken")
    }  # fmt: skip
    return {"error": [], "result": result}


def ohlc(venue: Venue, query: Query) -> Json:
    """GET /0/public/OHLC: rows later than `since`, of the newest 720."""
    market, minutes, now = pair_asked(query.get("pair", "")), int(query.get("interval", "1")), venue.now()
    if minutes not in INTERVALS:
        raise Refused(200, {"error": ["EGeneral:Invalid arguments:interval"]})
    length, since = minutes * MINUTE, int(query.get("since", "0")) * SECOND
    newest = now // length * length
    oldest = max(newest - (MOST_CANDLES - 1) * length, venue.history.prices.origin, since + 1)
    opens = range(-(-oldest // length) * length, newest + 1, length)
    rows: list[object] = [candle_row(venue, market, opened, length) for opened in opens]
    return {"error": [], "result": {market.market_id: rows, "last": (newest - length) // SECOND}}


def candle_row(venue: Venue, market: Market, opened: int, length: int) -> list[object]:
    """Return one candle as `OHLC` tells it."""
    candle = venue.history.prices.candle(market, opened, length, venue.now())
    prices = (candle.open, candle.high, candle.low, candle.close, candle.close)
    return [opened // SECOND, *(digits(price, market.price_digits) for price in prices), "310.00000000", 412]


def ticker(venue: Venue, query: Query) -> Json:
    """GET /0/public/Ticker."""
    names = query["pair"].split(",") if "pair" in query else [market.market_id for market in markets_of("kraken")]
    result: dict[str, object] = {}
    for market in map(pair_asked, names):
        day = venue.history.prices.candle(market, venue.now() - DAY, DAY, venue.now())
        opened, high, low, last, bid, ask = (
            digits(price, market.price_digits)
            for price in (day.open, day.high, day.low, day.close, day.close - market.tick, day.close + market.tick)
        )
        result[market.market_id] = {
            "a": [ask, "1", "1.000"], "b": [bid, "1", "1.000"], "c": [last, "0.05"], "v": ["310.0", "620.0"],
            "p": [last, last], "t": [412, 830], "l": [low, low], "h": [high, high], "o": opened,
        }  # fmt: skip
    return {"error": [], "result": result}


PUBLIC: dict[str, Public] = {
    "/0/public/Time": server_time,
    "/0/public/SystemStatus": system_status,
    "/0/public/Assets": assets,
    "/0/public/AssetPairs": asset_pairs,
    "/0/public/OHLC": ohlc,
    "/0/public/Ticker": ticker,
}
