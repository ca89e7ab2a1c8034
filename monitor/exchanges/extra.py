"""What a stream beside fills, deposits and withdrawals is: how it is asked for, how its rows are read, and for whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.exchanges.facts import Cursor
    from monitor.exchanges.fields import Row
    from monitor.exchanges.loose import Loose
    from monitor.exchanges.normalise import Origin, Rows
    from monitor.records import Account, Book, StreamKind

    ReadPage: TypeAlias = Callable[[Sequence[Row], Sequence[object], Origin], Rows]
    # What makes a row as ccxt would have parsed it, from the venue's own: (exchange object, raw row).
    Entry: TypeAlias = Callable[[Loose, object], Row]

KINDS: tuple[StreamKind, ...] = ("transfers", "ledger", "funding", "convert", "dust")
CONTRACTS: tuple[Book, ...] = ("linear", "inverse")
EVERY_BOOK: tuple[Book, ...] = ("spot", "margin", "linear", "inverse", "option")


@dataclass(frozen=True, slots=True)
class Extra:
    """One stream: how it is asked for and how its rows are read. Units as in the venue profiles, milliseconds.

    `name` tells streams of one kind and book apart. `covers`: the other kinds it holds. `books`: read for accounts
    with one of these; `per_book` once for each of them, with `params` of that book; `per_market` once for each market
    the account ever traded. `mode`: read only where the account's option of that name says so.
    `end`: the parameter that ends a window; `start` the one that begins it where ccxt does not send `since`; both are
    in `unit` milliseconds. `ask` False: no page size is sent. `entry`: `method` is an endpoint of the venue itself,
    because ccxt's method narrows what is asked for, and `entry` makes one of its rows what ccxt would have; `size` is
    then the parameter of the page size. `names`: its rows name the markets in which something happened.
    """

    kind: StreamKind
    method: str
    read: ReadPage
    books: tuple[Book, ...] = ("spot",)
    per_book: bool = False
    params: dict[Book, dict[str, object]] = field(default_factory=dict)
    window: int | None = None
    page: int | None = None
    grain: int = 1
    history: int | None = None
    end: str = "until"
    cursor: Cursor | None = None
    covers: tuple[StreamKind, ...] = ()
    name: str = ""
    not_with: Book | None = None
    start: str = ""
    unit: int = 1
    ask: bool = True
    per_market: bool = False
    mode: tuple[str, bool] | None = None
    entry: Entry | None = None
    size: str = "limit"
    names: bool = False

    def wanted(self, account: Account) -> tuple[Book, ...]:
        """Return the books to read it for: the first of the account's that it serves, or each."""
        if self.not_with in account.books:
            return ()
        if self.mode and bool(account.options.get(self.mode[0])) != self.mode[1]:
            return ()
        mine = tuple(book for book in account.books if book in self.books)
        return mine if self.per_book else mine[:1]

    def streams(self, account: Account, markets: Sequence[tuple[Book, str]]) -> list[tuple[Book, str, str]]:
        """Return (book, stream name, symbol) of each stream; `markets` the account traded, as (book, symbol)."""
        books = self.wanted(account)
        if not self.per_market:
            return [(book, self.name, "") for book in books]
        # What expires pays no funding: BTC/USDT:USDT-260327.
        perpetual = [(book, symbol) for book, symbol in markets if "-" not in symbol.partition(":")[2]]
        return [(book, f"{symbol} {self.name}".strip(), symbol) for book, symbol in perpetual if book in books]
