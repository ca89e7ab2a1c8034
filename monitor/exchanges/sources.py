"""The streams of an account as the collector reads them: fills of a book or market, deposits, withdrawals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Literal

from monitor.clock import SECOND, Window
from monitor.errors import CallRejected
from monitor.exchanges.movements import movements, transaction
from monitor.exchanges.normalise import Origin, fills
from monitor.exchanges.pages import Page

if TYPE_CHECKING:
    from monitor.exchanges.bodies import Json
    from monitor.exchanges.client import Answer, Client
    from monitor.exchanges.profiles import Cursor
    from monitor.records import Book, Fill, StreamKey

# How a unified ccxt class is told the market family; a symbol says it by itself.
BOOK_PARAMS: dict[Book, dict[str, object]] = {
    "spot": {},
    "margin": {"marginMode": "cross"},
    "linear": {"type": "swap", "subType": "linear"},
    "inverse": {"type": "swap", "subType": "inverse"},
    "option": {"type": "option"},
}
DRAIN_PAGES = 200
DRIFT_TRIES = 3


class FillSource:
    """The fills of one book, or of one market where the venue wants one."""

    def __init__(self, client: Client, key: StreamKey) -> None:
        """Read `key` through `client`."""
        facts = client.profile
        self.key, self.window, self.page, self.grain = key, facts.window, facts.page, facts.grain
        self.order, self.history = facts.order, facts.history
        self._client = client
        self._cursor = facts.cursor
        self._origin = Origin(key, client.account.exchange, facts.not_trades)

    async def read(self, window: Window) -> Page:
        """Return the fills of a window, widened by one grain where `since` is coarse or excludes itself."""
        return self._page_of(await self._ask(window, {}))

    async def _ask(self, window: Window, params: Mapping[str, object], *, timed: bool = True) -> Answer:
        facts, client = self._client.profile, self._client
        since = window.start - (facts.grain if facts.exclusive_since or facts.grain > 1 else 0)
        end = {"until": window.end - 1} if facts.until and timed else {}
        family = {} if self.key.symbol and self.key.book != "margin" else BOOK_PARAMS[self.key.book]
        return await client.call(
            "fetch_my_trades",
            self.key.symbol or None,
            max(0, since) if timed else None,
            facts.page if facts.ask else None,
            {**family, **end, **params},
        )

    def _page_of(self, answer: Answer) -> Page:
        rows = fills(answer.parsed, answer.rows, self._origin, self._client.market)
        return Page(rows.fills, rows.movements, rows.quarantined, len(answer.rows), len(answer.bodies))

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return every fill of a window that time cannot cut, by the venue's own cursor."""
        if self._cursor is None:
            return None
        if self._cursor.kind == "id":
            return await self._drain_ids(window, page, self._cursor)
        if self._cursor.kind == "offset":
            return await self._drain_offsets(window, self._cursor)
        return await self._drain_tokens(window, self._cursor)

    async def _drain_ids(self, window: Window, page: Page, cursor: Cursor) -> Page | None:
        ids = [fill.sequence for fill in page.fills if fill.sequence is not None]
        if not ids or len(ids) != len(page.fills):
            return None
        total, last = page, max(ids)
        for _ in range(DRAIN_PAGES):
            more = self._page_of(await self._ask(window, {cursor.param: last + 1}, timed=False))
            total = joined(total, more)
            found = [fill.sequence or 0 for fill in more.fills]
            if found and min(found) <= last:
                return None  # the venue does not start where it was told to
            if not found or max(fill.time for fill in more.fills) >= window.end:
                return total
            last = max(found)
        return None

    async def _drain_offsets(self, window: Window, cursor: Cursor) -> Page | None:
        """Follow an offset; each page must begin with the row the last one ended with, else rows have moved."""
        for _ in range(DRIFT_TRIES):
            total, offset, tail = Page(calls=0), 0, None
            for _ in range(DRAIN_PAGES):
                answer = await self._ask(window, {cursor.param: offset})
                rows = answer.rows
                if tail is not None and (not rows or named(rows[0]) != tail):
                    break
                total = joined(total, self._page_of(answer))
                if len(rows) < (self.page or 0):
                    return total
                tail, offset = named(rows[-1]), offset + len(rows) - 1
            else:
                return None
        return None

    async def _drain_tokens(self, window: Window, cursor: Cursor) -> Page | None:
        total, params = Page(calls=0), dict[str, object]()
        seen: set[str] = set()
        for _ in range(DRAIN_PAGES):
            answer = await self._ask(window, params)
            total = joined(total, self._page_of(answer))
            token = token_of(answer, cursor)
            if len(answer.rows) < (self.page or 1):
                return total
            if token is None or token in seen:
                return None  # a full page that does not say how to go on proves nothing
            seen.add(token)
            params = {cursor.param: token}
        return None

    def walk(self, span: Window) -> AsyncIterator[tuple[Page, int]] | None:
        """Return a market's whole history by ascending trade id, where the venue can start at id 0."""
        if not self._client.profile.walk or not self.key.symbol or self._cursor is None or self._cursor.kind != "id":
            return None
        return self._walk(span, self._cursor)

    async def _walk(self, span: Window, cursor: Cursor) -> AsyncIterator[tuple[Page, int]]:
        first = 0
        while True:
            page = self._page_of(await self._ask(span, {cursor.param: first}, timed=False))
            ids = [fill.sequence for fill in page.fills]
            if any(one is None or one < first for one in ids):
                return  # ids do not ascend from where we asked: windows have to do
            if page.raw_rows < (self.page or 1) and not page.quarantined:
                yield page, span.end
                return
            # The last millisecond of a full page may go on in the next one.
            yield page, min(span.end, max((fill.time for fill in page.fills), default=span.start))
            if page.quarantined:
                return
            first = max(one for one in ids if one is not None) + 1


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
    """Return two pages as one, each fill once."""
    known = {fill.key for fill in one.fills}
    more: tuple[Fill, ...] = tuple(fill for fill in other.fills if fill.key not in known)
    return Page(
        one.fills + more,
        one.movements + other.movements,
        one.quarantined + other.quarantined,
        one.raw_rows + other.raw_rows,
        one.calls + other.calls,
    )


