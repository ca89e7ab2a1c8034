"""Prices for valuation: every candle close of the assets an account touched, from its first day on, without a hole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.clock import DAY, Window, parse_duration
from monitor.exchanges.prices import candles, pairs, peg_pairs
from monitor.store import ledger
from monitor.store.prices import stored_span

if TYPE_CHECKING:
    from monitor.exchanges.client import Client
    from monitor.records import Valuation
    from monitor.store.database import Writer


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which prices: of `assets`, over `window`, for a valuation; `timeframe` None takes the venue's own."""

    assets: frozenset[str]
    window: Window
    valuation: Valuation
    timeframe: str | None = None


async def backfill(writer: Writer, client: Client, wanted: Wanted) -> int:
    """Store the closes of each asset's market over a window, where they are not stored yet; return how many are new.

    A venue whose candles do not reach back to the start gives what it has, and a coarser series for the days before.
    """
    window, valuation = wanted.window, wanted.valuation
    length = wanted.timeframe or client.profile.timeframe
    cash = {asset for asset in valuation.cash if asset in valuation.pegs} | {valuation.currency}
    markets, currency, pegs = client.exchange.markets.values(), valuation.currency, sorted(valuation.pegs)
    new = 0
    pegged = wanted.assets.intersection(pegs)
    for symbol in peg_pairs(markets, pegged, currency, pegs):
        # A peg is checked, not valued by: its market of late is enough.
        new += await _series(writer, client, symbol, length, Window(max(window.start, window.end - DAY), window.end))
    for symbol in pairs(markets, wanted.assets - cash, currency, pegs):
        market = client.market(symbol) or {}
        pair = (str(market.get("base")), str(market.get("quote")))
        first, last = stored_span(writer.connection, pair, client.account.exchange)
        reach = parse_duration(length)
        start = window.start if first is None or last is None or first > window.start + reach else last + 1
        new += await _series(writer, client, symbol, length, Window(start, max(start + 1, window.end)))
    return new


async def _series(writer: Writer, client: Client, symbol: str, timeframe: str, window: Window) -> int:
    new, earliest = 0, None
    async for page in candles(client, symbol, timeframe, window.start, window.end):
        new += ledger.commit_prices(writer, page).new
        earliest = page[0].time if earliest is None else earliest
    reach = parse_duration(timeframe)
    if earliest is not None and earliest > window.start + reach and timeframe != "1d":
        async for page in candles(client, symbol, "1d", window.start, earliest - reach):
            new += ledger.commit_prices(writer, page).new
    return new
