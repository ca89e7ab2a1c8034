"""Binance spot, the public half: markets, candles and tickers."""

from __future__ import annotations

import json

from monitor.clock import DAY, HOUR, MINUTE
from monitor.demo.binance_query import error, market_asked, number, page
from monitor.demo.markets import Market, markets_of
from monitor.demo.wire import Json, Public, Query, Venue, digits

INTERVALS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "4h": 4 * HOUR, "1d": DAY}


def klines(venue: Venue, query: Query) -> Json:
    """GET /api/v3/klines, oldest first; the candle that is still open is the last row, as at the venue."""
    market, limit, now = market_asked(query), page(query), venue.now()
    length = INTERVALS.get(query.get("interval", ""))
    if length is None:
        raise error(-1120, "Invalid interval.")
    start, end = number(query, "startTime"), min(number(query, "endTime") or now, now)
    newest = end // length * length
    first = newest - (limit - 1) * length if start is None else -(-start // length) * length
    opens = range(max(first, venue.history.prices.origin), newest + 1, length)
    return [kline(venue, market, opened, length) for opened in opens[:limit]]


def kline(venue: Venue, market: Market, opened: int, length: int) -> list[object]:
    """Return one candle as `klines` tells it."""
    candle = venue.history.prices.candle(market, opened, length, venue.now())
    figures = [digits(price, 8) for price in (candle.open, candle.high, candle.low, candle.close)]
    volumes = ["1250.00000000", opened + length - 1, digits(candle.close * 1250, 8), 980]
    return [opened, *figures, *volumes, "610.00000000", digits(candle.close * 610, 8), "0"]


def markets_asked(query: Query) -> list[Market]:
    """Return the markets of a query: the one in `symbol`, the list in `symbols`, or all."""
    if "symbols" in query:
        return [market_asked({"symbol": name}) for name in json.loads(query["symbols"])]
    return [market_asked(query)] if "symbol" in query else list(markets_of("binance"))


def answers(rows: list[dict[str, object]], query: Query) -> Json:
    """Return one object for one `symbol`, a list otherwise."""
    return rows[0] if "symbol" in query else [*rows]


def ticker_24hr(venue: Venue, query: Query) -> Json:
    """GET /api/v3/ticker/24hr."""
    now, prices = venue.now(), venue.history.prices
    rows: list[dict[str, object]] = []
    for market in markets_asked(query):
        day = prices.candle(market, now - DAY, DAY, now)
        rows.append({
            "symbol": market.market_id, "priceChange": digits(day.close - day.open, 8), "priceChangePercent": "0.000",
            "weightedAvgPrice": digits(day.close, 8), "prevClosePrice": digits(day.open, 8),
            "lastPrice": digits(day.close, 8), "lastQty": "0.10000000", "bidPrice": digits(day.close - market.tick, 8),
            "bidQty": "1.00000000", "askPrice": digits(day.close + market.tick, 8), "askQty": "1.00000000",
            "openPrice": digits(day.open, 8), "highPrice": digits(day.high, 8), "lowPrice": digits(day.low, 8),
            "volume": "30000.00000000", "quoteVolume": digits(day.close * 30000, 8), "openTime": now - DAY,
            "closeTime": now, "firstId": 1, "lastId": 2, "count": 2,
        })  # fmt: skip
    return answers(rows, query)


def ticker_price(venue: Venue, query: Query) -> Json:
    """GET /api/v3/ticker/price."""
    price = venue.history.prices.price
    rows: list[dict[str, object]] = [
        {"symbol": market.market_id, "price": digits(price(market, venue.now()), 8)} for market in markets_asked(query)
    ]
    return answers(rows, query)


def exchange_info(venue: Venue, query: Query) -> Json:
    """GET /api/v3/exchangeInfo."""
    limits: list[object] = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000}]
    symbols: list[object] = [symbol_facts(market) for market in markets_asked(query)]
    return {
        "timezone": "UTC", "serverTime": venue.time(), "rateLimits": limits, "exchangeFilters": [], "symbols": symbols
    }  # fmt: skip


def symbol_facts(market: Market) -> dict[str, object]:
    """Return one market as `exchangeInfo` tells it."""
    tick, step = digits(market.tick, 8), digits(market.step, 8)
    return {
        "symbol": market.market_id, "status": "TRADING", "baseAsset": market.base, "baseAssetPrecision": 8,
        "quoteAsset": market.quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8, "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "icebergAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000000.00000000", "stepSize": step},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000.00000000"},
        ],
    }  # fmt: skip


PUBLIC: dict[str, Public] = {
    "/api/v3/ping": lambda _venue, _query: {},
    "/api/v3/time": lambda venue, _query: {"serverTime": venue.time()},
    "/api/v3/exchangeInfo": exchange_info,
    "/api/v3/klines": klines,
    "/api/v3/ticker/24hr": ticker_24hr,
    "/api/v3/ticker/price": ticker_price,
    "/sapi/v1/system/status": lambda _venue, _query: {"status": 0, "msg": "normal"},
}
