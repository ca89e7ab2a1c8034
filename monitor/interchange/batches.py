"""Rows of a file on their way into the store: held compactly, put in order, Python's objects a page at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.interchange.table import LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Value = str | int | None

PAGE = 5_000
# Rows of a great file that are stored in the order of their keys. More of them take more memory to sort, fewer go
# through the index of keys more often; and a span of time is spread over as many rows.
BATCH = 250_000

# What a file says again and again is held once, and a number in each row.
WORDS = (
    "account", "exchange", "kind", "book", "market", "symbol", "base", "quote", "settle", "side", "asset", "to_account",
    "to_asset",
)  # fmt: skip
# What rows of one market, or one asset's movements, have in common.
ALIKE = (*(name for name in WORDS if name != "side"), "contract_size", "inverse")
# From so many rows on a statement of their own is worth preparing.
RUN = 100
# What is kept of a checked row.
HELD = {
    **dict.fromkeys(WORDS, pl.Categorical()),
    **dict.fromkeys((LINE, "time_ms", "inverse"), pl.Int64()),
    "nameless": pl.Boolean(),
    **dict.fromkeys(
        ("key", "id", "order_id", "fees", "amount_exact", "price_exact", "value_exact", "received_exact",
         "contract_size_exact", "cost"),
        pl.String(),
    ),
}  # fmt: skip


def held(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what is kept of checked rows; columns that hold nothing are left out."""
    filled = {name for name in frame.columns if frame[name].null_count() < frame.height} | {LINE}
    return frame.select(pl.col(name).cast(kind) for name, kind in HELD.items() if name in filled)


def joined(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the parts of a file as one, with all columns of `HELD`."""
    frame = pl.concat(parts, how="diagonal")
    return frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in HELD.items() if name not in frame.columns
    )


def numbered(frame: pl.DataFrame, first: int, *, great: bool) -> pl.DataFrame:
    """Add `id` from `first` on: in the file's order, or for a great file by key within each batch.

    The index of keys is reached all over by a large file's rows: a batch goes through it once, from end to end.
    """
    frame = frame.with_row_index("id", offset=first)
    if not great:
        return frame
    batches = frame.select("id", "account", "key").iter_slices(BATCH)
    return frame.with_columns(pl.concat([_by_key(batch) for batch in batches]))


def _by_key(batch: pl.DataFrame) -> pl.Series:
    """Return the batch's ids, dealt out by key."""
    # a sorted frame, because polars finds the order of two columns alone more slowly
    places = batch.sort("account", "key")["id"].arg_sort()
    return batch["id"].gather(places)


class Page(NamedTuple):
    """Rows of a table: `columns` of each tuple, and the values that all rows have in the other columns."""

    columns: tuple[str, ...]
    shared: Mapping[str, Value]
    rows: Sequence[tuple[Value, ...]]


def pages(frame: pl.DataFrame) -> Iterator[Page]:
    """Yield the rows by `id`, in pages, so that Python's objects of one are gone before the next.

    Rows of one market and account that follow each other share most of their columns, and to hand over a column costs
    as much as to store it: a long run of them is a page without these columns.
    """
    alike = [name for name in ALIKE if name in frame.columns]
    for part in frame.iter_slices(BATCH):
        batch = part.sort("id")
        for start, end, run in _stretches(batch, alike):
            shared = dict(zip(alike, batch.select(alike).row(start), strict=True)) if run and alike else {}
            varying = [column for column in batch.get_columns() if column.name not in shared]
            for place in range(start, end, PAGE):
                # whole columns into Python's objects and then across: quicker than row by row
                lists = (column.slice(place, min(PAGE, end - place)).to_list() for column in varying)
                yield Page(tuple(column.name for column in varying), shared, list(zip(*lists, strict=True)))


def _stretches(batch: pl.DataFrame, alike: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    """Yield (first row, end, whether it is one run) of long runs of rows alike in some columns, and of all between."""
    other = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(name).shift()) for name in alike))
    starts = [0, *(place for place in batch.select(other.arg_true()).to_series().to_list() if place), batch.height]
    begun = 0
    for start, end in pairwise(starts):
        if end - start >= RUN:
            if begun < start:
                yield begun, start, False
            yield start, end, True
            begun = end
    if begun < batch.height:
        yield begun, batch.height, False
