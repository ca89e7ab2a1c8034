"""Which markets to ask for fills where the venue lists them per market only.

Of spot what the settings name, every market already seen, and every pair of two assets the account ever held, traded
or moved. Contracts all settle in a few coins, so what was held says nothing: of them only what is named, by settings,
positions, fills and incomes. A venue with few markets is simply asked for all of them: an asset that is flat whenever
the balance is looked at is in no snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.exchanges.normalise import book_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.records import Book

FEW = 200


def candidates(
    markets: Iterable[Mapping[str, object]], book: Book, seen: frozenset[str], named: Iterable[str]
) -> tuple[str, ...]:
    """Return the symbols of one book to read, sorted.

    `seen` are the assets the account ever touched; `named` the symbols of the settings and of streams that exist.
    """
    of_book = [market for market in markets if _in(market, book)]
    known = {str(market["symbol"]) for market in of_book}
    found = set(named) & known
    if len(of_book) <= FEW:
        return tuple(sorted(known))
    if book in {"spot", "margin"}:
        found |= {str(one["symbol"]) for one in of_book if one.get("base") in seen and one.get("quote") in seen}
    return tuple(sorted(found))


def everything(markets: Iterable[Mapping[str, object]], book: Book) -> tuple[str, ...]:
    """Return every symbol of a book: the nightly sweep, which finds markets nobody expected."""
    return tuple(sorted(str(market["symbol"]) for market in markets if _in(market, book)))


def _in(market: Mapping[str, object], book: Book) -> bool:
    if book == "margin":
        return bool(market.get("spot")) and market.get("margin") is not False
    return bool(market.get("base")) and book_of(market, book) == book
