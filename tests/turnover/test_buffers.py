"""Memory that is used again, and combinations of codes that become numbers."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.turnover.buffers import Buffers
from monitor.turnover.fills import FEW, shaped

ROW = np.dtype([("time", np.int64), ("value", np.float64)])
MANY = 400_000


def test_a_buffer_is_taken_again_only_when_nobody_looks_at_it() -> None:
    """As long as a part of an array is held, however it was cut, what it shows stays; then its memory is used again."""
    buffers = Buffers()
    first = buffers.array(MANY, ROW)
    address, first["time"] = first.ctypes.data, 7
    part = first[5:10]["time"]
    del first
    other = buffers.array(MANY, ROW)
    other["time"] = 8
    assert part.tolist() == [7] * 5
    del part
    assert buffers.array(MANY, ROW).ctypes.data == address != other.ctypes.data


@pytest.mark.parametrize("sizes", [(3, 2, 4), (2**21, 2**21, 2**21), (2**31, 2**31, 2**31)])
def test_combinations_are_numbered_as_they_turn_up(sizes: tuple[int, ...]) -> None:
    """Equal combinations have one number, however many there might be; -1, a missing name, is a code like any other."""
    rows = [(0, 1, 3), (-1, 1, 3), (0, 1, 3), (0, -1, 3), (2, 1, -1), (-1, 1, 3)]
    columns = [np.array(column, np.int32) for column in zip(*rows, strict=True)]
    codes, firsts = shaped(columns, sizes)
    assert (codes.tolist(), firsts.tolist()) == ([0, 1, 0, 2, 3, 1], [0, 1, 3, 4])


def test_more_combinations_than_there_was_room_for() -> None:
    """The table grows until all have their place."""
    codes, firsts = shaped([np.arange(2 * FEW, dtype=np.int32)], [2 * FEW])
    assert codes.tolist() == firsts.tolist() == list(range(2 * FEW))
