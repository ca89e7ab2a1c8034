"""Which streams beside fills, deposits and withdrawals are read, and from where, as one table.

These streams are read where they add what no other stream has; a number is never held back for one of them, because a
desk's read-only key may not be allowed to see them. What is not in the table is said once, as `unsupported`.

| venue | transfers | ledger | funding | convert | dust |
|---|---|---|---|---|---|
| binance | spot wallet from and to the others | as below | as below | Convert orders | dust log |
| binanceusdm, binancecoinm | income: TRANSFER | income: rebates, insurance, bonuses | income: FUNDING_FEE | - | - |
| kraken | ledger: futures, staking, earn | ledger: rewards, rollover | - | ledger: spend and receive | - |
| bybit | inside the account | log: interest, bonuses, refunds | executions of type Funding | log: adjusts | so too |
| okx | inside the account | no | bills of type 8, three months | Convert orders | no |
| gate | no | no | account book, USDT perpetuals | no | no |
| krakenfutures | no | no | account log | - | - |
| hyperliquid | no | no | userFunding | - | - |
| bingx | no | no | income: FUNDING_FEE, USDT perpetuals | no | no |
| bitget | inside the account | no | no: one market a call | Convert orders | no |

Those from bybit's ledger on are made from the ccxt 4.5.90 sources and the venues' documentation; no recorded body of
them has been replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from monitor.clock import DAY, SECOND
from monitor.exchanges.extra_rows import (
    between_wallets,
    charged,
    converted,
    each,
    funding,
    income,
    kraken_ledger,
    sold_dust,
)
from monitor.exchanges.ledgers import bybit_ledger, okx_converted, paid, paid_in_usdt
from monitor.exchanges.profiles import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.exchanges.fields import Row
    from monitor.exchanges.normalise import Origin, Rows
    from monitor.records import Account, Book, StreamKind

    ReadPage = Callable[[Sequence[Row], Sequence[object], Origin], Rows]

KINDS: tuple[StreamKind, ...] = ("transfers", "ledger", "funding", "convert", "dust")
CONTRACTS: tuple[Book, ...] = ("linear", "inverse")
EVERY_BOOK: tuple[Book, ...] = ("spot", "margin", "linear", "inverse", "option")


@dataclass(frozen=True, slots=True)
class Extra:
    """One stream: how it is asked for and how its rows are read. Units as in the venue profiles, milliseconds.

    `name` tells streams of one kind and book apart. `covers`: the other kinds it holds. `books`: read for accounts
    with one of these; `per_book` once for each of them, with `params` of that book. `end`: the parameter that
    ends a window; `start` the one that begins it where ccxt does not send `since`; both are in `unit` milliseconds.
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

    def wanted(self, account: Account) -> tuple[Book, ...]:
        """Return the books to read it for: the first of the account's that it serves, or each."""
        if self.not_with in account.books:
            return ()
        mine = tuple(book for book in account.books if book in self.books)
        return mine if self.per_book else mine[:1]


