"""What is done about the trouble of one account and its streams: the second half of the table in exchanges/errors.py.

| sign | here |
|---|---|
| key refused | the account pauses, one critical finding, one probe an hour |
| HTTP 403, 404, 451 | counted over calls and runs since the account was last read whole; the third pauses it likewise |
| clock or nonce refused again after setting the clock | the account pauses for five minutes |
| market gone | the stream is archived, with a finding |
| call refused (vague classes: after two retries) | the stream is disabled, with a finding; its answer is kept |
| ccxt fails on an answer | the answer is kept, nothing moves, a finding; the next poll asks again |
| network, time-out, bad body after five tries | the next poll asks again; two such streams in a row end the run |

A disabled stream is asked again with the nightly reading, and by `monitor sync --deep`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import (
    AccessBlocked,
    AnswerUnreadable,
    CallRejected,
    ClockSkew,
    CredentialsRefused,
    MarketUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from monitor.jobs.reach import subject_of
from monitor.records import Finding
from monitor.store import findings, ledger, streams
from monitor.store.refusals import count_blocked, forget_blocked, keep_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from monitor.errors import MonitorError
    from monitor.exchanges.facts import Tier
    from monitor.jobs.connections import Connections
    from monitor.records import Book, Stream, StreamKey

MOST_BLOCKED = 3
MOST_UNAVAILABLE = 2
PROBE_SECONDS, CLOCK_PAUSE_SECONDS = 3600.0, 300.0
DISABLED, MISREAD, GONE, UNREAD = "stream disabled", "answer unreadable", "market gone", "unsupported"
NO_PROFILE = "no profile"
AGAIN = (
    "It is asked again each night, and at once with `monitor sync --deep`;"
    " `monitor findings --answers` shows what the venue said. Until then import its rows from a file."
)
LOOK = "It is asked again with the next poll; `monitor findings --answers` shows the answer. Please report it."


class Troubles:
    """The trouble of one account during one run."""

    def __init__(self, connections: Connections, account: str) -> None:
        """Note what happens in the connections' database."""
        self._connections, self._writer, self._clock = connections, connections.writer, connections.clock
        self._account = account
        self._unavailable = 0
        self._blocked = False

    def of_stream(self, key: StreamKey, error: VenueError) -> None:
        """Note a stream's failure.

        Raises:
            VenueError: the failure is the account's, which must stop.
        """
        if isinstance(error, MarketUnknown):
            streams.mark(self._writer, key, "archived", str(error), self._clock.now())
            self._find(GONE, key, error.message, "Its fills up to now are kept.")
            return
        if isinstance(error, CallRejected):
            self.disable(key, error)
            return
        if isinstance(error, CredentialsRefused) and not isinstance(error, AccessBlocked):
            raise error
        streams.mark(self._writer, key, "active", str(error), self._clock.now())
        if isinstance(error, AccessBlocked):
            self.blocked(error)
        elif isinstance(error, AnswerUnreadable):
            self._misread(key, error)
        elif isinstance(error, VenueUnavailable) and not isinstance(error, RateLimited):
            self._unavailable += 1
            if self._unavailable >= MOST_UNAVAILABLE:
                raise error
        else:
            raise error

    def disable(self, key: StreamKey, error: VenueError) -> None:
        """Stop asking for a stream until the next night, and keep what the venue answered."""
        now = self._clock.now()
        streams.mark(self._writer, key, "paused", str(error), now)
        keep_answer(self._writer, key, (error.message, error.raw), now)
        self._find(DISABLED, key, error.message, AGAIN)

    def _misread(self, key: StreamKey, error: VenueError) -> None:
        keep_answer(self._writer, key, (error.message, error.raw), self._clock.now())
        self._find(MISREAD, key, error.message, LOOK)

    def blocked(self, error: AccessBlocked) -> None:
        """Count an answer that did not let us in.

        Raises:
            CredentialsRefused: it was the third since the account was last read whole.
        """
        self._blocked = True
        count = count_blocked(self._writer, self._account)
        if count >= MOST_BLOCKED:
            message = f"{self._account} was not let in {count} times since it was last read whole: {error.message}"
            raise CredentialsRefused(message, error.remedy) from None

    def of_account(self, error: VenueError) -> None:
        """Note what stopped the account: pause it, or let the next poll ask again."""
        try:
            if isinstance(error, AccessBlocked):
                self.blocked(error)
        except CredentialsRefused as third:
            error = third
        now, seconds = self._clock.now(), None
        if isinstance(error, CredentialsRefused) and not isinstance(error, AccessBlocked):
            seconds = PROBE_SECONDS
            finding = Finding("key refused", self._account, error.message, error.remedy, "critical")
            findings.raise_finding(self._writer, finding, now)
        elif isinstance(error, ClockSkew):
            seconds = CLOCK_PAUSE_SECONDS
        if seconds:
            self._connections.pause(self._account, error, seconds)
        # Trouble on the way to a paused account does not show that its key works again.
        ledger.mark_account(self._writer, self._account, "paused" if seconds else None, str(error), now)

    def known_by(self, exchange: str, tier: Tier) -> None:
        """Say of an account whose venue has no profile that it is read without knowing how the venue pages."""
        now = self._clock.now()
        if tier != "default":
            findings.resolve(self._writer, NO_PROFILE, self._account, now)
            return
        message = f"How {exchange} pages its history is not known here: windows are halved until they are no full page."
        remedy = "Compare with `monitor reconcile`; the first read may take many calls."
        findings.raise_finding(self._writer, Finding(NO_PROFILE, self._account, message, remedy, "info"), now)

    def unread(self, whole: StreamKey, message: str) -> None:
        """Note that the fills of a book cannot be read: the account is not complete until they are, or it goes."""
        streams.mark(self._writer, whole, "unsupported", None, self._clock.now())
        self._find(UNREAD, whole, message, "Import them, or take the book out of the account's settings.")

    def books_read(self, books: Collection[Book], keys: Collection[StreamKey], known: Iterable[Stream]) -> None:
        """Take back that a book cannot be read: it is by now (`keys`), or the account has it no more."""
        read = {key.book for key in keys}
        for one in known:
            settled = one.key.book in read or one.key.book not in books
            if one.key.kind == "fills" and one.state == "unsupported" and settled and one.key not in keys:
                streams.mark(self._writer, one.key, "archived", None, self._clock.now())
                findings.resolve(self._writer, UNREAD, subject_of(one.key), self._clock.now())

    def stream_read(self, key: StreamKey) -> None:
        """Take back what was said of a stream that was read now."""
        self._unavailable = 0
        for code in (DISABLED, MISREAD):
            findings.resolve(self._writer, code, subject_of(key), self._clock.now())

    def reached_the_end(self, missing: MonitorError | None) -> None:
        """Take back what was said of the account: the venue let it in; `missing`: what was not read all the same."""
        if not self._blocked:
            forget_blocked(self._writer, self._account)
        now = self._clock.now()
        ledger.mark_account(self._writer, self._account, "active", str(missing) if missing else None, now)
        findings.resolve(self._writer, "key refused", self._account, now)

    def _find(self, code: str, key: StreamKey, message: str, remedy: str) -> None:
        finding = Finding(code, subject_of(key), message, remedy)
        findings.raise_finding(self._writer, finding, self._clock.now())
