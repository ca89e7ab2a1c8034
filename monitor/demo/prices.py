"""Prices that everybody agrees on: one seeded random walk an asset, sampled by fills, candles and tickers alike.

The walk has one value an hour, drawn in order, so that a longer history begins with the shorter one. Between two
hours the logarithm is interpolated and a hashed wobble added that vanishes at both ends; it changes once a minute.
Kraken quotes a few hundredths of a percent beside Binance, so that "the venue's own price first" can be seen to hold.
"""

from __future__ import annotations

import math
import random
import threading
from dataclasses import dataclass
from decimal import Decimal

from monitor.clock import DAY, HOUR, MINUTE
from monitor.demo.markets import ASSETS, CASH, Market

# Kraken's 720 candles of four hours reach 120 days back: the walk begins before the oldest of them.
LEAD = 240 * DAY
PULL = 0.0006  # each hour's pull back to where it began keeps a year of prices believable
KRAKEN_OFFSET = 0.0004
MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle; it is known from its close time, `start` + its length, on."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


def hashed(key: int, number: int) -> float:
    """Return a number in [-1, 1) that depends on nothing but its two arguments (splitmix64)."""
    mixed = (key + number * 0x9E3779B97F4A7C15) & MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
    return (mixed ^ (mixed >> 31)) / (1 << 63) - 1.0


class Prices:
    """The price of every asset at every instant from `LEAD` before the epoch on."""

    def __init__(self, seed: int, epoch: int) -> None:
        """Start a walk for each asset; the epoch is a midnight, so that hours and candles fall on each other."""
        self.origin = epoch - LEAD
        self._lock = threading.Lock()
        self._logs = {asset: [math.log(facts.price)] for asset, facts in ASSETS.items()}
        self._draws = {asset: random.Random(f"walk/{seed}/{asset}") for asset in ASSETS}  # noqa: S311 - a simulation
        self._keys = {asset: random.Random(f"wobble/{seed}/{asset}").getrandbits(64) for asset in ASSETS}  # noqa: S311

    def _hour(self, asset: str, hour: int) -> float:
        """Return the logarithm of the price at the end of an hour, extending the walk in order if need be."""
        logs = self._logs[asset]
        if hour >= len(logs):
            with self._lock:
                first, spread, draws = math.log(ASSETS[asset].price), ASSETS[asset].hourly, self._draws[asset]
                while hour >= len(logs):
                    logs.append(logs[-1] + draws.gauss(0.0, spread) - PULL * (logs[-1] - first))
        return logs[hour]

    def usd(self, asset: str, instant: int) -> float:
        """Return the price of one unit in USD at an instant; cash is worth 1; before the origin, the first price."""
        if asset in CASH:
            return 1.0
        minute = max(0, instant - self.origin) // MINUTE
        hour, part = divmod(minute, HOUR // MINUTE)
        share = part / (HOUR // MINUTE)
        before = self._hour(asset, hour)
        if not part:
            return math.exp(before)
        wobble = hashed(self._keys[asset], minute) * ASSETS[asset].hourly * math.sqrt(share * (1 - share))
        return math.exp(before + share * (self._hour(asset, hour + 1) - before) + wobble)

    def price(self, market: Market, instant: int, *, beside: float = 0.0) -> Decimal:
        """Return a market's price at an instant on its tick, `beside` it by that share (0.0001 = one basis point)."""
        value = self.usd(market.base, instant) / self.usd(market.quote, instant)
        if market.exchange == "kraken":
            value *= 1 + KRAKEN_OFFSET * hashed(self._keys[market.base], -(instant // HOUR))
        return Decimal(f"{value * (1 + beside):.{market.price_digits}f}")

    def candle(self, market: Market, start: int, length: int, now: int) -> Candle:
        """Return the candle that opens at `start`; one still open at `now` closes, for the moment, at `now`."""
        end = min(start + length, now)
        seen = [self.price(market, start + (end - start) * part // 4) for part in range(5)]
        return Candle(start, seen[0], max(seen), min(seen), seen[-1])
