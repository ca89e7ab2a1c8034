"""Venues that do not honour an end: every answer starts, or ends, wherever the venue likes.

Cutting windows is of no use there. If answers run oldest first from `since`, they are chained: the next one asks from
the last row's time and must begin with that row. If they are the newest rows whatever is asked, only the stretch they
span is known, and what lies before it is a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import Window
from monitor.exchanges.drains import joined
from monitor.exchanges.pages import finding, proven, unsplittable
from monitor.records import Batch, Gap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.exchanges.pages import Fullness, Page, Source


async def forward(source: Source, span: Window, page: Page, fullness: Fullness) -> AsyncIterator[Batch]:
    """Yield what a span holds; `page` is the full answer for its start, which ran past the end asked for."""
    ascending, position, step = source.order == "oldest", span.start, source.grain
    while True:
        reached = min(page.times[-1], span.end)
        if reached >= span.end and ascending:
            yield proven(source.key, Window(position, span.end), page)
            return
        if page.times[-1] <= position:  # a page of one instant
            reached = min(position + step, span.end)
            yield await unsplittable(source, Window(position, reached), page)
            if reached >= span.end:
                return
            following = await source.read(Window(reached, span.end))
            # The same rows again prove nothing; longer strides reach the end of a day without a call for each second.
            step = 2 * step if _keys(following) == _keys(page) else source.grain
        else:
            following = await source.read(Window(page.times[-1], max(page.times[-1] + 1, span.end)))
            full = fullness.full(following.raw_rows)
            ascending = ascending or _chained(page, following, source.grain, full=full)
            if not ascending or not _keys(page) & _keys(following):
                for batch in _ended(source, Window(position, span.end), (page, following), full=full or ascending):
                    yield batch
                return
            if reached > position:
                yield proven(source.key, Window(position, reached), page)
        position, page = reached, following
        if position >= span.end:
            return
        if not fullness.full(page.raw_rows):
            yield proven(source.key, Window(position, span.end), page)
            return


def _keys(page: Page) -> set[str]:
    return {fill.key for fill in page.fills} | {move.key for move in page.movements}


def _chained(page: Page, following: Page, grain: int, *, full: bool) -> bool:
    """Tell whether an answer goes on where the one before ended: full, none much earlier, and some row in both."""
    early = 0 if grain == 1 else 2 * grain  # such a start is widened
    return full and following.times[0] >= page.times[-1] - early and bool(_keys(page) & _keys(following))


def _ended(source: Source, span: Window, pages: tuple[Page, Page], *, full: bool) -> list[Batch]:
    """Return what two answers prove that do not hang together."""
    page, following = pages
    if not full or not following.times or following.times[-1] <= page.times[-1]:
        # Rows behind the page may be in the second answer only: the page of an oldest-first venue was cut.
        return _newest(source, span, joined(page, following), page.times[0])
    reason = "an answer does not go on where the last one ended"
    found = joined(page, following)
    lost = Batch(
        source.key,
        found.fills,
        found.movements,
        gap=Gap(span.start, span.end, reason),
        findings=finding(source.key, reason),
    )
    return [lost]


def _newest(source: Source, span: Window, page: Page, oldest: int) -> list[Batch]:
    """Return what the newest page proves: the stretch after its oldest row; before that rows may be missing."""
    if oldest < span.start:
        return [proven(source.key, span, page)]
    edge = min(oldest + 1, span.end)
    reason = "the venue gives only its newest rows"
    gap = Gap(span.start, edge, reason)
    lost = Batch(source.key, gap=gap, findings=finding(source.key, reason))
    return [lost, *([proven(source.key, Window(edge, span.end), page)] if edge < span.end else [])]
