"""What comes in and goes out of the demo desk: deposits, withdrawals, and coins sent between its own accounts.

Everything happens in the first 88 days: a transfer that is on its way has left one venue and not reached the other,
and a monitor can only know that it is a transfer when both ends are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from monitor.clock import HOUR, MINUTE
from monitor.demo.tempers import KRAKEN, MAIN, MM


@dataclass(frozen=True, slots=True)
class Plan:
    """One shipment: `source` or `target` is None outside the desk; `minutes` is how long a transfer travels."""

    day: int
    hour: float
    source: str | None
    target: str | None
    asset: str
    amount: Decimal
    fee: Decimal = Decimal(0)
    minutes: int = 0
    cancelled: bool = False

    @property
    def label(self) -> str:
        """Return what tells this shipment from every other."""
        return f"{self.day}/{self.hour}/{self.source}/{self.target}/{self.asset}"


@dataclass(frozen=True, slots=True)
class Shipment:
    """One end of a shipment at one account; an arrival happens only if the departure did."""

    time: int
    account: str
    kind: Literal["deposit", "withdrawal"]
    plan: Plan


def arrives(hour: float, account: str, asset: str, amount: str) -> Plan:
    """Return a deposit of the first day."""
    return Plan(0, hour, None, account, asset, Decimal(amount))


# The first candle of four hours that a collector starting at day 0 sees closes at 04:00: deposits have a mark.
PLANS = (
    arrives(4.1, MAIN, "USDT", "4200000"),
    arrives(4.3, MAIN, "BTC", "44.5"),
    arrives(4.5, MAIN, "ETH", "690"),
    arrives(4.7, MAIN, "BNB", "150"),
    arrives(4.9, MAIN, "LINK", "38000"),
    arrives(5.1, MM, "USDT", "1900000"),
    arrives(5.3, MM, "BTC", "22.4"),
    arrives(5.5, MM, "ETH", "240"),
    arrives(5.7, MM, "SOL", "4750.25"),
    arrives(5.9, KRAKEN, "USD", "1850000"),
    arrives(6.1, KRAKEN, "XRP", "940000"),
    arrives(6.3, KRAKEN, "BTC", "3.25"),
    Plan(2, 11.2, MAIN, KRAKEN, "BTC", Decimal(7), Decimal("0.0002"), 34),
    Plan(10, 14.6, MAIN, None, "ETH", Decimal(40), Decimal("0.0012")),
    Plan(24, 9.4, MAIN, KRAKEN, "BTC", Decimal("4.5"), Decimal("0.0002"), 27),
    Plan(33, 15.1, MAIN, None, "BTC", Decimal(3), Decimal("0.0002"), cancelled=True),
    Plan(40, 13.3, KRAKEN, MAIN, "BTC", Decimal("2.75"), Decimal("0.00015"), 41),
    Plan(52, 8.2, None, MAIN, "USDT", Decimal(500_000)),
    Plan(60, 16.7, MM, None, "SOL", Decimal(300), Decimal("0.008")),
    Plan(66, 12.5, MAIN, MM, "BTC", Decimal("1.5"), minutes=1),
    Plan(71, 10.8, MAIN, KRAKEN, "BTC", Decimal(3), Decimal("0.0002"), 22),
    Plan(75, 14.2, KRAKEN, None, "USD", Decimal(150_000), Decimal(35)),
    Plan(80, 9.9, None, KRAKEN, "XRP", Decimal(60_000)),
    Plan(85, 15.5, MM, MAIN, "USDT", Decimal(200_000), minutes=1),
    Plan(87, 11.6, None, MM, "SOL", Decimal("450.5")),
)


def shipments(day: int, start: int) -> list[Shipment]:
    """Return both ends of the day's shipments; venues tell these times in whole seconds, and so does the plan."""
    ends: list[Shipment] = []
    for plan in PLANS:
        if plan.day != day:
            continue
        left = start + int(plan.hour * HOUR) // MINUTE * MINUTE + (plan.day * 7 + len(plan.asset)) * 1_000
        if plan.source is not None:
            ends.append(Shipment(left, plan.source, "withdrawal", plan))
        if plan.target is not None:
            ends.append(Shipment(left + plan.minutes * MINUTE, plan.target, "deposit", plan))
    return ends
