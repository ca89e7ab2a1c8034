"""Reading a stream so that nothing can be missing without being named.

A window is complete only if its answer held fewer raw rows than the page limit. A full page proves nothing: the window
is cut and both parts are read. When time cannot cut it further, the venue's own cursor is followed; without one, or if
that one wanders, the span becomes a gap, the cursor stays, and reading goes on behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import SECOND, Window
from monitor.exchanges.pages import Fullness, Page, Source, proven, unsplittable
from monitor.exchanges.unbounded import forward
from monitor.records import Batch, StreamKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


async def collect(source: Source, spans: Sequence[Window]) -> AsyncIterator[Batch]:
    """Yield what every span holds, window by window, each with the interval it proves."""
    fullness = Fullness(source.page)
    for span in spans:
        position, length = span.start, min(source.window or span.milliseconds, span.milliseconds)
        walked = source.walk(span) if span.milliseconds > 2 * length else None
        if walked is not None:
            async for batch in _walked(source.key, span.start, walked):
                position = max(position, batch.cursor or position)
                yield batch
        while position < span.end:
            window = Window(position, min(position + length, span.end))
            page = await source.read(window)
            if not fullness.full(page.raw_rows):
                yield proven(source.key, window, page)
                position, length = window.end, _longer(source, window, page, fullness.target)
            elif any(time >= window.end + 2 * max(source.grain, SECOND) for time in page.times):
                async for batch in forward(source, Window(position, span.end), page, fullness):
                    yield batch
                break
            elif window.milliseconds > source.grain:
                length = _shorter(source, window, page, fullness.target)
            else:
                yield await unsplittable(source, window, page)
                position = window.end


async def _walked(key: StreamKey, start: int, pages: AsyncIterator[tuple[Page, int]]) -> AsyncIterator[Batch]:
    async for page, reached in pages:
        if page.quarantined or reached <= start:
            # A bad row, or a page within one millisecond: windows have to say where it lies.
            yield Batch(key, page.fills, page.movements, raw_rows=page.raw_rows, calls=page.calls)
            if page.quarantined:
                return
            continue
        yield proven(key, Window(start, reached), page)
        start = reached


def _longer(source: Source, window: Window, page: Page, target: float) -> int:
    """Return the next window's length: as many rows as aimed at if the density stays, at most eight times."""
    factor = min(8.0, target / page.raw_rows) if page.raw_rows else 8.0
    grown = max(source.grain, int(window.milliseconds * max(factor, 0.5)))
    return min(grown, source.window) if source.window else grown


def _shorter(source: Source, window: Window, page: Page, target: float) -> int:
    """Return a shorter length for a window that was full: by density, and at least halved; whole grains."""
    times = [time for time in page.times if window.start <= time < window.end]
    seen = times[-1] - times[0] if len(times) > 1 else 0
    guess = int(seen * target / len(times)) if times else 0
    half = window.milliseconds // 2
    length = min(half, guess) if guess else half
    return max(source.grain, length // source.grain * source.grain)