_LINEAR: dict[str, object] = {"subType": "linear"}
_INVERSE: dict[str, object] = {"subType": "inverse"}
_BOOKS: dict[Book, dict[str, object]] = {"linear": _LINEAR, "inverse": _INVERSE}
_BINANCE_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=funding), CONTRACTS, per_book=True, params=_BOOKS,
    window=7 * DAY - 1, page=1000, history=180 * DAY,
)  # fmt: skip
_BINANCE_INCOME = Extra(
    "ledger", "fetch_ledger", partial(each, read=income), CONTRACTS, per_book=True, params=_BOOKS,
    window=7 * DAY - 1, page=1000, history=90 * DAY, covers=("transfers", "convert", "dust"),
)  # fmt: skip
_BYBIT_LEDGER = Extra(
    "ledger", "fetch_ledger", partial(each, read=bybit_ledger), EVERY_BOOK, window=7 * DAY - 1, page=50,
    history=730 * DAY, end="endTime", cursor=Cursor("token", "cursor", ("nextPageCursor",)),
    covers=("transfers", "convert", "dust"),
)  # fmt: skip
_OKX_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), CONTRACTS, params={
        book: {"type": "swap"} for book in CONTRACTS
    }, page=100, history=90 * DAY, start="begin", end="end", cursor=Cursor("token", "after", ("billId",)),
)  # fmt: skip
# Older than `until` and newer than `since`, both excluded: a second more on either side.
_OKX_CONVERT = Extra(
    "convert", "fetch_convert_trade_history", partial(each, read=okx_converted), EVERY_BOOK, page=100, grain=SECOND,
    covers=("transfers",),
)  # fmt: skip
_GATE_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid_in_usdt), ("linear",), params={
        "linear": {"type": "swap", "settle": "usdt"}
    }, window=30 * DAY - 1, page=1000, grain=SECOND, end="to", unit=SECOND, cursor=Cursor("offset", "offset"),
)  # fmt: skip
_KRAKENFUTURES_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), CONTRACTS, page=500,
)  # fmt: skip
_HYPERLIQUID_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), ("linear",), page=500,
)  # fmt: skip
_BINGX_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), ("linear",), window=7 * DAY - 1, page=1000,
    history=90 * DAY,
)  # fmt: skip
_BITGET_CONVERT = Extra(
    "convert", "fetch_convert_trade_history", partial(each, read=converted), EVERY_BOOK, window=90 * DAY - 1, page=100,
    history=90 * DAY, cursor=Cursor("token", "idLessThan", ("endId",)), covers=("transfers",),
)  # fmt: skip
_BYBIT_FUNDING = Extra(
    "funding", "fetch_my_trades", partial(each, read=charged), CONTRACTS, per_book=True,
    params={
        "linear": {"execType": "Funding", "type": "swap", "subType": "linear"},
        "inverse": {"execType": "Funding", "type": "swap", "subType": "inverse"},
    },
    window=7 * DAY - 1, page=100, history=730 * DAY, cursor=Cursor("token", "cursor", ("nextPageCursor",)),
)  # fmt: skip

# A wallet that is a book of the account is inside it: what moves there and back changes nothing.
_WALLETS: tuple[tuple[str, Book | None], ...] = (
    ("UMFUTURE", "linear"), ("CMFUTURE", "inverse"), ("MARGIN", "margin"), ("FUNDING", None),
)  # fmt: skip
_BINANCE_TRANSFERS = tuple(
    Extra(
        "transfers", "fetch_transfers", partial(each, read=between_wallets), params={"spot": {"type": way}},
        window=30 * DAY - 1, page=100, history=180 * DAY, name=way, not_with=book,
    )
    for wallet, book in _WALLETS for way in (f"MAIN_{wallet}", f"{wallet}_MAIN")
)  # fmt: skip

EXTRAS: dict[str, tuple[Extra, ...]] = {
    "binance": (
        Extra("convert", "fetch_convert_trade_history", partial(each, read=converted), window=30 * DAY - 1, page=1000),
        # The venue lists the newest hundred conversions of a window; ccxt sets the end itself unless it is named.
        Extra("dust", "fetch_my_dust_trades", partial(each, read=sold_dust), window=30 * DAY, page=100, end="endTime"),
        *_BINANCE_TRANSFERS,
        _BINANCE_FUNDING,
        _BINANCE_INCOME,
    ),
    "binanceusdm": (_BINANCE_FUNDING, _BINANCE_INCOME),
    "binancecoinm": (_BINANCE_FUNDING, _BINANCE_INCOME),
    "kraken": (
        Extra(
            "ledger", "fetch_ledger", kraken_ledger, ("spot", "margin"), page=50, grain=SECOND,
            cursor=Cursor("offset", "ofs"), covers=("transfers", "convert", "dust"),
        ),
    ),
    "bybit": (_BYBIT_FUNDING, _BYBIT_LEDGER),
    "okx": (_OKX_FUNDING, _OKX_CONVERT),
    "gate": (_GATE_FUNDING,),
    "krakenfutures": (_KRAKENFUTURES_FUNDING,),
    "hyperliquid": (_HYPERLIQUID_FUNDING,),
    "bingx": (_BINGX_FUNDING,),
    "bitget": (_BITGET_CONVERT,),
}  # fmt: skip


def extras_of(account: Account) -> tuple[Extra, ...]:
    """Return the streams to read of an account, in the order of the table."""
    return tuple(extra for extra in EXTRAS.get(account.exchange, ()) if extra.wanted(account))


def unread(account: Account) -> tuple[StreamKind, ...]:
    """Return the kinds nothing is read of; funding concerns contracts only."""
    extras = extras_of(account)
    covered = {kind for extra in extras for kind in (extra.kind, *extra.covers)}
    irrelevant = () if {*CONTRACTS} & {*account.books} else ("funding",)
    return tuple(kind for kind in KINDS if kind not in covered and kind not in irrelevant)
