"""Rows of a file on their way into the store: in which order, and as Python's objects a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 5_000
# Rows of a great file that are stored in the order of their keys. More of them take more memory to sort, fewer go
# through the index of keys more often; and a span of time is spread over as many rows.
BATCH = 250_000


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
