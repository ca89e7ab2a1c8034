"""Is the window proven complete? Which spans of which account are not, and which numbers that makes partial.

Whose fills were not read is unknown, so a hole in an account makes the desk's total partial. An asset's own number is
partial if the account ever held the asset, or if the hole lies before all that was read of the account: what it held
there nobody has seen. An imported file counts as complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import iso
from monitor.records import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.clock import Window

Interval = tuple[int, int]


class Hole(NamedTuple):
    """A span of the window in which rows of an account may be missing; `unread`: before all that was read of it."""

    account: str
    start: int
    end: int
    unread: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """The proven intervals of every account (None: imported, complete) and the accounts that hold each asset."""

    intervals: Mapping[str, tuple[Interval, ...] | None]
    holders: Mapping[str, set[str]]

    def complete_until(self, accounts: Iterable[str], now: int) -> int | None:
        """Return the instant up to which all these accounts are read, never after `now`; None if one never was."""
        ends = [self._end(account, now) for account in accounts]
        known = [end for end in ends if end is not None]
        return min(known, default=now) if len(known) == len(ends) else None

    def as_of(self, now: int, stale_after: int) -> int:
        """Return the instant the numbers are good for: the least at which every fresh account is read.

        Fresh is read within `stale_after` milliseconds of `now`. With no fresh one it is read within as much of the
        latest at which any account was: a desk that nobody reads any more was whole when it last was read. With
        imported files alone, or before anything was read, it is `now`.
        """
        ends = [end for account in self._read() if (end := self._end(account, now)) is not None]
        fresh = [end for end in ends if end >= now - stale_after]
        return min(fresh or [end for end in ends if end >= max(ends) - stale_after], default=now)

    def stale(self, now: int, stale_after: int) -> dict[str, int | None]:
        """Return the accounts not read within `stale_after` milliseconds of `now`, and until when they were read."""
        ends = {account: self._end(account, now) for account in self._read()}
        return {account: end for account, end in ends.items() if end is None or end < now - stale_after}

    def holes(self, window: Window) -> list[Hole]:
        """Return the spans of the window that are not proven complete, by account and time."""
        return [hole for account in self._read() for hole in _holes(account, self.intervals[account] or (), window)]

    def holes_of(self, asset: str, holes: Iterable[Hole]) -> list[Hole]:
        """Return which of `holes` may hide rows of `asset`."""
        holders = self.holders.get(asset, set())
        return [hole for hole in holes if hole.unread or hole.account in holders]

    def _read(self) -> list[str]:
        return [account for account, spans in self.intervals.items() if spans is not None]

    def _end(self, account: str, now: int) -> int | None:
        spans = self.intervals[account]
        if spans is None:
            return now
        return min(spans[-1][1], now) if spans else None


def _holes(account: str, proven: tuple[Interval, ...], window: Window) -> list[Hole]:
    holes, reached = [], window.start
    for start, end in proven:
        if reached < (until := min(start, window.end)):
            holes.append(Hole(account, reached, until, unread=start == proven[0][0]))
        reached = max(reached, end)
    if reached < window.end:
        holes.append(Hole(account, reached, window.end, unread=not proven))
    return holes


def partial_findings(holes: Iterable[Hole]) -> list[Finding]:
    """Return one finding for each account with holes, naming the spans."""
    spans: dict[str, list[str]] = {}
    for hole in holes:
        spans.setdefault(hole.account, []).append(f"{iso(hole.start)} to {iso(hole.end)}")
    return [
        Finding(
            "partial",
            account,
            f"Rows of {account} may be missing in the window: {'; '.join(texts)}.",
            "Run `monitor sync`; `monitor accounts` says what keeps it from finishing.",
        )
        for account, texts in spans.items()
    ]


def stale_findings(stale: Mapping[str, int | None]) -> list[Finding]:
    """Return one finding for each account that was not read lately."""
    return [
        Finding(
            "stale",
            account,
            f"{account} has not been read since {iso(end)}." if end is not None else f"{account} was never read.",
            "Run `monitor sync`, or keep `monitor run` going.",
        )
        for account, end in stale.items()
    ]