class TransactionSource:
    """The deposits or the withdrawals of an account."""

    # Several venues give these times in whole seconds.
    grain = SECOND

    def __init__(self, client: Client, key: StreamKey) -> None:
        """Read `key` (kind deposits or withdrawals) through `client`.

        Raises:
            CallRejected: ccxt offers no way to list them for this exchange.
        """
        facts = client.profile
        self.key, self.window, self.page = key, facts.transactions_window, facts.transactions_page
        self.order: Literal["oldest", "newest", "unknown"] = "unknown"
        self.history = facts.transactions_history
        self._client = client
        self._origin = Origin(key, client.account.exchange, facts.not_transactions)
        self._method = transaction_method(client.can, key.kind)
        if self._method is None:
            raise CallRejected(f"{client.account.exchange} does not list {key.kind} through ccxt.")

    async def read(self, window: Window) -> Page:
        """Return the transactions of a window."""
        answer = await self._client.call(
            self._method or "", None, max(0, window.start - self.grain), self.page, {"until": window.end - 1}
        )
        wanted = self.key.kind.removesuffix("s")
        rows = movements(answer.parsed, answer.rows, self._origin, transaction)
        mine = tuple(move for move in rows.movements if move.kind == wanted)
        return Page((), mine, rows.quarantined, len(answer.rows), len(answer.bodies))

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return nothing: no venue is known to have more than a page of transfers in a second."""
        del window, page
        return None

    def walk(self, span: Window) -> None:
        """Return nothing: transactions are few, windows do."""
        del span


def transaction_method(can: Callable[[str], bool], kind: str) -> str | None:
    """Return the ccxt method that lists deposits or withdrawals, None if there is none."""
    own = {"deposits": ("fetchDeposits", "fetch_deposits"), "withdrawals": ("fetchWithdrawals", "fetch_withdrawals")}
    for name, method in (own[kind], ("fetchDepositsWithdrawals", "fetch_deposits_withdrawals")):
        if can(name):
            return method
    return None
