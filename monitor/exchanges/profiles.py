"""What is known of each exchange's way of listing fills, as one table.

A profile only saves calls and calms errors; it is never trusted to be complete: the collector proves every window by
counting raw rows. What stands here comes from the ccxt 4.5.90 sources and the venues' public documentation, July 2026;
"proven" means recorded bodies of the venue went through the replay script.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from monitor.clock import DAY, HOUR, SECOND

if TYPE_CHECKING:
    from monitor.records import Book

Tier: TypeAlias = Literal["proven", "profile", "default"]
CursorKind: TypeAlias = Literal["id", "offset", "token", "page", "before"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The venue's own way past a page that time cannot split.

    `id`: ascending from the trade id in `param`, without times. `offset`: rows to skip inside the window.
    `token`: a text from the body, found under one of `fields`, handed back in `param`. `page`: the number of the page,
    newest rows first, of a list that is asked for without times. `before`: an ISO time, which the rows are older than.
    """

    kind: CursorKind
    param: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Facts of one exchange; None where nothing is assumed.

    `window` longest span of one call, ms. `page` most rows of one answer (None: learnt while reading). `ask`: send the
    page size as `limit`. `grain` of `since` and `until`, ms. `exclusive_since`: a row at `since` itself is not given.
    `since`, `until` the venue honours a start, and an end, which is sent as `end` (`contract_end`: of contracts).
    `symbol_required` fills are listed per market only, in every book or in `symbol_books`. `history` how far back, ms.
    `transactions_...` the same of deposits and withdrawals. `newest_first`, `transactions_walk`: how a list is read
    that knows no start, from its newest row back; `transactions_by_currency`: one list for each currency;
    `transactions_size`: the parameter of the page size where ccxt sends none.
    `walk` the first reading of a market goes by trade id, which needs no windows.
    `id_scope` where trade ids are unique.
    `signs_time` requests carry the venue's time, so our clock is set by it; where a rising number is enough, it is not.
    `timeframe` of price candles and how many come in one answer.
    `wallets` parameters of fetchBalance per book, where the venue keeps them apart. `not_trades` rows of the fills
    endpoint that are no fills, as (field, values); `not_transactions` likewise of deposits and withdrawals.
    """

    window: int | None = None
    page: int | None = None
    ask: bool = True
    order: Literal["oldest", "newest", "unknown"] = "unknown"
    grain: int = 1
    exclusive_since: bool = False
    since: bool = True
    until: bool = True
    end: str = "until"
    cursor: Cursor | None = None
    contract_end: str = ""
    symbol_required: bool | None = None
    symbol_books: frozenset[Book] = frozenset()
    history: int | None = None
    walk: bool = False
    id_scope: Literal["market", "exchange"] = "market"
    transactions_window: int | None = None
    transactions_page: int | None = None
    transactions_history: int | None = None
    transactions_end: str = "until"
    transactions_walk: Cursor | None = None
    transactions_by_currency: bool = False
    transactions_size: str = ""
    newest_first: Cursor | None = None
    options: dict[str, object] = field(default_factory=dict)
    wallets: dict[Book, dict[str, str]] = field(default_factory=dict)
    signs_time: bool = True
    timeframe: str = "1h"
    candles: int = 500
    currencies_need_key: bool = False
    not_trades: tuple[tuple[str, tuple[str, ...]], ...] = ()
    not_transactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tier: Tier = "profile"


_SEPARATE: dict[Book, dict[str, str]] = {
    "margin": {"type": "margin"},
    "linear": {"type": "swap", "subType": "linear"},
    "inverse": {"type": "swap", "subType": "inverse"},
}


# Windows are one millisecond short of what the venue states: some count both ends.
def _short(span: int) -> int:
    return span - 1


_BINANCE_FUTURES = Profile(
    window=_short(7 * DAY),
    page=1000,
    order="oldest",
    cursor=Cursor("id", "fromId"),
    symbol_required=True,
    history=180 * DAY,
    transactions_window=_short(90 * DAY),
    transactions_page=1000,
    transactions_end="endTime",  # ccxt asks for 90 days of withdrawals, whatever the end
    candles=1000,
    currencies_need_key=True,
    wallets=_SEPARATE,
    # ccxt reads margin tiers before positions unless it has some; nothing here needs them.
    options={"leverageBrackets": {}},
    tier="proven",
)
_BINANCE_SPOT = replace(_BINANCE_FUTURES, window=_short(DAY), history=None, walk=True)

PROFILES: dict[str, Profile] = {
    # fromId reads a market's whole history in pages of 1000 without windows; times and fromId exclude each other.
    "binance": _BINANCE_SPOT,
    "binanceusdm": _BINANCE_FUTURES,
    "binancecoinm": _BINANCE_FUTURES,
    # One category (spot, linear, inverse, option) a call; nextPageCursor; account mode from the settings.
    "bybit": Profile(
        window=_short(7 * DAY),
        page=100,
        order="newest",
        cursor=Cursor("token", "cursor", ("nextPageCursor",)),
        symbol_required=False,
        history=730 * DAY,
        id_scope="exchange",
        transactions_window=_short(30 * DAY),
        transactions_page=50,
        options={"enableUnifiedAccount": True, "enableUnifiedMargin": False},
        tier="proven",
    ),
    # fills-history holds three months; `after` takes a bill id, which the rows carry.
    "okx": Profile(
        page=100,
        order="newest",
        cursor=Cursor("token", "after", ("billId",)),
        symbol_required=False,
        history=90 * DAY,
        transactions_page=100,
        tier="proven",
    ),
    # 50 rows newest first, whatever is asked; start in whole seconds, itself excluded; ofs skips rows.
    "kraken": Profile(
        page=50,
        ask=False,
        order="newest",
        # The nonce need only rise, and the venue tells its time in whole seconds: set by it, a restart could step back.
        signs_time=False,
        timeframe="4h",  # OHLC serves the newest 720 only: 30 days of hours, 120 days of four hours
        candles=720,
        grain=SECOND,
        exclusive_since=True,
        cursor=Cursor("offset", "ofs"),
        symbol_required=False,
        id_scope="exchange",
        tier="proven",
    ),
    # No start: the 100 fills before lastFillTime, newest first.
    # https://docs.kraken.com/api/docs/futures-api/trading/get-fills
    "krakenfutures": Profile(
        window=_short(30 * DAY),
        page=100,
        ask=False,
        order="newest",
        since=False,
        end="lastFillTime",
        symbol_required=False,
        id_scope="exchange",
        newest_first=Cursor("before", "lastFillTime"),
    ),
    "coinbase": Profile(
        page=100,  # ccxt's features say 3000, recorded pages hold 100
        ask=False,
        order="newest",
        cursor=Cursor("token", "cursor", ("cursor",)),
        symbol_required=False,
        id_scope="exchange",
        options={
            "accounts": ["wallet", "fiat", "vault"],
            "v3Accounts": ["ACCOUNT_TYPE_CRYPTO", "ACCOUNT_TYPE_FIAT", "ACCOUNT_TYPE_VAULT"],
        },
        tier="proven",
    ),
    "kucoin": Profile(
        window=_short(7 * DAY),
        page=500,
        order="newest",
        symbol_required=False,
        symbol_books=frozenset({"margin"}),
        transactions_window=_short(7 * DAY),
        transactions_page=500,
        wallets=_SEPARATE,
        options={"uta": False},
        tier="proven",
    ),
    "gate": Profile(
        window=_short(30 * DAY),
        page=1000,
        order="newest",
        grain=SECOND,
        symbol_required=False,
        transactions_window=_short(30 * DAY),
        transactions_page=500,
        wallets=_SEPARATE,
        options={"unifiedAccount": False},
    ),
    "bitget": Profile(
        window=_short(7 * DAY),
        page=100,
        order="newest",
        cursor=Cursor("token", "idLessThan", ("tradeId",)),
        symbol_required=True,
        history=90 * DAY,
        transactions_window=_short(90 * DAY),
        transactions_page=100,
        wallets=_SEPARATE,
        options={"uta": False},
        tier="proven",
    ),
    "htx": Profile(
        window=_short(48 * HOUR),
        page=500,
        order="newest",
        symbol_required=False,
        symbol_books=frozenset({"linear", "inverse"}),
        history=120 * DAY,
        transactions_page=100,
        # By id alone, newest first; ccxt names the first one.
        transactions_walk=Cursor("token", "from", ("id",)),
    ),
    "mexc": Profile(
        window=_short(30 * DAY),
        page=100,
        order="newest",
        symbol_required=True,
        history=30 * DAY,
        contract_end="end_time",  # ccxt asks for 90 days of contracts, whatever the end
        transactions_window=_short(7 * DAY),
        transactions_page=1000,
        transactions_end="endTime",
        tier="proven",
    ),
    "cryptocom": Profile(
        window=_short(DAY),
        page=100,
        order="newest",
        symbol_required=False,
        history=180 * DAY,
        transactions_page=100,
        tier="proven",
    ),
    # ccxt sends the present as `end` unless that is named.
    "bitfinex": Profile(
        page=2500, order="newest", end="end", symbol_required=False, transactions_page=250, transactions_end="end"
    ),
    # user_transactions mixes trades (type 2) with deposits, withdrawals and transfers.
    "bitstamp": Profile(
        page=1000,
        order="newest",
        grain=SECOND,
        since=False,
        until=False,
        newest_first=Cursor("offset", "offset"),
        transactions_walk=Cursor("offset", "offset"),
        transactions_page=1000,
        transactions_size="limit",
        symbol_required=False,
        id_scope="exchange",
        not_trades=(("type", ("0", "1", "14", "25", "26", "27", "28", "32", "33", "35")),),
        not_transactions=(("type", ("2",)),),
        tier="proven",
    ),
    # timestamp is inclusive and in seconds; 500 rows from there, newest first.
    "gemini": Profile(page=500, order="newest", grain=SECOND, until=False, symbol_required=True, tier="proven"),
    # By currency and kind instead of by market: there are thousands of options, and expired ones are not listed.
    "deribit": Profile(
        page=100,
        order="oldest",
        end="end_timestamp",
        symbol_required=False,
        id_scope="exchange",
        transactions_page=100,
        transactions_walk=Cursor("offset", "offset"),
        transactions_by_currency=True,
        tier="proven",
    ),
    # dust conversions have id 0; 2000 rows from startTime, 10,000 in all.
    "hyperliquid": Profile(page=2000, ask=False, order="oldest", symbol_required=False),
    "bingx": Profile(window=_short(DAY), page=1000, order="newest", symbol_required=True, history=DAY),
    "poloniex": Profile(page=100, order="newest", symbol_required=False, tier="proven"),
}
DEFAULT = Profile(tier="default")


def profile(exchange: str) -> Profile:
    """Return the profile of a ccxt id; an unknown one assumes nothing and learns the page size while reading."""
    return PROFILES.get(exchange, DEFAULT)
