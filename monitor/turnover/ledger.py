"""The ledger as arrays: names by number, instants as they are, amounts as exact integers and their decimals.

Assets are numbered in the order of their names, and so are accounts, exchanges, books and kinds: who comes first by
name is who has the smaller number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.turnover.ahead import side_by_side
from monitor.turnover.amounts import NO_INTEGER
from monitor.turnover.arrow import Texts
from monitor.turnover.fills import AMOUNTS, SHAPE, Fills, packed, shaped
from monitor.turnover.texts import Names, Numbers, named, numbers, renumbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from monitor.records import Valuation
    from monitor.turnover.texts import Integers

COINS = ("spot", "margin")
LAST = 2**63 - 1  # a missing sequence comes after all others
NAMES = ("account", "exchange", "book", "kind", "base", "quote", "settle", "side")


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
    """All fills, and the numbering they share with movements and prices.

    `texts` are the columns where an amount is not written plainly, and the fees.
    """

    fills: Fills
    texts: dict[str, Texts]
    numbering: Numbering
    cash: NDArray[np.bool_]


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
    texts = {"fees": Texts(fills["fees"])}
    made = _fills(fills, {**found, "symbol": symbols}, numbering, texts)
    cash = np.array([name in valuation.cash or name == valuation.currency for name in numbering.assets], dtype=bool)
    return Ledger(made, texts, numbering, cash)


def _option_names(fills: pl.DataFrame, book: Names) -> Names:
    """Return the symbols of options, which are assets of their own: a call is no put."""
    if "option" not in book.names:
        return Names(np.zeros(0, np.int32), [])
    return named(fills.select(pl.when(pl.col("book") == "option").then("symbol")).to_series())


def _fills(fills: pl.DataFrame, found: dict[str, Names], numbering: Numbering, odd: dict[str, Texts]) -> Fills:
    """Return the fills; the texts of amounts that are not written plainly go to `odd`."""
    known = [names for column, names in found.items() if names.names or column == "account"]
    codes, firsts = shaped([names.codes for names in known], [len(names.names) for names in known])
    some = {
        name: Names(names.codes[firsts] if names.names else np.full(len(firsts), -1, np.int32), names.names)
        for name, names in found.items()
    }
    order = (_integers(fills["time_ms"], LAST), _integers(fills["sequence"], LAST), _integers(fills["id"], -1))
    read = Texts(fills["amount"]), Texts(fills["price"])
    # a column that is not there at all counts as nothing
    nothing = tuple(0 if fills[name].null_count() == fills.height else NO_INTEGER for name in AMOUNTS)
    rows, strange = packed((*order, codes), read, (nothing[0], nothing[1]))
    odd.update((name, texts) for name, texts in zip(AMOUNTS, read, strict=True) if name in strange)
    others = side_by_side(lambda name: _numbers(fills[name]), ("cost", "contract_size"), fills.height)
    odd.update(
        (name, Texts(fills[name])) for name in ("cost", "contract_size") if fills[name].null_count() < fills.height
    )
    return Fills(rows, codes, _shapes(some, numbering), *others)


def _numbers(column: pl.Series) -> Numbers:
    """Return the amounts of a column, none where it has none."""
    return numbers(Texts(column.clear() if column.null_count() == len(column) else column))


def _shapes(some: dict[str, Names], numbering: Numbering) -> NDArray[np.void]:
    """Return the shapes whose names are given."""
    shapes = np.empty(len(some["base"].codes), SHAPE)
    tables = {"account": numbering.accounts, "exchange": numbering.exchanges}
    tables |= {"book": numbering.books, "kind": numbering.kinds}
    for name in ("account", "exchange", "base", "quote", "settle", "symbol", "kind", "book"):
        shapes[name] = renumbered(*some[name], tables.get(name, numbering.assets))
    is_option = (_where(some["book"], ("option",)) == 1) & (shapes["settle"] >= 0)
    shapes["money"] = np.where(is_option, shapes["settle"], shapes["quote"])
    shapes["buys"] = _where(some["side"], ("buy",))
    shapes["is_coin"], shapes["is_inverse"] = _where(some["book"], COINS), _where(some["book"], ("inverse",))
    return shapes


def _where(names: Names, wanted: tuple[str, ...]) -> NDArray[np.int8]:
    """Return 1 where a name is one of those wanted."""
    return np.array([*(name in wanted for name in names.names), False], dtype=np.int8)[names.codes]


def _integers(column: pl.Series, missing: int) -> Integers:
    return (column.fill_null(missing) if column.null_count() else column).to_numpy()
