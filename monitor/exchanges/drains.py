"""Following a venue's own cursor past a page that time cannot cut: by offset, or by a token from the body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from monitor.exchanges.pages import Page

if TYPE_CHECKING:
    from monitor.exchanges.bodies import Json
    from monitor.exchanges.client import Answer
    from monitor.exchanges.facts import Cursor
    from monitor.records import Fill, Movement

DRAIN_PAGES = 200
DRIFT_TRIES = 3
Params: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Drain:
    """How one window is asked for with parameters of the cursor, how an answer is read, and how long a page is."""

    ask: Callable[[Params], Awaitable[Answer]]
    read: Callable[[Answer], Page]
    size: int

    async def follow(self, cursor: Cursor) -> Page | None:
        """Return every row of the window; None if the cursor wandered or says no more how to go on."""
        return await (self._offsets(cursor) if cursor.kind == "offset" else self._tokens(cursor))

    async def _offsets(self, cursor: Cursor) -> Page | None:
        """Follow an offset; each page must begin with the row the last one ended with, else rows have moved."""
        for _ in range(DRIFT_TRIES):
            total, offset, tail = Page(calls=0), 0, None
            for _ in range(DRAIN_PAGES):
                answer = await self.ask({cursor.param: offset})
                rows = answer.rows
                if tail is not None and (not rows or named(rows[0]) != tail):
                    break
                total = joined(total, self.read(answer))
                if len(rows) < self.size:
                    return total
                tail, offset = named(rows[-1]), offset + len(rows) - 1
            else:
                return None
        return None

    async def _tokens(self, cursor: Cursor) -> Page | None:
        total, params = Page(calls=0), dict[str, object]()
        seen: set[str] = set()
        for _ in range(DRAIN_PAGES):
            answer = await self.ask(params)
            total = joined(total, self.read(answer))
            token = token_of(answer, cursor)
            if len(answer.rows) < max(1, self.size):
                return total
            if token is None or token in seen:
                return None  # a full page that does not say how to go on proves nothing
            seen.add(token)
            params = {cursor.param: token}
        return None


def named(row: object) -> str:
    """Return what identifies a raw row from page to page."""
    return str(row)


def token_of(answer: Answer, cursor: Cursor) -> str | None:
    """Return the venue's token for the next page: from the envelope of the body, else from its last row."""
    body = answer.bodies[-1].value if answer.bodies else None
    for node in (*_objects(body, 3), *answer.rows[-1:]):
        for field in cursor.fields:
            if isinstance(node, Mapping) and node.get(field):
                return str(node[field])
    return None


def _objects(value: Json, depth: int) -> list[Json]:
    if not isinstance(value, dict) or depth == 0:
        return []
    return [value, *(found for child in value.values() for found in _objects(child, depth - 1))]


def joined(one: Page, other: Page) -> Page:
    """Return two pages as one, each fill and movement once."""
    known = {fill.key for fill in one.fills}
    moved = {move.key for move in one.movements}
    more: tuple[Fill, ...] = tuple(fill for fill in other.fills if fill.key not in known)
    moves: tuple[Movement, ...] = tuple(move for move in other.movements if move.key not in moved)
    return Page(
        one.fills + more,
        one.movements + moves,
        one.quarantined + other.quarantined,
        one.raw_rows + other.raw_rows,
        one.calls + other.calls,
    )
