"""Memory that a service gives back: freed memory, and code that can be read from its file again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monitor.daemon.memory import SMAPS, STATM, give_back, resident, untouched_code

PIECE = """{start:x}-{end:x} {modes} 00000000 08:01 {inode} {file}
Size:            20480 kB
Private_Dirty:       {dirty} kB
Swap:                0 kB
VmFlags: rd ex mr mw me
"""
START, GREAT = 0x7F0000000000, 20 * 1024 * 1024


def piece(modes: str = "r-xp", dirty: int = 0, size: int = GREAT, file: str = "/usr/lib/great.so") -> str:
    """Return one mapping as Linux tells it."""
    inode = 77 if file.startswith("/") else 0
    return PIECE.format(start=START, end=START + size, modes=modes, inode=inode, file=file, dirty=dirty)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (piece(), [(START, START + GREAT)]),
        (piece(modes="rw-p"), []),
        (piece(modes="r--p"), []),
        (piece(dirty=4), []),
        (piece(size=4096), []),
        (piece(file=""), []),
        (piece(modes="rw-p") + piece(), [(START, START + GREAT)]),
    ],
)
def test_only_untouched_code_of_files_is_let_go(told: str, expected: list[tuple[int, int]]) -> None:
    """Great pieces of code as they are in their file, not data, not what was changed, not what has no file."""
    assert list(untouched_code(told)) == expected


@pytest.mark.skipif(not SMAPS.exists(), reason="Linux tells what memory is used for")
def test_a_process_goes_on_after_it_gave_back() -> None:
    """Code that was let go is there again when it is called, and the process holds no more than before."""
    held = _resident()
    give_back()
    assert _resident() <= held + 1024
    assert float(np.ones((64, 64)).dot(np.ones((64, 64))).sum()) == 64**3


@pytest.mark.skipif(not STATM.exists(), reason="Linux tells how much memory is used")
def test_what_a_process_holds_is_told_in_bytes() -> None:
    """Thirty-two written MiB more are told as about that much more."""
    before = resident()
    block = np.ones(32 * 2**20, np.uint8)
    assert resident() - before == pytest.approx(block.nbytes, rel=0.1)


def _resident() -> int:
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])
