"""Rows of a file on their way into the store: held compactly, put in order, Python's objects a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from monitor.interchange.table import LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = 5_000
# Rows of a great file that are stored in the order of their keys. More of them take more memory to sort, fewer go
# through the index of keys more often; and a span of time is spread over as many rows.
BATCH = 250_000

# What a file says again and again is held once, and a number in each row.
WORDS = (
    "account", "exchange", "kind", "book", "market", "symbol", "base", "quote", "settle", "side", "asset", "to_account",
    "to_asset",
)  # fmt: skip
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
    places = batch.select(pl.arg_sort_by("account", "key")).to_series().arg_sort()
    return batch["id"].gather(places)


def pages(frame: pl.DataFrame) -> Iterator[list[tuple[str | int | None, ...]]]:
    """Yield the rows by `id`, in pages, so that Python's objects of one are gone before the next."""
    for batch in frame.iter_slices(BATCH):
        for part in batch.sort("id").iter_slices(PAGE):
            # whole columns into Python's objects and then across: quicker than row by row
            yield list(zip(*(part[name].to_list() for name in part.columns), strict=True))
