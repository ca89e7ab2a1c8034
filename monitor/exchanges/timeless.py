"""Lists that cannot be asked for by time, or not from a start: newest rows first, page by page, until they are older.

Rows that come meanwhile push others to later pages, where they are met again; none is passed over. A list that does not
go on where it must is an error: what was read of it proves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.clock import iso
from monitor.errors import CallRejected, VenueUnavailable
from monitor.exchanges.drains import joined, token_of
from monitor.exchanges.pages import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from monitor.clock import Window
    from monitor.exchanges.client import Answer
    from monitor.exchanges.facts import Cursor

    Ask = Callable[[Mapping[str, object]], Awaitable[Answer]]

MOST_PAGES = 2000


async def newest_first(ask: Ask, read: Callable[[Answer], Page], cursor: Cursor, size: int, window: Window) -> Page:
    """Return every row from the window's start on; `size` is the length of a page.

    `raw_rows` is 0: the window is whole, however many rows it has.

    Raises:
        VenueUnavailable: the list does not go on.
        CallRejected: it is longer than anybody should ask for.
    """
    total, seen = Page(calls=0), set[str]()
    params: dict[str, object] = _first(cursor, window)
    for number in range(1, MOST_PAGES + 1):
        answer = await ask(params)
        page = read(answer)
        total = joined(total, page)
        if len(answer.rows) < max(1, size) or (page.times and page.times[0] < window.start):
            return replace(total, raw_rows=0)
        following = _following(cursor, answer, page, number)
        if following is None or str(following) in seen:
            raise VenueUnavailable("The list does not say how it goes on.", "It will be read again.")
        seen.add(str(following))
        params = {cursor.param: following}
    raise CallRejected(f"The list has more than {MOST_PAGES} pages.")


def _first(cursor: Cursor, window: Window) -> dict[str, object]:
    if cursor.kind == "before":
        return {cursor.param: iso(window.end)}
    return {cursor.param: 1} if cursor.kind == "page" else {}


def _following(cursor: Cursor, answer: Answer, page: Page, number: int) -> object:
    """Return what asks for the next page; a `before` asks for the oldest row again, with all of its instant."""
    if cursor.kind == "page":
        return number + 1
    if cursor.kind == "offset":
        return number * len(answer.rows)
    if cursor.kind == "before":
        return iso(page.times[0] + 1) if page.times else None
    return token_of(answer, cursor)
