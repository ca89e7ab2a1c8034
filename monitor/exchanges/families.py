"""How a venue is told which market family is wanted: the calls that together hold a book's fills.

ccxt's classes default to a family of their own (Bybit's to swaps, so that spot has to be asked for by name), and what
they do not know they hand on to the venue: Hyperliquid reads `type` as the name of the request itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from monitor.exchanges.facts import Profile
    from monitor.records import Account, Book

Params: TypeAlias = Mapping[str, object]
# How a unified ccxt class is told the market family; a symbol says it by itself.
BOOK_PARAMS: dict[Book, dict[str, object]] = {
    "spot": {},
    "margin": {"marginMode": "cross"},
    "linear": {"type": "swap", "subType": "linear"},
    "inverse": {"type": "swap", "subType": "inverse"},
    "option": {"type": "option"},
}
# One list holds every family, and each row says by its market, or by itself, which it is of.
ONE_LIST = frozenset({
    "kraken", "krakenfutures", "coinbase", "cryptocom", "bitfinex", "bitstamp", "gemini", "hyperliquid",
})  # fmt: skip
# Margin fills in a list of their own; and venues whose rows of one list say whether something was borrowed. Elsewhere
# asking for margin would give the spot fills once more, in another book.
MARGIN_LISTS = frozenset({"binance", "okx", "gate", "bitget", "kucoin"})
MARGIN_ROWS = frozenset({"kraken", "bybit"})
_MARGIN = ("margin",)

# What ccxt leaves out unless it is asked for by name: Bybit's executions that are no ordinary trades, yet change the
# position. https://bybit-exchange.github.io/docs/v5/enum#exectype
_FORCED = ("Trade", "BlockTrade", "MovePosition", "BustTrade", "AdlTrade", "Settle", "Delivery", "FutureSpread")
# Perpetuals and dated futures are two lists at OKX; either holds linear and inverse ones.
_OKX: tuple[Params, ...] = ({"type": "swap"}, {"type": "future"})
_SPOT: tuple[Params, ...] = ({"type": "spot"},)
# Linear and inverse contracts are one list.
_SWAPS: tuple[Params, ...] = ({"type": "swap"},)


def _bybit(book: Book) -> tuple[Params, ...]:
    return tuple({**BOOK_PARAMS[book], "execType": said} for said in _FORCED)


def _deribit(kind: str, *currencies: str) -> tuple[Params, ...]:
    """Return the calls that list a kind by currency: expired options and futures are in no list of markets."""
    return tuple({"kind": kind, "currency": one} for one in currencies)


PASSES: dict[tuple[str, Book], tuple[Params, ...]] = {
    ("bybit", "spot"): _SPOT,
    ("bybit", "margin"): _SPOT,
    ("bybit", "linear"): _bybit("linear"),
    ("bybit", "inverse"): _bybit("inverse"),
    ("bybit", "option"): _bybit("option"),
    ("okx", "margin"): ({"type": "margin"},),
    ("okx", "linear"): _OKX,
    ("okx", "inverse"): _OKX,
    ("kucoin", "linear"): _SWAPS,
    ("kucoin", "inverse"): _SWAPS,
    # Gate's dated futures are another account, which most have not: asking for them would end in an error.
    ("gate", "linear"): ({"type": "swap", "settle": "usdt"},),
    ("gate", "inverse"): ({"type": "swap", "settle": "btc"},),
    ("deribit", "spot"): _deribit("spot", "BTC", "ETH", "USDC", "USDT", "EURR"),
    ("deribit", "linear"): _deribit("future", "USDC", "USDT"),
    ("deribit", "inverse"): _deribit("future", "BTC", "ETH"),
    ("deribit", "option"): _deribit("option", "BTC", "ETH", "USDC"),
}

# What of a book's fills no call lists: said of every account that may have such fills.
UNASKED: dict[tuple[str, Book], str] = {
    ("gate", "linear"): "fills of dated futures",
    ("gate", "inverse"): "fills of dated futures",
}


def unasked(account: Account) -> tuple[str, ...]:
    """Return the fills of an account's books that are not asked for, in words."""
    return tuple(dict.fromkeys(UNASKED[key] for book in account.books if (key := (account.exchange, book)) in UNASKED))


def passes(exchange: str, book: Book, symbol: str, usual: object) -> tuple[Params, ...]:
    """Return the parameters of each call that a book's fills take; `usual`: the family ccxt's class defaults to."""
    if (exchange, book) in PASSES:
        return PASSES[exchange, book]
    if exchange in ONE_LIST or (symbol and book != "margin"):
        return ({},)
    if book == "spot" and usual not in {None, "spot"}:
        return _SPOT
    return (BOOK_PARAMS[book],)


def unread(exchange: str, book: Book) -> bool:
    """Tell whether a book cannot be told from spot at a venue, so that its fills are not read."""
    return book in _MARGIN and exchange not in MARGIN_LISTS | MARGIN_ROWS


def symbol_required(facts: Profile, book: Book) -> bool | None:
    """Tell whether a venue lists a book's fills per market only; None where nobody knows."""
    return True if book in facts.symbol_books else facts.symbol_required
