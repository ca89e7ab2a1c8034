"""The streams of an account as the collector reads them: fills of a book or market, deposits, withdrawals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING, Literal

from monitor.clock import SECOND, Window
from monitor.errors import CallRejected
from monitor.exchanges.drains import DRAIN_PAGES, Drain, joined
from monitor.exchanges.extra import CONTRACTS
from monitor.exchanges.extra_rows import charged, each
from monitor.exchanges.families import passes
from monitor.exchanges.movements import movements, transaction
from monitor.exchanges.normalise import Origin, fills
from monitor.exchanges.pages import Page
from monitor.exchanges.timeless import newest_first

if TYPE_CHECKING:
    from monitor.exchanges.client import Answer, Client
    from monitor.exchanges.facts import Cursor
    from monitor.records import StreamKey


class FillSource:
    """The fills of one book, or of one market where the venue wants one."""

    def __init__(self, client: Client, key: StreamKey) -> None:
        """Read `key` through `client`."""
        facts = client.profile
        self.key, self.page, self.grain = key, facts.page, facts.grain
        # A start that is asked for a grain earlier must not make the call longer than the venue allows.
        self._early = facts.grain if facts.exclusive_since or facts.grain > 1 else 0
        self.window = facts.window and facts.window - self._early
        self.order, self.history = facts.order, facts.history
        self._client = client
        self._cursor = facts.cursor
        usual = client.exchange.options.get("defaultType")
        self._passes = passes(client.account.exchange, key.book, key.symbol, usual)
        self._end = facts.contract_end if facts.contract_end and key.book in CONTRACTS else facts.end
        self._origin = Origin(key, client.account.exchange, facts.not_trades)

    async def read(self, window: Window) -> Page:
        """Return the fills of a window, widened by one grain where `since` is coarse or excludes itself.

        Of several passes the fullest decides whether the window was read whole.
        """
        walked = self._client.profile.newest_first
        if walked is not None:
            ask = partial(self._more, window, {})
            return await newest_first(ask, self._page_of, walked, self.page or 1, window)
        pages = [self._page_of(await self._ask(window, one)) for one in self._passes]
        return replace(reduce(joined, pages), raw_rows=max(page.raw_rows for page in pages))

    async def _ask(self, window: Window, params: Mapping[str, object], *, timed: bool = True) -> Answer:
        facts, client = self._client.profile, self._client
        since = window.start - self._early
        end = {self._end: window.end - 1} if facts.until and timed else {}
        return await client.call(
            "fetch_my_trades",
            self.key.symbol or None,
            max(0, since) if timed and facts.since else None,
            facts.page if facts.ask else None,
            {**end, **params},
        )

    async def _more(self, window: Window, one: Mapping[str, object], params: Mapping[str, object]) -> Answer:
        return await self._ask(window, {**one, **params})

    def _page_of(self, answer: Answer) -> Page:
        parsed, listed = answer.parsed, answer.rows
        trades = [row for row in parsed if not _funding(row.get("info"))]
        rows = fills(trades, [row for row in listed if not _funding(row)], self._origin, self._client.market)
        payments = each([row for row in parsed if _funding(row.get("info"))], [], self._origin, charged)
        bad = rows.quarantined + payments.quarantined
        return Page(rows.fills, payments.movements, bad, len(listed), len(answer.bodies))

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return every fill of a window that time cannot cut, by the venue's own cursor."""
        if self._cursor is None:
            return None
        if self._cursor.kind == "id":
            return await self._drain_ids(window, page, self._cursor)
        total = Page(calls=0)
        for one in self._passes:
            part = await Drain(partial(self._more, window, one), self._page_of, self.page or 0).follow(self._cursor)
            if part is None:
                return None
            total = joined(total, part)
        return total

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


def _funding(row: object) -> bool:
    """Tell whether a raw row is a funding payment told as an execution; Bybit has listed them among trades."""
    return isinstance(row, Mapping) and row.get("execType") == "Funding"


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
        self.key, self.page = key, facts.transactions_page
        self.window = facts.transactions_window and facts.transactions_window - self.grain
        self.order: Literal["oldest", "newest", "unknown"] = "unknown"
        self.history, self._end = facts.transactions_history, facts.transactions_end
        self._client = client
        self._origin = Origin(key, client.account.exchange, facts.not_transactions)
        self._method = transaction_method(client.can, key.kind)
        if self._method is None:
            raise CallRejected(f"{client.account.exchange} does not list {key.kind} through ccxt.")

    async def read(self, window: Window) -> Page:
        """Return the transactions of a window; of every currency the venue lists, where it wants one in each call."""
        facts = self._client.profile
        if facts.transactions_walk is None:
            return self._page_of(await self._ask(None, window, {self._end: window.end - 1}))
        total = Page(calls=0)
        for code in sorted(self._client.exchange.currencies or {}) if facts.transactions_by_currency else [None]:
            ask = partial(self._ask, code, None)
            total = joined(
                total, await newest_first(ask, self._page_of, facts.transactions_walk, self.page or 1, window)
            )
        return total

    async def _ask(self, code: str | None, window: Window | None, params: Mapping[str, object]) -> Answer:
        since = None if window is None else max(0, window.start - self.grain)
        size = self._client.profile.transactions_size
        asked = {**params, **({size: self.page} if size else {})}
        return await self._client.call(self._method or "", code, since, self.page, asked)

    def _page_of(self, answer: Answer) -> Page:
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
