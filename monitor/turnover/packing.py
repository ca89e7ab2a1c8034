"""The running sums of track rows as they are written down: those that are not 0, behind a head that tells which.

    sums = head (a bit for each of schema.SUMS, little-endian) + float64 of each whose bit is set, little-endian

A row of 25 columns costs a store several times what one value does, and in most rows half of the sums are 0.
`monitor.schema.unpacked` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.schema import HEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray


def packed(sums: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return each row of a grid of sums as bytes; a sum of -0.0 is 0, as the store has it."""
    held = sums != 0
    bits = np.packbits(held, axis=1, bitorder="little")
    heads = np.zeros((len(sums), HEAD), dtype=np.uint8)
    heads[:, : bits.shape[1]] = bits
    patterns = heads.view("<u4").ravel()
    found = np.empty(len(sums), dtype=object)
    # Rows of one pattern are as long as each other; sums that have begun stay, so that a history has few patterns.
    kinds, first = np.unique(patterns, return_index=True)
    for pattern, example in zip(kinds, first, strict=True):
        at = slice(None) if len(kinds) == 1 else np.flatnonzero(patterns == pattern)
        found[at] = _of_one_pattern(heads[at], sums[at][:, np.flatnonzero(held[example])])
    return found


def _of_one_pattern(heads: NDArray[np.uint8], values: NDArray[np.float64]) -> list[bytes]:
    count, width = values.shape
    rows = np.empty((count, HEAD + 8 * width), dtype=np.uint8)
    rows[:, :HEAD] = heads
    rows[:, HEAD:] = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(count, 8 * width)
    listed: list[bytes] = rows.view(f"V{rows.shape[1]}").ravel().tolist()
    return listed
