"""What finished partitions did as plain rows of each table, as the store takes them.

Frames of the same rows are for whoever works with columns; to make them only to take them apart again costs more than
the computation, and of the few rows that a page of new fills brings a millisecond each.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from monitor.turnover.arrays import NONE, WAC
from monitor.turnover.columns import MADE, OPTIONAL, SHORT, text
from monitor.turnover.packing import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.schema import Columns
    from monitor.turnover.columns import Rows
    from monitor.turnover.partition import Finished
    from monitor.turnover.partitions import Origins

    Value = str | int | float | bytes | None
    Row = tuple[Value, ...]

# Below so many quantities, to make a column of them takes longer than to write them one by one.
FEW = 50


def plain_rows(finished: Finished, origins: Origins, pools: int) -> list[dict[str, list[Row]]]:
    """Return the rows of each table (monitor.schema) for each pool of a partition.

    Of lots that were open before, only those that were closed or, averaged, have grown.
    """
    found: list[dict[str, list[Row]]] = [{} for _ in range(pools)]
    for table, (schema, rows_of) in MADE.items():
        rows = rows_of(finished, origins)
        if table == "lots":
            rows = _changed(rows, finished)
        pool = rows["pool"]
        if pools > 1:
            order = np.argsort(pool, kind="stable")
            rows, pool = {name: column[order] for name, column in rows.items()}, pool[order]
        columns = _columns(rows, schema, origins.kinds)
        for number, (start, end) in enumerate(pairwise(np.searchsorted(pool, np.arange(pools + 1)).tolist())):
            found[number][table] = list(zip(*(column[start:end] for column in columns), strict=True))
    return found


def _changed(rows: Rows, finished: Finished) -> Rows:
    """Return the lots that came in or were closed; those that were open before and still are lie behind all events."""
    if finished.job.terms.method == WAC:
        return rows
    kept = (rows["event"].astype(np.int64) < len(finished.job.events)) | (rows["closed_ms"] != NONE)
    return {name: column[kept] for name, column in rows.items()}


def tuples(rows: Rows, schema: Columns, kinds: Sequence[str]) -> list[Row]:
    """Return rows of a table as tuples of its columns."""
    return list(zip(*_columns(rows, schema, kinds), strict=True))


def _columns(rows: Rows, schema: Columns, kinds: Sequence[str]) -> list[list[Value]]:
    """Return the columns of a table as Python's values."""
    return [_values(name, kind, rows, kinds) for name, kind in schema.items()]


def _values(name: str, kind: str, rows: Rows, kinds: Sequence[str]) -> list[Value]:
    if name == "quantity":
        return cast("list[Value]", texts(rows["whole"], rows["scale"]))
    if name == "kind":
        return [kinds[place] for place in rows["kind"].tolist()]
    if kind == "Binary":
        return list(blobs(rows[name]))
    if kind == "Float64":
        floats = rows[name].astype(np.float64).tolist()
        return [None if value != value else value for value in floats] if name == "basis" else floats  # noqa: PLR0124  NaN
    whole = rows[name].astype(np.int64).tolist()
    return [None if value == NONE else value for value in whole] if name in OPTIONAL else whole


def blobs(column: NDArray[np.generic]) -> list[bytes]:
    """Return a column of bytes; a grid is one of sums that are still to be packed."""
    grid = column.ndim > 1
    listed: list[bytes] = (packed(column.astype(np.float64, copy=False)) if grid else column).tolist()
    return listed


def texts(whole: NDArray[np.generic], scale: NDArray[np.generic]) -> list[str]:
    """Return whole quantities / 10 ** scale as canonical decimal texts.

    Up to 15 digits the shortest text of the nearest float is the decimal itself; the rest goes digit by digit.
    """
    numbers, places = whole.tolist(), scale.tolist()
    return [
        shown.removesuffix(".0") if -SHORT < number < SHORT and "e" not in shown else text(number, place)
        for shown, number, place in zip(_near(whole, scale), numbers, places, strict=True)
    ]


def _near(whole: NDArray[np.generic], scale: NDArray[np.generic]) -> list[str]:
    """Return the shortest texts of the nearest floats, of what is too great for one that of 0."""
    if whole.dtype == object:
        whole = np.array([number if -SHORT < number < SHORT else 0 for number in whole.tolist()])
    floats = whole.astype(np.float64) / 10.0 ** scale.astype(np.int64)
    if len(floats) < FEW:
        return [*map(repr, floats.tolist())]
    shown: list[str] = pl.Series(floats).cast(pl.String).to_list()
    return shown
