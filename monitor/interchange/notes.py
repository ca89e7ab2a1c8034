"""What was assumed or left aside while reading a file: no error, but nothing a person should have to guess."""

from __future__ import annotations

import polars as pl

from monitor.interchange.columns import FILL_KINDS, USED_BY
from monitor.interchange.table import LINE

SMALL_LETTERS = r"^[a-z]+(/[a-z]+)?(:|$)"


def notes(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return what was ignored or assumed in the accepted rows, one sentence each."""
    good = frame.filter(pl.col("reason").is_null())
    told = []
    for column, kinds in USED_BY.items():
        if good[column].null_count() == good.height:
            continue
        unused = good.filter(pl.col(column).is_not_null() & ~pl.col("kind").is_in(kinds))
        if not unused.is_empty() and column != "asset":
            told.append(f"{column} is ignored on {_first(unused)}: it does not apply there.")
    contracts = pl.col("book").is_in(["linear", "inverse", "option"]) & pl.col("kind").is_in(FILL_KINDS)
    sized = good.filter(contracts & pl.col("contract_size").is_null())
    if not sized.is_empty():
        told.append(f"contract_size is empty on {_first(sized)}: one contract is taken as one unit.")
    small = good.filter(pl.coalesce("symbol", "asset").str.contains(SMALL_LETTERS))
    if not small.is_empty():
        told.append(f"the asset is in small letters on {_first(small)}: it is another than the one in capitals.")
    return tuple(told)


def _first(frame: pl.DataFrame) -> str:
    """Return `3 rows (the first is line 4, a trade)`."""
    line, kind = frame.select(LINE, "kind").row(0)
    return f"{frame.height} row{'s' * (frame.height > 1)} (the first is line {line}, kind {kind})"
