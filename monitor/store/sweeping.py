"""When Python looks for garbage: not while rows are made, of which none is garbage yet."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unswept() -> Iterator[None]:
    """Let Python look for garbage after a block instead of in it: for one that makes many rows and no cycles.

    The rows of a page would have it walk through everything a process has loaded, several times.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
