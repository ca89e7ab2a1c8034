"""Collect: read every account, all at once, and store each proven window with its rows in one transaction.

Killed at any moment it goes on where the last transaction ended: what to read follows from the proven intervals in the
database alone. One account's trouble never stops another.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from monitor.clock import DAY, Window
from monitor.errors import (
    CallRejected,
    MarketUnknown,
    MonitorError,
    StoreError,
    VenueError,
)
from monitor.exchanges.collector import collect
from monitor.exchanges.families import symbol_required, unread
from monitor.exchanges.plan import NIGHTLY_OVERLAP, POLL_OVERLAP, WEEKLY_OVERLAP, spans
from monitor.exchanges.profiles import profile
from monitor.exchanges.sources import FillSource, TransactionSource, transaction_method
from monitor.exchanges.symbols import everything
from monitor.jobs.arrivals import commit_measured
from monitor.jobs.extra_streams import ExtraStreams
from monitor.jobs.looks import look
from monitor.jobs.quotes import Wanted, backfill
from monitor.jobs.reach import reach, subject_of, tell_account, tell_stream, tell_unlisted
from monitor.jobs.troubles import AGAIN, Troubles
from monitor.jobs.universe import market_keys
from monitor.records import Account, Book, Finding, Stream, StreamKey, StreamKind, Valuation
from monitor.store import findings, ledger, streams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.exchanges.client import Client
    from monitor.exchanges.pages import Source
    from monitor.jobs.connections import Connections

TRANSACTIONS: tuple[StreamKind, ...] = ("deposits", "withdrawals")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """How far one account is: `fraction` of the present stream's time is read; calls of this window, rows of all."""

    account: str
    stream: StreamKey
    done: int
    total: int
    fraction: float
    calls: int
    rows: int

    @property
    def progress(self) -> float:
        """The part of the account that is read, 0 to 1; with the time it took, an estimate of the time left."""
        return (self.done + self.fraction) / self.total if self.total else 1.0


class Progress(Protocol):
    """Who wants to know how far collecting is."""

    def step(self, step: Step) -> None:
        """Hear of one committed window."""
        ...


