"""The facts the stages hand to each other: frozen, exact, and free of behaviour.

Amounts and prices are `Decimal`s made from the exchange's own text; instants are milliseconds UTC; missing is None,
never 0. A record knows nothing of ccxt, SQLite or polars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Side = Literal["buy", "sell"]
# The market family a fill came from; it is also the book its lots live in (spec: books are never added).
Book = Literal["spot", "margin", "linear", "inverse", "option"]
FillKind = Literal["trade", "liquidation"]
MovementKind = Literal[
    "opening",
    "deposit",
    "withdrawal",
    "transfer",
    "income",
    "fee",
    "rebate",
    "funding",
    "settlement",
    "convert",
    "adjust",
    "write_off",
]
StreamKind = Literal[
    "fills", "deposits", "withdrawals", "transfers", "ledger", "funding", "convert", "dust", "balances", "positions"
]
StreamState = Literal["active", "paused", "archived", "unsupported"]
Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Fee:
    """One fee of a fill or movement; a negative amount is a rebate."""

    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, as the venue tells it.

    `amount` is in units of base for spot and margin, in contracts for derivatives (times `contract_size`).
    `cost` is the venue's own figure, None where it gives none. `key` identifies the fill within its account.
    `sequence` orders fills of one millisecond on one venue (the numeric trade id), None where ids are not numbers.
    """

    account: str
    exchange: str
    key: str
    time: int
    book: Book
    market: str
    symbol: str
    base: str
    quote: str
    side: Side
    amount: Decimal
    price: Decimal
    cost: Decimal | None = None
    fees: tuple[Fee, ...] = ()
    kind: FillKind = "trade"
    settle: str | None = None
    contract_size: Decimal | None = None
    inverse: bool = False
    trade_id: str | None = None
    order_id: str | None = None
    sequence: int | None = None
    liquidity: Literal["taker", "maker"] | None = None
    source: str = "api"
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """Anything that changes holdings and is not a fill.

    `amount` is positive, in units of `asset`, as it left (withdrawal, transfer) or arrived (deposit, income);
    `funding`, `settlement` and `adjust` may be negative: paid out. For a withdrawal `amount` excludes `fees`.
    `value` is the total value or basis in the reporting currency where the source knows it.
    `received` is what arrived: units of `asset` for a transfer, of `to_asset` for a convert.
    `network_id` is the chain's transaction id, by which a withdrawal and a deposit of two own accounts are matched.
    """

    account: str
    exchange: str
    key: str
    time: int
    kind: MovementKind
    asset: str
    amount: Decimal
    value: Decimal | None = None
    fees: tuple[Fee, ...] = ()
    to_account: str | None = None
    to_asset: str | None = None
    received: Decimal | None = None
    network_id: str | None = None
    status: Literal["ok", "pending", "failed"] = "ok"
    book: Book = "spot"
    sequence: int | None = None
    source: str = "api"
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account holds of one asset, in units; None where the venue does not say."""

    asset: str
    total: Decimal
    free: Decimal | None = None
    used: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Contracts held of one market: negative is short. `contract_size` in base (linear) or quote units (inverse)."""

    symbol: str
    book: Book
    contracts: Decimal
    contract_size: Decimal | None = None
    entry_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at an account's balances; a failed look (`error`) is never an empty portfolio.

    `positions` None: nobody looked; `all_positions`: the venue showed every one, so another one is closed.
    """

    account: str
    time: int
    balances: tuple[Balance, ...] = ()
    error: str | None = None
    positions: tuple[Position, ...] | None = None
    all_positions: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of `base` cost in `quote` at `time`: known from that instant on."""

    base: str
    quote: str
    time: int
    price: Decimal
    exchange: str
    source: Literal["candle", "ticker", "file"]


@dataclass(frozen=True, slots=True)
class CoinGecko:
    """Where prices come from of assets that no venue of the desk lists; `key` is a secret, `ids` names their coins.

    `endpoint` replaces its host by a server on this machine (loopback only).
    """

    key: str = field(repr=False)
    plan: Literal["demo", "pro"] = "demo"
    ids: dict[str, str] = field(default_factory=dict)
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class StreamKey:
    """What is read as one sequence with one cursor; `symbol` is empty where the venue needs none."""

    account: str
    kind: StreamKind
    book: Book = "spot"
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a stream stands. `cursor` is the end of the last window proven complete, in exchange time.

    `cold`: a market nothing is known to have happened in, read at night only; it holds no number back.
    """

    key: StreamKey
    state: StreamState = "active"
    cursor: int | None = None
    last_success: int | None = None
    last_error: str | None = None
    unreachable_before: int | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of a stream that could not be proven complete: rows may be missing inside it."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A raw row that could not become a record; it is kept whole, and its window is not complete."""

    stream: StreamKey
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the data a person must know, one per (code, subject), until whoever raised it sees it gone."""

    code: str
    subject: str
    message: str
    remedy: str = ""
    severity: Severity = "warning"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one proven (or failed) window of a stream brought; committed in one transaction.

    `proven` is the half-open interval now known to be complete, `cursor` the stream's new cursor; None where nothing
    was proven: rows without a proven interval are kept, but move nothing.
    """

    stream: StreamKey
    fills: tuple[Fill, ...] = ()
    movements: tuple[Movement, ...] = ()
    proven: tuple[int, int] | None = None
    cursor: int | None = None
    gap: Gap | None = None
    quarantined: tuple[Quarantined, ...] = ()
    findings: tuple[Finding, ...] = ()
    raw_rows: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """What storing a batch did."""

    new: int = 0
    known: int = 0
    revised: int = 0


@dataclass(frozen=True, slots=True)
class Valuation:
    """The assumptions every number rests on; stored in the database, so that it answers without a settings file.

    `cash` assets have no lots. `pegs` map an asset to the reporting currency's value of one unit of it.
    `dust_value` in the reporting currency: smaller positions count as flat, smaller oversells are clipped.
    """

    currency: str = "USD"
    cash: frozenset[str] = frozenset({"USD", "EUR", "GBP", "USDT", "USDC", "FDUSD", "TUSD", "DAI"})
    pegs: dict[str, Decimal] = field(
        default_factory=lambda: {a: Decimal(1) for a in ("USDT", "USDC", "FDUSD", "TUSD", "DAI")}
    )
    dust_value: Decimal = Decimal("0.01")
    method: str = "fifo"
    stale_after: int = 15 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one venue, from the settings. `credentials` never appear in a repr, a log or the database.

    `exchange` is a ccxt id. `symbols` adds to those found by themselves. `start`: nothing happened before. `options`
    are set on the ccxt object. `endpoint` replaces the venue's hosts by a server on this machine (loopback only).
    """

    name: str
    exchange: str
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    books: tuple[Book, ...] = ("spot",)
    symbols: tuple[str, ...] = ()
    start: int | None = None
    options: dict[str, object] = field(default_factory=dict)
    endpoint: str | None = None
    allow_unverified: bool = False
