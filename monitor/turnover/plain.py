"""What finished partitions did as plain rows of each table, for the few rows that a page of new fills brings.

A frame costs a millisecond however short it is; these rows are the same, number for number.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor.turnover.arrays import NONE, WAC
from monitor.turnover.results import MADE, OPTIONAL, SHORT, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.schema import Columns
    from monitor.turnover.partition import Finished
    from monitor.turnover.partitions import Origins
    from monitor.turnover.results import Rows

    Value = str | int | float | bytes | None
    Row = tuple[Value, ...]


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


def _columns(rows: Rows, schema: Columns, kinds: Sequence[str]) -> list[list[Value]]:
    """Return the columns of a table as Python's values."""
    return [_values(name, kind, rows, kinds) for name, kind in schema.items()]


def _values(name: str, kind: str, rows: Rows, kinds: Sequence[str]) -> list[Value]:
    if name == "quantity":
        return _texts(rows["whole"], rows["scale"])
    if name == "kind":
        return [kinds[place] for place in rows["kind"].tolist()]
    if kind == "Binary":
        return list(rows[name].tolist())
    if kind == "Float64":
        floats = rows[name].astype(np.float64).tolist()
        return [None if value != value else value for value in floats] if name == "basis" else floats  # noqa: PLR0124  NaN
    whole = rows[name].astype(np.int64).tolist()
    return [None if value == NONE else value for value in whole] if name in OPTIONAL else whole


def _texts(whole: NDArray[np.generic], scale: NDArray[np.generic]) -> list[Value]:
    """Return whole quantities / 10 ** scale as canonical decimal texts.

    Up to 15 digits the shortest text of the nearest float is the decimal itself; the rest goes digit by digit.
    """
    numbers, places = whole.tolist(), scale.tolist()
    near = [
        repr(number / 10.0**place) if -SHORT < number < SHORT else "e"
        for number, place in zip(numbers, places, strict=True)
    ]
    return [
        text(number, place) if "e" in shown else shown.removesuffix(".0")
        for shown, number, place in zip(near, numbers, places, strict=True)
    ]
