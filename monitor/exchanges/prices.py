"""Prices as the venues' own candles and tickers give them, for the assets a desk must value.

A candle's close is known when the candle has ended, so that is its time; the candle still running is left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING

from monitor.clock import parse_duration
from monitor.errors import AmountError, VenueUnavailable
from monitor.exact import exact
from monitor.records import Price

if TYPE_CHECKING:
    from decimal import Decimal

    from monitor.exchanges.client import Client


def pairs(
    markets: Iterable[Mapping[str, object]], assets: Iterable[str], currency: str, pegs: Iterable[str]
) -> tuple[str, ...]:
    """Return the spot symbols that value each asset: against the currency, else the first pegged asset listed."""
    listed = {
        (str(market["base"]), str(market["quote"])): str(market["symbol"])
        for market in markets
        if market.get("spot") and market.get("base") and market.get("quote")
    }
    quotes = (currency, *pegs)
    found = []
    for asset in sorted(assets):
        if asset in quotes:
            continue
        symbol = next((listed[asset, quote] for quote in quotes if (asset, quote) in listed), None)
        inverse = next((listed[quote, asset] for quote in quotes if (quote, asset) in listed), None)
        if symbol or inverse:
            found.append(symbol or inverse or "")
    return tuple(found)


def peg_pairs(
    markets: Iterable[Mapping[str, object]], assets: Iterable[str], currency: str, pegs: Iterable[str]
) -> tuple[str, ...]:
    """Return the spot symbols by which the pegs of assets can be checked: against the currency, else another peg."""
    listed = {
        frozenset((str(market["base"]), str(market["quote"]))): str(market["symbol"])
        for market in markets
        if market.get("spot") and market.get("base") and market.get("quote")
    }
    found = []
    for asset in sorted(assets):
        others = (currency, *(peg for peg in pegs if peg != asset))
        found += [listed[pair] for other in others if (pair := frozenset((asset, other))) in listed][:1]
    return tuple(dict.fromkeys(found))


async def candles(client: Client, symbol: str, timeframe: str, start: int, end: int) -> AsyncIterator[list[Price]]:
    """Yield the closes of every candle that ended in [start, end], in pages, oldest first and without a hole.

    Stops where the venue gives no further candle. A page that goes back in time is left out.
    """
    length = parse_duration(timeframe)
    market = client.market(symbol)
    opened = start // length * length - length
    while market is not None and opened + length <= end:
        answer = await client.call("fetch_ohlcv", symbol, timeframe, opened, client.profile.candles)
        rows = answer.value if isinstance(answer.value, list) else []
        fresh = [row for row in rows if isinstance(row, list) and isinstance(row[0], int) and row[0] >= opened]
        found = [
            Price(str(market["base"]), str(market["quote"]), row[0] + length, close, client.account.exchange, "candle")
            for row in fresh
            if row[0] + length <= end and (close := _close(row)) is not None
        ]
        if found:
            yield found
        if not fresh:
            return
        opened = max(row[0] for row in fresh) + length


def _close(row: list[object]) -> Decimal | None:
    try:
        close = exact(str(row[4]))
    except (AmountError, IndexError):
        return None
    return close if close > 0 else None


async def last_price(client: Client, symbol: str, now: int) -> Price:
    """Return a market's last price from its ticker, as known at `now`.

    Raises:
        VenueUnavailable: the ticker has no last price.
    """
    answer = await client.call("fetch_ticker", symbol)
    market, ticker = client.market(symbol), answer.value
    last = ticker.get("last") if isinstance(ticker, Mapping) else None
    if market is None or last is None:
        raise VenueUnavailable(f"{client.account.exchange} has no last price of {symbol}.", "It will be asked again.")
    return Price(str(market["base"]), str(market["quote"]), now, exact(str(last)), client.account.exchange, "ticker")
