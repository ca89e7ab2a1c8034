"""Reading the streams beside fills, deposits and withdrawals: ledgers, funding, conversions, dust, transfers.

No number waits for them. A read-only key may not be allowed to see them: a refusal is a finding on the stream and the
account goes on. They change slowly, so an hour lies between two readings, unless a deeper reading is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import AnswerUnreadable, CallRejected, CredentialsRefused, MarketUnknown, VenueError
from monitor.exchanges.extra_source import ExtraSource
from monitor.exchanges.extras import extras_of, unread
from monitor.exchanges.families import unasked
from monitor.jobs.reach import subject_of
from monitor.records import Finding, StreamKey
from monitor.store import findings, streams
from monitor.store.refusals import keep_answer
from monitor.store.traded import traded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from monitor.exchanges.client import Client
    from monitor.exchanges.extra import Extra
    from monitor.jobs.connections import Connections
    from monitor.records import Account, Book, Severity

REFUSED, UNREAD = "stream refused", "not read"
REMEDY = (
    "Allow the key to read it, or import these rows from a file. It is asked again each night, and at once with"
    " `monitor sync --deep`; `monitor findings --answers` shows what the venue said."
)


class ExtraStreams:
    """The other streams of one account."""

    def __init__(
        self, connections: Connections, account: Account, windows: Callable[[ExtraSource], Awaitable[None]]
    ) -> None:
        """`windows` reads a source and stores what it brings."""
        self._connections, self._writer, self._clock = connections, connections.writer, connections.clock
        self._account, self._windows = account, windows
        self._read = set[StreamKey]()

    async def read(self, client: Client, *, deep: bool, retry: bool) -> None:
        """Read every stream that is due, `deep` all of them; a venue that does not answer ends it for this time.

        A refused one is left alone unless `deep` or `retry`.
        """
        self._note_unread()
        refused = self._paused()
        for key, extra, symbol in self._streams():
            if extra.names and key in self._read:
                continue
            if not self._connections.due(key, anyway=deep or retry) or (key in refused and not (deep or retry)):
                continue
            if not await self._one(ExtraSource(client, key, extra, symbol)):
                return

    async def named(self, client: Client, book: Book) -> set[str]:
        """Read what names markets of a book, and return them; their fill streams are hot from now on."""
        refused, found = self._paused(), set[str]()
        for key, extra, symbol in self._streams():
            if extra.names and key.book == book and key not in refused:
                source = ExtraSource(client, key, extra, symbol)
                await self._one(source)
                self._read.add(key)
                found |= source.markets
        fills = [StreamKey(self._account.name, "fills", book, symbol) for symbol in sorted(found)]
        if fills:
            streams.temper(self._writer, fills, cold=False)
        return found

    def _paused(self) -> set[StreamKey]:
        told = streams.streams(self._writer.connection, self._account.name)
        return {one.key for one in told if one.state == "paused"}

    async def _one(self, source: ExtraSource) -> bool:
        """Read a stream; False if the venue does not answer."""
        key = source.key
        try:
            await self._windows(source)
        except (CredentialsRefused, CallRejected, MarketUnknown, AnswerUnreadable) as error:
            self._refused(key, error)
        except VenueError as error:
            streams.mark(self._writer, key, "active", str(error), self._clock.now())
            return False
        else:
            findings.resolve(self._writer, REFUSED, subject_of(key), self._clock.now())
        return True

    def _streams(self) -> Iterator[tuple[StreamKey, Extra, str]]:
        markets = traded(self._writer.connection, self._account.name)
        for extra in extras_of(self._account):
            for book, name, symbol in extra.streams(self._account, markets):
                yield StreamKey(self._account.name, extra.kind, book, name), extra, symbol

    def _refused(self, key: StreamKey, error: VenueError) -> None:
        now = self._clock.now()
        streams.mark(self._writer, key, "paused", str(error), now)
        keep_answer(self._writer, key, (error.message, error.raw), now)
        finding = Finding(REFUSED, subject_of(key), f"{key.kind} cannot be read: {error.message}", REMEDY)
        findings.raise_finding(self._writer, finding, now)

    def _note_unread(self) -> None:
        """Say once which kinds of events are not read at this venue."""
        known = {stream.key for stream in streams.streams(self._writer.connection, self._account.name)}
        book = self._account.books[0]
        absent = [StreamKey(self._account.name, kind, book) for kind in unread(self._account)]
        if all(key in known for key in absent):
            return
        now = self._clock.now()
        for key in absent:
            streams.mark(self._writer, key, "unsupported", None, now)
        fills = unasked(self._account)
        kinds = ", ".join([*fills, *(key.kind for key in absent)])
        message = f"Of {self._account.name} ({self._account.exchange}) the monitor does not read: {kinds}."
        weight: Severity = "warning" if fills else "info"
        finding = Finding(UNREAD, self._account.name, message, "Import such rows from a file.", weight)
        findings.raise_finding(self._writer, finding, now)
