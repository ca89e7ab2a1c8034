"""Give memory back that only work needed: what was freed but kept, and code that ran once.

A service that works for a second a minute should not hold all minute what that second took. Three things do: the
database's page cache, freed memory that the C library keeps for later, and the resident pages of great libraries (a
compiler is loaded to run what it compiled long ago). All of it comes back by itself when it is needed again.
Only Linux tells enough to do the last two; elsewhere they are left out.
"""

from __future__ import annotations

import ctypes
import re
from contextlib import suppress
from mmap import PAGESIZE
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SMAPS = Path("/proc/self/smaps")
STATM = Path("/proc/self/statm")
MADV_DONTNEED = 4  # of Linux, on every machine it runs on
# Smaller pieces of code are not worth reading again.
LEAST_BYTES = 8 * 1024 * 1024
CODE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-xp [0-9a-f]+ \S+ [1-9]\d* +/")


def give_back() -> None:
    """Return to the system what this process has freed, and the pages of code that can be read from its files again."""
    with suppress(OSError, AttributeError):  # another C library, or no /proc
        library = ctypes.CDLL(None)
        library.malloc_trim(0)
        for start, end in untouched_code(SMAPS.read_text()):
            # The pages are as in the file, which is mapped on: the next call into them reads them again.
            library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)


def resident() -> int:
    """Return the bytes of memory this process holds; 0 where the system does not tell."""
    with suppress(OSError):
        return int(STATM.read_text().split()[1]) * PAGESIZE
    return 0


def untouched_code(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield where great pieces of code lie, of which no page differs from its file (a debugger changes pages)."""
    for piece in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps):
        found = CODE.match(piece)
        if found is None:
            continue
        start, end = int(found[1], 16), int(found[2], 16)
        clean = re.search(r"^Private_Dirty: +0 kB$", piece, re.MULTILINE)
        swapped = re.search(r"^Swap: +0 kB$", piece, re.MULTILINE)
        if clean and swapped and end - start >= LEAST_BYTES:
            yield start, end
