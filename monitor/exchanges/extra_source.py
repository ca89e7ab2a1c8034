"""A stream beside fills, deposits and withdrawals as the collector reads it, by the facts of `extras.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from monitor.exchanges.drains import Drain
from monitor.exchanges.entries import entries
from monitor.exchanges.extra import CONTRACTS
from monitor.exchanges.normalise import Origin, book_of
from monitor.exchanges.pages import Page
from monitor.exchanges.timeless import newest_first

if TYPE_CHECKING:
    from monitor.clock import Window
    from monitor.exchanges.client import Answer, Client
    from monitor.exchanges.extra import Extra
    from monitor.records import Movement, StreamKey


class ExtraSource:
    """One stream; `symbol`: the market it is asked for, where the venue wants one.

    `markets`: those of its book that rows read so far name, of a stream whose rows do.
    """

    def __init__(self, client: Client, key: StreamKey, extra: Extra, symbol: str = "") -> None:
        """Read `key` through `client` by the facts of `extra`."""
        self.key, self.page, self.grain = key, extra.page, extra.grain
        self._early = extra.grain if extra.grain > 1 else 0
        self.window = extra.window and extra.window - self._early
        self.order: Literal["oldest", "newest", "unknown"] = "unknown"
        self.history = extra.history
        self._client, self._extra, self._symbol = client, extra, symbol
        self._origin = Origin(key, client.account.exchange)
        self.markets = set[str]()

    async def read(self, window: Window) -> Page:
        """Return what happened in a window."""
        cursor = self._extra.cursor
        if cursor is not None and cursor.kind == "page":
            return await newest_first(partial(self._ask, window), self._page_of, cursor, self.page or 1, window)
        return self._page_of(await self._ask(window, {}))

    async def _ask(self, window: Window, params: Mapping[str, object]) -> Answer:
        extra, client = self._extra, self._client
        since = max(0, window.start - self._early)
        asked = {**extra.params.get(self.key.book, {}), **params}
        if extra.end:
            asked = {extra.end: (window.end - 1) // extra.unit, **asked}
        if extra.start:
            asked[extra.start] = since // extra.unit
        if extra.entry is None:
            limit = self.page if extra.ask else None
            return await client.call(extra.method, self._symbol or None, None if extra.start else since, limit, asked)
        answer = await client.call(extra.method, {**asked, extra.size: self.page})
        return replace(answer, value=entries(client.exchange, extra.entry, answer.rows))

    def _page_of(self, answer: Answer) -> Page:
        rows = self._extra.read(answer.parsed, answer.rows, self._origin)
        moves = rows.movements
        if self._extra.names:
            self.markets |= set(filter(None, map(self._market, answer.rows)))
        if self.key.book in CONTRACTS and len(self._client.account.books) > 1:
            moves = tuple(inside(move) for move in moves)
        return Page((), moves, rows.quarantined, len(answer.rows), len(answer.bodies))

    def _market(self, row: object) -> str | None:
        """Return the symbol of the market a row names: BTCUSDT is a perpetual here, not the pair of the same id."""
        known = self._client.exchange.markets_by_id or {}
        found = known.get(row.get("symbol"), []) if isinstance(row, Mapping) else []
        listed = found if isinstance(found, list) else [found]
        return next((str(one["symbol"]) for one in listed if book_of(one, self.key.book) == self.key.book), None)

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return every row of a window by the venue's own cursor, None if it has none."""
        del page
        cursor = self._extra.cursor
        if cursor is None or cursor.kind == "page":
            return None
        return await Drain(partial(self._ask, window), self._page_of, self.page or 0).follow(cursor)

    def walk(self, span: Window) -> None:
        """Return nothing: these streams are thin, windows do."""
        del span


def inside(move: Movement) -> Movement:
    """Return what a contract wallet's own list says left or arrived, where the account has the other wallets too."""
    return replace(move, kind="transfer") if move.kind in {"deposit", "withdrawal"} else move
