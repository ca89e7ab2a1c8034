"""Two things at a time: compiled code holds no lock, so a second core takes half of the work.

What comes out, and in which order, is what one thread gives: nothing is shared but what is only read.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
S = TypeVar("S")
WORKERS = 2
# Below this many rows a thread costs more than it brings.
MANY = 50_000


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, each made while the one before is at work."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
            del item


def side_by_side(function: Callable[[S], T], arguments: Iterable[S], rows: int) -> list[T]:
    """Return the results for some arguments, in their order, two at a time where there are many rows."""
    if rows < MANY:
        return [function(argument) for argument in arguments]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(function, arguments))
