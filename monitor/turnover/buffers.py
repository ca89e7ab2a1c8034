"""Memory that is taken again once nobody looks at it: where rows are many, fresh memory costs more than the work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A buffer is made as great as the next multiple: what comes next is mostly of about the same size.
STEP = 2**25
# Smaller arrays the allocator itself takes from what was let go.
LEAST = 2**22
# Who holds a buffer that no array looks at: the list, and whoever counts.
ALONE = 2


class Buffers:
    """Buffers of one computation, used by one thread at a time. Arrays made of them are not cleared.

    Every array holds the buffer it lies in, however it was cut from another: as long as one does, that is not taken.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: list[NDArray[np.uint8]] = []

    def array(self, count: int, kind: np.dtype[np.void]) -> NDArray[np.void]:
        """Return room for records, their content whatever it was."""
        size = count * kind.itemsize
        if size < LEAST:
            return np.empty(count, kind)
        return self._buffer(size)[:size].view(kind)

    def _buffer(self, size: int) -> NDArray[np.uint8]:
        free = [place for place in range(len(self._kept)) if sys.getrefcount(self._kept[place]) == ALONE]
        fits = [place for place in free if len(self._kept[place]) >= size]
        if fits:
            return self._kept[min(fits, key=lambda place: len(self._kept[place]))]
        for place in reversed(free):  # too small: a greater one comes in their place
            del self._kept[place]
        made = np.empty(-(-size // STEP) * STEP, np.uint8)
        self._kept.append(made)
        return made
