"""What a symbol says about a market: its assets, and the book its lots live in.

Symbols are written as ccxt writes them: `BTC/USDT` spot, `BTC/USDT:USDT` a linear contract, `BTC/USD:BTC` an inverse
one (it settles in its base), `BTC/USDT:USDT-261225` a dated one, `BTC/USD:BTC-261225-60000-C` an option.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from monitor.interchange.columns import BOOKS, did_you_mean

if TYPE_CHECKING:
    from monitor.records import Book

ASSET = r"[^\s\"\\/:;,]+"
SYMBOL = re.compile(rf"(?P<base>{ASSET})/(?P<quote>{ASSET})(:(?P<settle>[^\s\"\\/:;,-]+)(?P<term>-[^\s\"\\/:;,]+)?)?")
OPTION_TERM = re.compile(r"-[0-9]{6}-[0-9.]+-[CP]")


@dataclass(frozen=True, slots=True)
class Market:
    """The assets of a symbol and the book of its fills; `settle` is None on spot."""

    base: str
    quote: str
    settle: str | None
    book: Book
    inverse: bool


def read_market(symbol: str, book: str | None) -> Market | str:
    """Return the market a symbol and an optional book stand for, or the reason why they stand for none.

    A spot symbol with book `linear` or `inverse` is taken at its word: it settles in its quote or its base.
    """
    match = SYMBOL.fullmatch(symbol)
    if match is None or match["base"] == match["quote"]:
        return f"symbol {symbol!r} is no market; write BASE/QUOTE, BTC/USDT:USDT or BTC/USD:BTC"
    if book is not None and book not in BOOKS:
        return f"book {book!r} is unknown{did_you_mean(book, BOOKS)}; the books are {', '.join(BOOKS)}"
    base, quote, settle = match["base"], match["quote"], match["settle"]
    family = _family(base, settle, match["term"])
    if settle is None and book is not None:
        family = cast("Book", book)
        settle = {"linear": quote, "inverse": base}.get(book)
    if book not in (None, family) or (family == "option" and match["term"] is None):
        return f"book {book!r} does not fit symbol {symbol!r}, which is {family}"
    return Market(base, quote, settle, family, inverse=settle == base)


def _family(base: str, settle: str | None, term: str | None) -> Book:
    """Return the book a symbol's own form implies."""
    if settle is None:
        return "spot"
    if term and OPTION_TERM.fullmatch(term):
        return "option"
    return "inverse" if settle == base else "linear"
