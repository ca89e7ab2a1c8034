"""What a stream's pages are, when one is full, and what a page proves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from monitor.records import Batch, Fill, Finding, Gap, Movement, Quarantined, StreamKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.clock import Window

# Aim at pages this full: a denser stretch then rarely needs a cut.
AIM = 0.6
# A venue that ignores `limit` answers with its own round number; such a page is taken for full.
ROUND_NUMBERS = frozenset({20, 25, 30, 40, 50, 100, 150, 200, 250, 300, 500, 512, 1000, 1500, 2000})
# Pages with fewer rows than any venue's default are complete even where the page size is unknown.
SMALLEST_PAGE = 10


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: the rows made of it, and how many raw rows it held, which alone decides about completeness."""

    fills: tuple[Fill, ...] = ()
    movements: tuple[Movement, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    raw_rows: int = 0
    calls: int = 1

    @property
    def times(self) -> list[int]:
        """The times of the rows, oldest first."""
        return sorted([fill.time for fill in self.fills] + [move.time for move in self.movements])


class Source(Protocol):
    """A stream at a venue. Windows are half open; a source widens them where the venue's `since` is coarse."""

    key: StreamKey
    window: int | None
    page: int | None
    grain: int
    order: Literal["oldest", "newest", "unknown"]
    history: int | None

    async def read(self, window: Window) -> Page:
        """Return the answer for a window; rows outside it may be among them."""
        ...

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return every row of a window by the venue's own cursor; None if it has none or it wandered."""
        ...

    def walk(self, span: Window) -> AsyncIterator[tuple[Page, int]] | None:
        """Return pages by ascending trade id, each with the instant up to which it is complete; None if unable."""
        ...


class Fullness:
    """Judges whether a page may be cut; learns an unknown page size from the largest page seen."""

    def __init__(self, page: int | None) -> None:
        """`page` is the venue's page limit, None where it is not known."""
        self._page = page
        self._largest = SMALLEST_PAGE

    @property
    def target(self) -> float:
        """Rows to aim at in one window."""
        return AIM * (self._page or self._largest)

    def full(self, rows: int) -> bool:
        """Tell whether more rows may have been left out."""
        if self._page is not None:
            return rows >= self._page or rows in ROUND_NUMBERS
        # A page smaller than another of the same endpoint was not cut: the limit is at least that other one.
        full = rows >= self._largest or rows in ROUND_NUMBERS
        self._largest = max(self._largest, rows)
        return full


def proven(key: StreamKey, window: Window, page: Page) -> Batch:
    """Return a complete window; rows that could not be read leave it unproven."""
    gap = None
    if page.quarantined:
        gap = Gap(window.start, window.end, f"{len(page.quarantined)} rows are in quarantine")
    return Batch(
        key,
        page.fills,
        page.movements,
        proven=None if gap else (window.start, window.end),
        cursor=None if gap else window.end,
        gap=gap,
        quarantined=page.quarantined,
        findings=finding(key, page.quarantined[0].reason) if gap else (),
        raw_rows=page.raw_rows,
        calls=page.calls,
    )


def finding(key: StreamKey, reason: str) -> tuple[Finding, ...]:
    """Return what a person must know of a gap in a stream."""
    subject = " ".join(part for part in (key.account, key.kind, key.book, key.symbol) if part)
    return (
        Finding("gap", subject, f"Rows may be missing: {reason}.", "See `monitor gaps`; it is read again each time."),
    )


async def unsplittable(source: Source, window: Window, page: Page) -> Batch:
    """Return a window that time cannot cut, by the venue's own cursor; a gap if it has none or it wandered."""
    drained = await source.drain(window, page)
    if drained is not None:
        return proven(source.key, window, drained)
    reason = f"{page.raw_rows} rows in {window.milliseconds} ms fill a page, and the venue offers no way past it"
    return Batch(
        source.key,
        page.fills,
        page.movements,
        gap=Gap(window.start, window.end, reason),
        quarantined=page.quarantined,
        findings=finding(source.key, reason),
        raw_rows=page.raw_rows,
        calls=page.calls,
    )
