"""How fast a venue may be asked, and what ccxt can ask it: known before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.exchanges.guard import guarded
from monitor.exchanges.sources import transaction_method

if TYPE_CHECKING:
    from monitor.exchanges.loose import Loose
    from monitor.records import Account

# A request and its answer over the internet, milliseconds; measured figures differ by venue and place.
ROUND_TRIP = 250.0
# How many ordinary calls one page of fills counts for: `cost` of the endpoint in ccxt 4.5.90.
COSTS = {"binance": 4, "binanceusdm": 5, "binancecoinm": 20, "kraken": 6, "bybit": 5, "okx": 2}


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds a call of fills and one of deposits or withdrawals takes, and the kinds ccxt cannot list."""

    fills: float
    transactions: float
    unsupported: frozenset[str]


def pace(account: Account) -> Pace:
    """Return how fast an account can be read; nothing is sent.

    A call takes what the venue's rate limit asks for, and no less than a round trip. A server on this machine has no
    limit.

    Raises:
        UsageError: ccxt knows no such exchange.
    """
    kind: Loose = guarded(account.exchange)
    venue: Loose = kind({"enableRateLimit": False})
    spacing = 0.0 if account.endpoint else float(venue.rateLimit)
    absent = {
        name
        for name in ("deposits", "withdrawals")
        if transaction_method(lambda method: venue.has.get(method) is True, name) is None
    }
    return Pace(max(ROUND_TRIP, spacing * COSTS.get(account.exchange, 1)), max(ROUND_TRIP, spacing), frozenset(absent))
