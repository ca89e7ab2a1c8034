"""What a settings file may say: one class a table, one field an option, with its default, its reason and an example.

The same classes make the JSON schema for editors (`monitor schema`); `monitor.config.load` turns them into Settings.
"""

# Annotations are evaluated: pydantic reads them at run time, so nothing here is imported for type checkers only.
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.clock import duration_text
from monitor.config.locate import DEFAULT_DATABASE
from monitor.config.settings import Grouping, Schedule
from monitor.config.values import (
    DURATION_SCHEMA,
    Duration,
    Endpoint,
    Exchange,
    Instant,
    Interval,
    Method,
    Secret,
    Symbol,
)
from monitor.records import Book, Valuation

USUAL = Valuation()
RHYTHM = Schedule()
SINGLY = Grouping()
Asset = Annotated[str, Field(pattern=r"^\S+$")]


class Table(BaseModel):
    """A table of the settings file: frozen, and no key but the known ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountTable(Table):
    """One account at one venue."""

    name: str = Field(
        description="Your own name for the account, unique.", pattern=r"^[\w.-]+$", examples=["kraken-main"]
    )
    exchange: Exchange = Field(description="The venue's ccxt id.", examples=["kraken"])
    api_key: Secret | None = Field(
        default=None, description="The public half of a read-only API key.", examples=[{"env": "KRAKEN_KEY"}]
    )
    secret: Secret | None = Field(default=None, description="The secret half.", examples=[{"env": "KRAKEN_SECRET"}])
    password: Secret | None = Field(
        default=None,
        description="The passphrase, where the venue has one (okx, kucoin, bitget).",
        examples=[{"env": "OKX_PASSPHRASE"}],
    )
    uid: Secret | None = Field(
        default=None, description="The user id, where the venue asks for it.", examples=["1234567"]
    )
    login: Secret | None = Field(
        default=None, description="The login name, where the venue asks for it.", examples=["desk"]
    )
    token: Secret | None = Field(
        default=None, description="The token, where the venue asks for it.", examples=[{"file": "token"}]
    )
    twofa: Secret | None = Field(
        default=None, description="The two-factor seed, where the venue asks for it.", examples=[{"file": "twofa"}]
    )
    account_id: Secret | None = Field(
        default=None, description="The account id, where the venue asks for it.", examples=["1"]
    )
    wallet_address: Secret | None = Field(
        default=None, description="The address, at on-chain venues (hyperliquid).", examples=["0x00"]
    )
    private_key: Secret | None = Field(
        default=None, description="The private key, at on-chain venues.", examples=[{"credential": "wallet"}]
    )
    books: tuple[Book, ...] = Field(
        default=("spot",), min_length=1, description="Which market families the account trades.", examples=[["spot"]]
    )
    symbols: tuple[Symbol, ...] = Field(
        default=(), description="Markets to read besides those found by themselves.", examples=[["BTC/USDT"]]
    )
    start: Instant | None = Field(
        default=None,
        description="Nothing happened before it; without it the whole history is read.",
        examples=["2025-01-01"],
    )
    options: dict[str, object] = Field(
        default={}, description="Set on the ccxt object, for account modes.", examples=[{"uta": True}]
    )
    endpoint: Endpoint | None = Field(
        default=None, description="A server on this machine instead of the venue.", examples=["http://127.0.0.1:8790"]
    )
    allow_unverified: bool = Field(
        default=False, description="Accept a key whose permissions the venue cannot tell.", examples=[True]
    )


class ScheduleTable(Table):
    """How often each job of `monitor run` runs."""

    fills: Interval = Field(
        default=RHYTHM.fills, description="Fills, deposits and withdrawals of every account.", examples=["1m"]
    )
    balances: Interval = Field(default=RHYTHM.balances, description="Balances of every account.", examples=["5m"])
    prices: Interval = Field(default=RHYTHM.prices, description="Prices for valuation.", examples=["5m"])
    measure: Interval = Field(default=RHYTHM.measure, description="Turnover from what is new.", examples=["1m"])
    alerts: Interval = Field(default=RHYTHM.alerts, description="Rules against the newest numbers.", examples=["1m"])
    delivery: Interval = Field(default=RHYTHM.delivery, description="Waiting messages.", examples=["10s"])


class ChannelTable(Table):
    """One way out for alerts."""

    url: Secret = Field(
        description="An Apprise URL: https://github.com/caronc/apprise/wiki", examples=[{"env": "DESK_CHANNEL"}]
    )


class AlertsTable(Table):
    """How messages leave."""

    group_by: Literal["none", "rule", "channel"] = Field(
        default=SINGLY.by,
        description="Which waiting messages of a channel leave as one: none, those of a rule, all.",
        examples=["rule"],
    )
    group_wait: Duration = Field(
        default=SINGLY.wait, description="How long a message waits for others to join it.", examples=["30s"]
    )


class HeartbeatTable(Table):
    """The dead man's switch."""

    url: Secret = Field(
        description="An http(s) address that is visited after each complete cycle.", examples=[{"env": "HEARTBEAT"}]
    )


