"""What can be known of a venue's way of listing things: the columns of the table in profiles.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

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
    `source` the venue's own page that says so, beside the ccxt sources.
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
    source: str = ""
