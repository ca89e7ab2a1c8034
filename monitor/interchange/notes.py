"""What was assumed or left aside while reading a file: no error, but nothing a person should have to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.interchange.columns import FILL_KINDS, USED_BY
from monitor.interchange.table import LINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALL_LETTERS = r"^[a-z]+(/[a-z]+)?(:|$)"


IGNORED = "{column} is ignored on {{}}: it does not apply there."
UNSIZED = "contract_size is empty on {}: one contract is taken as one unit."
SMALL = "the asset is in small letters on {}: it is another than the one in capitals."
# In the order in which they are told.
SENTENCES = (*(IGNORED.format(column=column) for column in USED_BY if column != "asset"), UNSIZED, SMALL)


class Remark(NamedTuple):
    """What a sentence is about: how many rows, and line and kind of the first."""

    rows: int
    line: int
    kind: str

    def __str__(self) -> str:
        """Return `3 rows (the first is line 4, a trade)`."""
        return f"{self.rows} row{'s' * (self.rows > 1)} (the first is line {self.line}, kind {self.kind})"


def remarks(good: pl.DataFrame) -> dict[str, Remark]:
    """Return what was ignored or assumed in accepted rows, by its sentence."""
    told = {}
    for column, kinds in USED_BY.items():
        if column != "asset" and good[column].null_count() < good.height:
            unused = pl.col(column).is_not_null() & ~pl.col("kind").is_in(kinds)
            told[IGNORED.format(column=column)] = good.filter(unused)
    contracts = pl.col("book").is_in(["linear", "inverse", "option"]) & pl.col("kind").is_in(FILL_KINDS)
    told[UNSIZED] = good.filter(contracts & pl.col("contract_size").is_null())
    told[SMALL] = good.filter(pl.coalesce("symbol", "asset").str.contains(SMALL_LETTERS))
    return {
        sentence: Remark(rows.height, *rows.select(LINE, "kind").row(0))
        for sentence, rows in told.items()
        if not rows.is_empty()
    }


def notes(parts: Sequence[Mapping[str, Remark]]) -> tuple[str, ...]:
    """Return the sentences about the parts of a file, in order, one each."""
    found = {sentence: [part[sentence] for part in parts if sentence in part] for sentence in SENTENCES}
    return tuple(
        sentence.format(about[0]._replace(rows=sum(remark.rows for remark in about)))
        for sentence, about in found.items()
        if about
    )