class CoinGeckoTable(Table):
    """Prices of assets that no venue of the desk lists; without this table nobody is asked."""

    key: Secret = Field(description="A CoinGecko API key.", examples=[{"env": "COINGECKO_KEY"}])
    plan: Literal["demo", "pro"] = Field(
        default="demo", description="demo reaches back 365 days, pro to the coin's first.", examples=["pro"]
    )
    ids: dict[Asset, Annotated[str, Field(pattern=r"^[a-z0-9._-]+$")]] = Field(
        default={},
        description="CoinGecko's id of each asset to ask for; many coins share a symbol, so none is guessed.",
        examples=[{"WIF": "dogwifcoin"}],
    )
    endpoint: Endpoint | None = Field(
        default=None, description="A server on this machine instead of CoinGecko.", examples=["http://127.0.0.1:8790"]
    )


class LogTable(Table):
    """What `monitor run` logs, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level logged.", examples=["info"]
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto: text on a terminal, else json.", examples=["json"]
    )


class FileTable(Table):
    """The whole settings file of the monitor."""

    database: str = Field(
        default=DEFAULT_DATABASE,
        min_length=1,
        description="Path of the database, from this file's folder.",
        examples=["monitor.db"],
    )
    currency: str = Field(
        default=USUAL.currency, pattern=r"^[A-Z0-9]{2,10}$", description="The reporting currency.", examples=["USD"]
    )
    cash: tuple[Asset, ...] = Field(
        default=tuple(sorted(USUAL.cash)),
        description="Assets that are money, not inventory.",
        examples=[["USD", "USDT"]],
    )
    pegs: dict[Asset, Annotated[Decimal, Field(gt=0)]] | None = Field(
        default=None, description="Assumed value of one unit in the reporting currency.", examples=[{"USDT": 1}]
    )
    dust: Decimal = Field(
        default=USUAL.dust_value, ge=0, description="Positions worth less count as flat.", examples=[0.01]
    )
    method: Method = Field(default="fifo", description="Which lot a sale relieves.", examples=["fifo"])
    stale_after: Duration = Field(
        default=USUAL.stale_after, description="Data older than this is stale.", examples=["15m"]
    )
    accounts: tuple[AccountTable, ...] = Field(default=(), description="The venues' accounts.")
    schedule: ScheduleTable = Field(default=ScheduleTable(), description="How often each job runs.")
    channels: dict[str, ChannelTable] = Field(default={}, description="Ways out for alerts, by name.")
    rules: tuple[dict[str, object], ...] = Field(default=(), description="Alert rules.")
    alerts: AlertsTable = Field(default=AlertsTable(), description="How messages leave.")
    heartbeat: HeartbeatTable | None = Field(default=None, description="The dead man's switch.")
    coingecko: CoinGeckoTable | None = Field(default=None, description="Prices of assets no venue lists.")
    log: LogTable = Field(default=LogTable(), description="Logging.")


# Which class stands behind a table of the file; positions and names of channels are left out.
TABLES: dict[tuple[str, ...], type[Table]] = {
    (): FileTable,
    ("accounts",): AccountTable,
    ("schedule",): ScheduleTable,
    ("channels",): ChannelTable,
    ("alerts",): AlertsTable,
    ("heartbeat",): HeartbeatTable,
    ("coingecko",): CoinGeckoTable,
    ("log",): LogTable,
}
# ccxt's names for the credentials, by ours.
CREDENTIALS = {
    "api_key": "apiKey",
    "secret": "secret",
    "password": "password",
    "uid": "uid",
    "login": "login",
    "token": "token",
    "twofa": "twofa",
    "account_id": "accountId",
    "wallet_address": "walletAddress",
    "private_key": "privateKey",
}
# Who somebody is rather than what only they know: fine inside the file.
PUBLIC = frozenset({"uid", "login", "account_id", "wallet_address"})


def file_schema() -> dict[str, object]:
    """Return the JSON schema of the file, but for the inside of the rules; default durations as they are written."""
    schema = FileTable.model_json_schema()
    tables: list[dict[str, dict[str, dict[str, object]]]] = [schema, *schema["$defs"].values()]
    for table in tables:
        for option in table["properties"].values():
            default = option.get("default")
            if option.get("pattern") == DURATION_SCHEMA["pattern"] and isinstance(default, int):
                option["default"] = duration_text(default)
            elif isinstance(default, dict) and default:
                del option["default"]  # the table's own options have theirs
    return schema
