"""What the rest of the program is told: frozen, checked, secrets in place, nothing of TOML or pydantic left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from monitor.clock import MINUTE, SECOND
from monitor.records import Account, CoinGecko, Valuation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from monitor.config.complaints import Complaint

# The channel that needs no address: messages go to standard output.
BUILT_IN_CHANNELS = frozenset({"stdout"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often each job of the daemon runs, in milliseconds."""

    fills: int = MINUTE
    balances: int = 5 * MINUTE
    prices: int = 5 * MINUTE
    measure: int = MINUTE
    alerts: int = MINUTE
    delivery: int = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which messages of a channel leave as one: `by` none, rule or channel; `wait` milliseconds for others to join."""

    by: Literal["none", "rule", "channel"] = "none"
    wait: int = 30 * SECOND

    @property
    def delay(self) -> int:
        """Return how long a message is kept back; what leaves alone waits for nobody."""
        return 0 if self.by == "none" else self.wait


@dataclass(frozen=True, slots=True)
class Log:
    """What the daemon logs to standard error: `level` debug, info, warning, error; `format` auto, text, json."""

    level: str = "info"
    format: str = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a settings file decides.

    `channels` map a name to an Apprise URL, which usually holds a token, so it stays out of the repr. `rules` are the
    tables as written: `monitor.jobs.rules` checks them, because rules belong to the alerts. `heartbeat` is the address
    that hears from every complete cycle, a secret too. `origin` is the file, None if there was none.
    """

    database: Path
    accounts: tuple[Account, ...] = ()
    valuation: Valuation = field(default_factory=Valuation)
    schedule: Schedule = field(default_factory=Schedule)
    channels: Mapping[str, str] = field(default_factory=dict, repr=False)
    rules: tuple[dict[str, object], ...] = ()
    grouping: Grouping = field(default_factory=Grouping)
    heartbeat: str | None = field(default=None, repr=False)
    log: Log = field(default_factory=Log)
    coingecko: CoinGecko | None = None
    origin: Path | None = None
    warnings: tuple[Complaint, ...] = ()

    @property
    def channel_names(self) -> frozenset[str]:
        """Return every channel a rule may notify, the built-in ones included."""
        return BUILT_IN_CHANNELS | frozenset(self.channels)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every text that must appear in no log: credentials, and channel addresses with their tokens."""
        credentials = (secret for account in self.accounts for secret in account.credentials.values())
        others = [self.heartbeat, self.coingecko.key if self.coingecko else None]
        return (*credentials, *self.channels.values(), *(secret for secret in others if secret))
