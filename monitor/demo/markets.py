"""The assets and markets of the demo's two venues, stated once for the prices, the desk and the servers.

Steps are chosen so that amount * price always fits the digits a venue gives a cost: no cost is ever rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Market:
    """One spot market: `price_digits` after the point, amounts in multiples of `step`; `market_id` is the venue's."""

    exchange: str
    symbol: str
    market_id: str
    price_digits: int
    step: Decimal

    @property
    def base(self) -> str:
        """Return the asset that is traded."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """Return the asset it is paid in."""
        return self.symbol.split("/")[1]

    @property
    def tick(self) -> Decimal:
        """Return the smallest difference of two prices."""
        return Decimal(1).scaleb(-self.price_digits)


@dataclass(frozen=True, slots=True)
class Asset:
    """What a price starts from, in USD, and the standard deviation of its logarithm over an hour."""

    price: float
    hourly: float


CASH = frozenset({"USD", "USDT"})
ASSETS = {
    "BTC": Asset(64_200.0, 0.0042),
    "ETH": Asset(3_180.0, 0.0051),
    "BNB": Asset(585.0, 0.0046),
    "SOL": Asset(148.0, 0.0075),
    "ARB": Asset(0.92, 0.0085),
    "LINK": Asset(14.8, 0.0068),
    "XRP": Asset(0.61, 0.0062),
    "AVAX": Asset(31.5, 0.0078),
    "ADA": Asset(0.455, 0.0066),
}
MARKETS = (
    Market("binance", "BTC/USDT", "BTCUSDT", 2, Decimal("0.00001")),
    Market("binance", "ETH/USDT", "ETHUSDT", 2, Decimal("0.0001")),
    Market("binance", "ETH/BTC", "ETHBTC", 5, Decimal("0.001")),
    Market("binance", "BNB/USDT", "BNBUSDT", 2, Decimal("0.001")),
    Market("binance", "SOL/USDT", "SOLUSDT", 2, Decimal("0.001")),
    Market("binance", "ARB/USDT", "ARBUSDT", 4, Decimal("0.1")),
    Market("binance", "LINK/USDT", "LINKUSDT", 2, Decimal("0.01")),
    Market("kraken", "BTC/USD", "XXBTZUSD", 1, Decimal("0.0001")),
    Market("kraken", "XRP/USD", "XXRPZUSD", 5, Decimal(1)),
    Market("kraken", "AVAX/USD", "AVAXUSD", 2, Decimal("0.01")),
    Market("kraken", "ADA/USD", "ADAUSD", 5, Decimal(1)),
)
BY_SYMBOL = {(market.exchange, market.symbol): market for market in MARKETS}
BY_ID = {(market.exchange, market.market_id): market for market in MARKETS}


def markets_of(exchange: str) -> tuple[Market, ...]:
    """Return a venue's markets in the order it lists them."""
    return tuple(market for market in MARKETS if market.exchange == exchange)


def assets_of(exchange: str) -> tuple[str, ...]:
    """Return every asset a venue's markets name, bases and quotes, in alphabetical order."""
    return tuple(sorted({asset for market in markets_of(exchange) for asset in (market.base, market.quote)}))