class Silence:
    """A listener that ignores everything."""

    def step(self, step: Step) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to collect. `overlap`: how far back proven time is read again. `retry`: ask for disabled streams again.

    `sweep`: every market of the venue, expected or not, `also` the expected ones or `only` the others.
    `timeframe` of price candles; None takes the venue's own (see the profiles).
    """

    overlap: int = POLL_OVERLAP
    sweep: Literal["also", "only"] | None = None
    retry: bool = False
    fills: bool = True
    balances: bool = True
    prices: bool = True
    timeframe: str | None = None
    valuation: Valuation = field(default_factory=Valuation)


@dataclass(frozen=True, slots=True)
class Summary:
    """What collecting one account did; `error` is the first failure, None if everything was read."""

    account: str
    new: int = 0
    revised: int = 0
    calls: int = 0
    prices: int = 0
    error: MonitorError | None = None

    @property
    def complete(self) -> bool:
        """Whether everything was read."""
        return self.error is None


async def collect_all(
    connections: Connections, accounts: Sequence[Account], options: Options, progress: Progress | None = None
) -> list[Summary]:
    """Collect every account concurrently and return what each brought, in the order given.

    Raises:
        StoreError: the database cannot be written; nothing of the window under way is stored.
    """
    listener = progress or Silence()
    runs = [_Run(connections, account, options, listener) for account in accounts]
    return list(await asyncio.gather(*(run.summary() for run in runs)))


class _Run:
    """One account, once."""

    def __init__(self, connections: Connections, account: Account, options: Options, progress: Progress) -> None:
        self.connections, self.writer, self.clock = connections, connections.writer, connections.clock
        self.account, self.options, self.progress = account, options, progress
        self.troubles = Troubles(connections, account.name)
        self.total = Summary(account.name)
        self.rows = 0
        self.first: int | None = None
        self.known: dict[StreamKey, Stream] = {}
        self.listed: frozenset[str] = frozenset()

    async def summary(self) -> Summary:
        """Read the account and return what it brought; only a failing database stops the others."""
        tier = profile(self.account.exchange).tier
        ledger.register_account(self.writer, self.account, self.clock.now(), tier)
        self.troubles.known_by(self.account.exchange, tier)
        if why := self.connections.paused(self.account.name):
            return replace(self.total, error=why)
        try:
            client = await self.connections.client(self.account)
            before = client.calls
            try:
                await self._read(client)
            finally:
                self.total = replace(self.total, calls=client.calls - before)
        except StoreError:
            raise
        except VenueError as error:
            self._failed(error)
            self.troubles.of_account(error)
        except MonitorError as error:
            self._failed(error)
            ledger.mark_account(self.writer, self.account.name, None, str(error), self.clock.now())
        except Exception as error:  # the job boundary: a defect in one account must not stop the others
            log.exception("collecting %s failed", self.account.name)
            self._failed(VenueError(f"{self.account.name}: {type(error).__name__}.", "Please report it."))
        else:
            if self.options.fills and self.options.sweep != "only":
                self.troubles.reached_the_end(self.total.error)
        return self.total

    async def _read(self, client: Client) -> None:
        now = await client.server_time()
        self.listed = frozenset(client.exchange.markets)
        self.known = {one.key: one for one in streams.streams(self.writer.connection, self.account.name)}
        if self.options.balances:
            missing = await look(self.connections, self.account, client, retry=self.options.retry)
            if missing:
                self._failed(missing)
        if self.options.fills:
            await self._fills(client, now)
        if self.options.prices:
            await self._prices(client, now)

    async def _fills(self, client: Client, now: int) -> None:
        """Read the account's streams; of a sweep for unexpected markets these alone."""
        swept = self.options.sweep == "only"
        for kind in () if swept else TRANSACTIONS:
            await self._transactions(client, kind, now)
        extras = ExtraStreams(self.connections, self.account, lambda source: self._windows(source, now, 0, 1))
        keys = [key for book in self.account.books for key in await self._fill_keys(client, book, extras)]
        self.troubles.books_read(self.account.books, keys, self.known.values())
        # Which of them are cold was noted just now.
        self.known = {one.key: one for one in streams.streams(self.writer.connection, self.account.name)}
        for done, key in enumerate(keys):
            await self._stream(FillSource(client, key), now, done, len(keys))
        if not swept:
            await extras.read(client, deep=self.options.overlap >= NIGHTLY_OVERLAP, retry=self.options.retry)
            ledger.check_file_copies(self.writer, self.account.name, self.clock.now())
            tell_account(self.writer, self.account, self.first, self.clock.now())

    async def _prices(self, client: Client, now: int) -> None:
        seen = frozenset(ledger.assets_seen(self.writer.connection, self.account.name))
        window = Window(reach(self.account, None, (), now).start, now)
        wanted = Wanted(seen, window, self.options.valuation, self.options.timeframe)
        # Accounts of one venue want the same series: the second one finds it stored.
        async with self.connections.turn(self.account.exchange):
            self.total = replace(self.total, prices=await backfill(self.writer, client, wanted))

    async def _transactions(self, client: Client, kind: StreamKind, now: int) -> None:
        key = StreamKey(self.account.name, kind)
        if transaction_method(client.can, kind) is None:
            streams.mark(self.writer, key, "unsupported", None, self.clock.now())
            message = f"{self.account.exchange} does not list {kind} through ccxt."
            self._find("unsupported", key, message, "Import them.")
            return
        await self._stream(TransactionSource(client, key), now, 0, 1)

    async def _fill_keys(self, client: Client, book: Book, extras: ExtraStreams) -> list[StreamKey]:
        """Return the fill streams of a book: one, or one per market where the venue wants a market."""
        whole = StreamKey(self.account.name, "fills", book)
        if unread(self.account.exchange, book):
            self.troubles.unread(
                whole, f"{self.account.exchange} does not tell {book} fills from spot: they are not read."
            )
            return []
        required = symbol_required(client.profile, book)
        if required is None:
            required = await self._needs_symbol(client, whole)
        if not required:
            return [] if self.options.sweep == "only" else [whole]
        markets = client.exchange.markets.values()
        if not everything(markets, book):
            self.troubles.unread(
                whole, f"{self.account.exchange} lists no {book} market through ccxt: its fills are not read."
            )
            return []
        named = set() if self.options.sweep == "only" else await extras.named(client, book)
        expecting = replace(self.account, symbols=(*self.account.symbols, *sorted(named)))
        return market_keys(self.writer, expecting, book, markets, self.options.sweep)

    async def _needs_symbol(self, client: Client, key: StreamKey) -> bool:
        """Try without a market once: ccxt's own word on it is wrong for some exchanges."""
        now = await client.server_time()
        try:
            await FillSource(client, key).read(Window(now - DAY, now))
        except CallRejected:
            return True
        return False

    async def _stream(self, source: Source, now: int, done: int, total: int) -> None:
        """Read one stream; its own trouble is noted on it, trouble of the account is raised."""
        key = source.key
        if (known := self.known.get(key)) and known.state == "paused" and not self.options.retry:
            self._failed(CallRejected(f"{subject_of(key)} is disabled: {known.last_error}", AGAIN))
            return
        try:
            await self._windows(source, now, done, total)
        except VenueError as error:
            if not isinstance(error, MarketUnknown):
                self._failed(error)
            self.troubles.of_stream(key, error)
        else:
            self.troubles.stream_read(key)

    async def _windows(self, source: Source, now: int, done: int, total: int) -> None:
        key, connection = source.key, self.writer.connection
        proven = streams.intervals(connection, key)
        found = reach(self.account, source.history, proven, now)
        start, before = found.first, self.known.get(key)
        self.first = min(start, self.first or start)
        overlap = max(self.options.overlap, WEEKLY_OVERLAP) if key.kind in TRANSACTIONS else self.options.overlap
        todo = spans(start, now, proven, overlap)
        length, read = sum(span.milliseconds for span in todo), 0
        holes = 0
        async for batch in collect(source, todo):
            commit = commit_measured(self.writer, batch, self.clock.now())
            if unlisted := {fill.symbol for fill in batch.fills} - self.listed:
                tell_unlisted(self.writer, self.account, unlisted, self.clock.now())
            self.rows += commit.new
            self.total = replace(
                self.total, new=self.total.new + commit.new, revised=self.total.revised + commit.revised
            )
            holes += batch.gap is not None
            read += batch.proven[1] - batch.proven[0] if batch.proven else 0
            self.progress.step(Step(key.account, key, done, total, min(1.0, read / length), batch.calls, self.rows))
        if not (before and before.cold):
            tell_stream(self.writer, self.account, (key, before.unreachable_before if before else None), found, now)
        if before and before.state != "active":
            streams.mark(self.writer, key, "active", None, self.clock.now())
        if not holes:
            findings.resolve(self.writer, "gap", subject_of(key), self.clock.now())

    def _find(self, code: str, key: StreamKey, message: str, remedy: str) -> None:
        findings.raise_finding(self.writer, Finding(code, subject_of(key), message, remedy), self.clock.now())

    def _failed(self, error: MonitorError) -> None:
        if self.total.error is None:
            self.total = replace(self.total, error=error)
