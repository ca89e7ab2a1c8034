"""Sums as one value: what is read is what was written."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.schema import HEAD, SUMS, unpacked, unpacking
from monitor.turnover.packing import packed

VALUES = st.one_of(st.just(0.0), st.just(-0.0), st.floats(allow_nan=False), st.integers(-(2**53), 2**53).map(float))
ROW = st.lists(VALUES, min_size=len(SUMS), max_size=len(SUMS))


@settings(max_examples=60, derandomize=True)
@given(rows=st.lists(ROW, max_size=5), names=st.lists(st.sampled_from(SUMS), min_size=2, unique=True))
def test_sums_are_read_as_they_were_written(rows: list[list[float]], names: list[str]) -> None:
    """All of them or some in any order, to the last bit; those that are 0 take no room."""
    found = packed(np.array(rows).reshape(len(rows), len(SUMS)))
    for row, one in zip(rows, found, strict=True):
        assert unpacked(one) == tuple(row)
        assert unpacking(one[:HEAD], tuple(names))(one) == tuple(row[SUMS.index(name)] for name in names)
        assert len(one) == HEAD + 8 * sum(value != 0 for value in row)
