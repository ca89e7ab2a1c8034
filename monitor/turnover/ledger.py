"""The ledger as arrays: names by number, instants as they are, amounts left in their texts until they are wanted.

Assets are numbered in the order of their names, and so are accounts, exchanges, books and kinds: who comes first by
name is who has the smaller number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from monitor.turnover.ahead import side_by_side
from monitor.turnover.arrow import Texts
from monitor.turnover.compiled import bare, part
from monitor.turnover.texts import Names, looked_up, named, renumbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from monitor.records import Valuation
    from monitor.turnover.texts import Codes, Integers

    Bytes = NDArray[np.int8]

COINS = ("spot", "margin")
LAST = 2**63 - 1  # a missing sequence comes after all others
NAMES = ("account", "exchange", "book", "kind", "base", "quote", "settle", "side")
TEXTS = ("amount", "price", "cost", "contract_size", "fees", "key")


class Fills(NamedTuple):
    """Fills by row.

    `money` is what a fill is worth and charged in, `symbol` an option's name as an asset, else -1; `is_inverse` tells
    the book: an option that settles in its coin is called inverse too, but its price is in that coin.

    `base_fee` and `quote_fee` are places in the fees: what is taken off the base, or netted in the quote; -1 for none.
    """

    time: Integers
    sequence: Integers
    identity: Integers
    account: Codes
    exchange: Codes
    base: Codes
    money: Codes
    quote: Codes
    settle: Codes
    symbol: Codes
    kind: Codes
    book: Bytes
    buys: Bytes
    is_coin: Bytes
    is_inverse: Bytes
    base_fee: Codes
    quote_fee: Codes


@dataclass(frozen=True, slots=True)
class Numbering:
    """What the numbers stand for, each list in order of name, and where a name stands in it."""

    assets: dict[str, int]
    accounts: dict[str, int]
    exchanges: dict[str, int]
    books: dict[str, int]
    kinds: dict[str, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """All fills, their texts by column, and the numbering they share with movements and prices."""

    fills: Fills
    texts: dict[str, Texts]
    missing: frozenset[str]
    numbering: Numbering
    cash: NDArray[np.bool_]


@part
def bare_fills(fills: Fills) -> Fills:
    """Return the same fills, owned by none: a loop of small functions would count references at every step."""
    return Fills(
        bare(fills.time), bare(fills.sequence), bare(fills.identity), bare(fills.account), bare(fills.exchange),
        bare(fills.base), bare(fills.money), bare(fills.quote), bare(fills.settle), bare(fills.symbol),
        bare(fills.kind), bare(fills.book), bare(fills.buys), bare(fills.is_coin), bare(fills.is_inverse),
        bare(fills.base_fee), bare(fills.quote_fee),
    )  # fmt: skip


def numbered(names: Iterable[str | None]) -> dict[str, int]:
    """Return names with their places in order; what is missing has none."""
    return {name: place for place, name in enumerate(sorted({name for name in names if name is not None}))}


def read_ledger(
    fills: pl.DataFrame, valuation: Valuation, others: Mapping[str, Iterable[str | None]], fee_assets: Iterable[str]
) -> Ledger:
    """Return fills as arrays; `others` are names from elsewhere (assets, accounts, exchanges, books, kinds)."""
    columns = [fills[name] for name in NAMES]
    found = dict(zip(NAMES, side_by_side(named, columns, fills.height), strict=True))
    symbols = _option_names(fills, found["book"])
    assets = (*found["base"].names, *found["quote"].names, *found["settle"].names, *symbols.names, *fee_assets)
    numbering = Numbering(
        numbered((*assets, *others["assets"], *valuation.cash, *valuation.pegs, valuation.currency)),
        numbered((*found["account"].names, *others["accounts"])),
        numbered((*found["exchange"].names, *others["exchanges"])),
        numbered((*found["book"].names, *others["books"], "spot")),
        numbered((*found["kind"].names, *others["kinds"], "fee", "rebate")),
    )
    made = _columns(fills, found, symbols, numbering)
    texts = {name: Texts(fills[name]) for name in TEXTS}
    empty = frozenset(name for name in TEXTS if fills[name].null_count() == fills.height)
    cash = np.array([name in valuation.cash or name == valuation.currency for name in numbering.assets], dtype=bool)
    return Ledger(made, texts, empty, numbering, cash)


def _option_names(fills: pl.DataFrame, book: Names) -> Names:
    """Return the symbols of options, which are assets of their own: a call is no put."""
    if "option" not in book.names:
        return Names(np.full(fills.height, -1, np.int32), [])
    return named(fills.select(pl.when(pl.col("book") == "option").then("symbol")).to_series())


def _columns(fills: pl.DataFrame, found: dict[str, Names], symbols: Names, numbering: Numbering) -> Fills:
    assets = numbering.assets
    code = {name: renumbered(*found[name], assets) for name in ("base", "quote", "settle")}
    nothing = np.full(fills.height, -1, np.int32)
    return Fills(
        time=_integers(fills["time_ms"], LAST),
        sequence=_integers(fills["sequence"], LAST),
        identity=_integers(fills["id"], -1),
        account=renumbered(*found["account"], numbering.accounts),
        exchange=renumbered(*found["exchange"], numbering.exchanges),
        base=code["base"],
        money=_money(found["book"], code["quote"], code["settle"]),
        quote=code["quote"],
        settle=code["settle"],
        symbol=renumbered(*symbols, assets),
        kind=renumbered(*found["kind"], numbering.kinds),
        book=renumbered(*found["book"], numbering.books).astype(np.int8),
        buys=_where(found["side"], ("buy",)),
        is_coin=_where(found["book"], COINS),
        is_inverse=_where(found["book"], ("inverse",)),
        base_fee=nothing,
        quote_fee=nothing.copy(),
    )


def _money(book: Names, quote: Codes, settle: Codes) -> Codes:
    """Return what fills are worth and charged in: their quote, an option's settlement coin."""
    if "option" not in book.names:
        return quote
    return np.where((_where(book, ("option",)) == 1) & (settle >= 0), settle, quote)


def _where(names: Names, wanted: tuple[str, ...]) -> Bytes:
    """Return 1 where a name is one of those wanted."""
    return looked_up(names.codes, np.array([*(name in wanted for name in names.names), False], dtype=np.int8))


def _integers(column: pl.Series, missing: int) -> Integers:
    return (column.fill_null(missing) if column.null_count() else column).to_numpy()
