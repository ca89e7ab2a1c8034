"""Every metric a rule may watch: its unit, whose number it is, and which direction is trouble. Stated once.

The names of the inventory metrics are those of the machine-readable answer; a dot reaches into it
(`holding_time.mean`). Operational metrics watch the monitor itself: data that stopped, jobs that fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# money: the reporting currency; turns, share, count, units and the rest as they say.
Unit = Literal["turns", "days", "turns a year", "money", "share", "seconds", "count", "units"]
# Whose number it is: of an asset (or the portfolio), an account, an asset in an account, a job of the daemon.
Owner = Literal["asset", "account", "holding", "job", "cash"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number a rule may watch; `above` is the threshold used where a rule gives none (operational ones only).

    `least` and `most` are what the number can be, None where nothing bounds it.
    """

    unit: Unit
    says: str
    owner: Owner = "asset"
    above: float | None = None
    least: float | None = None
    most: float | None = None


METRICS: dict[str, Metric] = {
    "turnover": Metric("turns", "turns of the inventory in the window", least=0.0),
    "days_inventory": Metric("days", "days of inventory", least=0.0),
    "annualised": Metric("turns a year", "turnover scaled to a year", least=0.0),
    "unit_turnover": Metric("turns", "turnover in units, without prices", least=0.0),
    "velocity": Metric("turns", "two-sided notional over mean market value", least=0.0),
    "portfolio_turnover_rate": Metric("turns", "lesser of buys and sells over mean market value", least=0.0),
    "cogs": Metric("money", "basis of long lots relieved by trades"),
    "cover_basis": Metric("money", "entry value of short lots covered by trades"),
    "relieved_basis": Metric("money", "basis relieved by trades"),
    "average_inventory": Metric("money", "time-weighted mean inventory at cost"),
    "peak_inventory": Metric("money", "greatest inventory at cost"),
    "realised_pnl": Metric("money", "realised profit"),
    "gross_margin_return": Metric("turns", "realised profit over average inventory"),
    "active_share": Metric("share", "share of the window with a position", least=0.0, most=1.0),
    "estimated_share": Metric("share", "share that rests on estimated basis", least=0.0, most=1.0),
    "half_life": Metric("seconds", "half-life of the inventory", least=0.0),
    "holding_time.mean": Metric("seconds", "mean holding time of relieved lots", least=0.0),
    "holding_time.median": Metric("seconds", "median holding time of relieved lots", least=0.0),
    "holding_time.p95": Metric("seconds", "95th percentile of the holding time", least=0.0),
    "age.mean": Metric("days", "mean age of open lots", least=0.0),
    "opening.basis": Metric("money", "inventory at cost at the start"),
    "closing.basis": Metric("money", "inventory at cost at the end"),
    "closing.quantity": Metric("units", "position at the end"),
    "stale": Metric("seconds", "time since the fills are complete", "account", 900.0, least=0.0),
    "gap": Metric("count", "spans of history that may miss fills", "account", 0.0, least=0.0),
    "credential": Metric("count", "credentials refused by the venue", "account", 0.0, least=0.0, most=1.0),
    "drift": Metric("count", "balances that do not match the ledger", "holding", 0.0, least=1.0, most=1.0),
    "depeg": Metric("share", "distance of a market price from the peg", "cash", 0.01, least=0.0),
    "job_failed": Metric("count", "failed runs in a row", "job", 0.0, least=0.0),
}
OPERATIONAL = frozenset(name for name, metric in METRICS.items() if metric.owner != "asset")
# Numbers of one asset that do not add up over several: the portfolio has none.
OF_ONE_ASSET = frozenset({"unit_turnover", "peak_inventory", "active_share", "half_life", "closing.quantity"})
# The jobs of the service, and the deeper readings that are noted as jobs of their own.
JOBS = frozenset(
    {
        *("fills", "sweep", "balances", "prices", "measure", "alerts", "delivery"),
        *("nightly read", "nightly sweep", "weekly read"),
    }
)
