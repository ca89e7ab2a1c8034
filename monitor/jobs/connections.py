"""The open connections of a process: one client per account, its markets loaded once and refreshed now and then."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from monitor.clock import Clock, SystemClock
from monitor.exchanges.client import Client, Surroundings
from monitor.store import markets

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from monitor.errors import VenueError
    from monitor.records import Account, StreamKey
    from monitor.store.database import Writer

MARKETS_SECONDS = 6 * 3600.0
# What decides which markets a venue lists to an account: venue, server, books, and the modes of the ccxt object.
Listing = tuple[str, str | None, tuple[str, ...], str]
SLOW_STREAM_SECONDS = 3600.0


@dataclass
class Connections:
    """Clients by account; use it as an async context manager that lives as long as the process collects."""

    writer: Writer
    clock: Clock = field(default_factory=SystemClock)
    surroundings: Surroundings = field(default_factory=Surroundings)
    monotonic: Callable[[], float] = time.monotonic
    _clients: dict[str, Client] = field(default_factory=dict)
    _loaded: dict[str, float] = field(default_factory=dict)
    _read_at: dict[StreamKey, float] = field(default_factory=dict)
    _paused: dict[str, tuple[float, VenueError]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    _listings: dict[Listing, Client] = field(default_factory=dict)
    _loading: dict[Listing, asyncio.Lock] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        """Open without sending anything."""
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every client."""
        await self._stack.__aexit__(kind, error, trace)
        gc.unfreeze()

    async def client(self, account: Account) -> Client:
        """Return the account's client with markets loaded, those of earlier runs included.

        Raises:
            VenueError: the venue did not give its markets, or refused the key.
        """
        client = self._clients.get(account.name)
        if client is None:
            known = markets.load(self.writer.connection, account.exchange)
            client = await self._stack.enter_async_context(Client(account, self.surroundings, known))
            self._clients[account.name] = client
        if self._is_old(account.name):
            listing = listing_of(account)
            async with self._loading.setdefault(listing, asyncio.Lock()):
                if self._is_old(account.name):  # another job of the same account may have been here meanwhile
                    await self._load(client, listing)
        return client

    def _is_old(self, account: str) -> bool:
        return self.monotonic() - self._loaded.get(account, float("-inf")) > MARKETS_SECONDS

    async def _load(self, client: Client, listing: Listing) -> None:
        """Load a client's markets, or let it share those of an account that has loaded the same ones lately."""
        name, first = client.account.name, self._listings.get(listing)
        if first is None or first is client or self._is_old(first.account.name):
            listed = await client.load_markets(again=name in self._loaded)
            markets.save(self.writer, client.account.exchange, listed.values(), self.clock.now())
            self._listings[listing], self._loaded[name] = client, self.monotonic()
            # Thousands of markets stay as long as the process: with every page of fills Python would look at them for
            # garbage, which takes longer than the page. What is garbage by now must not be kept with them.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        else:
            await client.share_markets(first)
            self._loaded[name] = self._loaded[first.account.name]

    def turn(self, exchange: str) -> asyncio.Lock:
        """Return the lock under which accounts of one venue take turns at what they share."""
        return self._turns.setdefault(exchange, asyncio.Lock())

    def due(self, key: StreamKey, *, anyway: bool, seconds: float = SLOW_STREAM_SECONDS) -> bool:
        """Tell whether a stream that changes slowly is read now, and take it for read: once in `seconds`, or anyway."""
        last = self._read_at.get(key, float("-inf"))
        if not anyway and self.monotonic() - last < seconds:
            return False
        self._read_at[key] = self.monotonic()
        return True

    def paused(self, account: str) -> VenueError | None:
        """Return why an account is not asked now, None if it may be."""
        until, why = self._paused.get(account, (float("-inf"), None))
        return why if self.monotonic() < until else None

    def pause(self, account: str, why: VenueError, seconds: float) -> None:
        """Do not ask an account for so long."""
        self._paused[account] = (self.monotonic() + seconds, why)


def listing_of(account: Account) -> Listing:
    """Return what two accounts must have in common to see the same markets."""
    options = json.dumps(dict(account.options), sort_keys=True, default=str)
    return account.exchange, account.endpoint, tuple(sorted(account.books)), options
