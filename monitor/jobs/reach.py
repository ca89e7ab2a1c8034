"""From when on a stream is read, and what lies before that and cannot be: said aloud, never silently left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.clock import DAY, iso
from monitor.records import Finding
from monitor.store import findings, streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.records import Account, StreamKey
    from monitor.store.database import Writer

# Where neither the settings nor the venue say when an account began.
UNKNOWN_START = 2 * 365 * DAY


@dataclass(frozen=True, slots=True)
class Reach:
    """[start, now) is to be read; `edge`: the venue lists nothing older, `reached`: what was read begins there."""

    start: int
    edge: int | None
    reached: int | None

    @property
    def first(self) -> int:
        """The instant to read from."""
        return max(self.start, self.edge or self.start)

    @property
    def lost_before(self) -> int | None:
        """The instant before which the venue's retention has taken rows, None if it took none."""
        if self.edge is None or self.edge <= self.start:
            return None
        lost = self.edge if self.reached is None else min(self.edge, self.reached)
        return lost if lost > self.start else None


def reach(account: Account, history: int | None, proven: Sequence[tuple[int, int]], now: int) -> Reach:
    """Return how far back a stream is read: to the settings' start, else two years from the first reading on."""
    reached = min((start for start, _ in proven), default=None)
    if account.start is not None:
        start = min(account.start, now - 1)
    else:
        start = now - UNKNOWN_START if reached is None else min(reached, now - 1)
    return Reach(start, None if history is None else now - history, reached)


def tell_stream(writer: Writer, account: Account, stream: tuple[StreamKey, int | None], found: Reach, now: int) -> None:
    """Note what cannot be read of a stream (`stream`: its key and the instant noted before), where that changed."""
    (key, noted), lost = stream, found.lost_before
    before = max(lost or found.start, found.start) if account.start is None else lost
    if before == noted:
        return
    streams.limit(writer, key, before)
    subject = subject_of(key)
    if lost is None:
        findings.resolve(writer, "unreachable", subject, now)
        return
    since = f"; the account starts at {iso(account.start)}" if account.start is not None else ""
    message = f"{account.exchange} lists nothing before {iso(lost)}{since}."
    finding = Finding("unreachable", subject, message, "Import the older rows from a file.")
    findings.raise_finding(writer, finding, now)


def tell_account(writer: Writer, account: Account, first: int | None, now: int) -> None:
    """Say that an account without a start is read from a guessed one, `first`; take it back once it has one."""
    if account.start is not None or first is None:
        findings.resolve(writer, "unknown start", account.name, now)
        return
    message = f"{account.name} has no start in the settings: nothing before {iso(first)} is read."
    remedy = "Set `start` of the account to the day it was opened; the rest is read then."
    findings.raise_finding(writer, Finding("unknown start", account.name, message, remedy, "info"), now)


def tell_unlisted(writer: Writer, account: Account, symbols: Iterable[str], now: int) -> None:
    """Say that fills were stored of markets the venue no longer lists: their assets come from the spelling of an id."""
    for symbol in sorted(symbols):
        message = f"{account.exchange} does not list {symbol}: fills of {account.name} in it are stored by its name."
        remedy = "Check that the two assets are what the venue meant; nothing else is to be done."
        finding = Finding("unlisted market", f"{account.name} {symbol}", message, remedy, "info")
        findings.raise_finding(writer, finding, now)


def subject_of(key: StreamKey) -> str:
    """Return a stream's name in findings."""
    return " ".join(part for part in (key.account, key.kind, key.book, key.symbol) if part)
