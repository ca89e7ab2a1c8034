"""The plan: what the next sync would read, in how many calls, how long it takes, and what the venue no longer lists.

Made from the settings, the venue profiles and what is stored, before anything is read. Calls are the least that can
do: a window whose answer fills a page is cut, and a market read by trade id takes one call a page of fills. Prices and
the venue's list of markets are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.clock import SECOND
from monitor.exchanges.extras import extras_of, unread
from monitor.exchanges.families import symbol_required
from monitor.exchanges.pace import pace
from monitor.exchanges.plan import POLL_OVERLAP, WEEKLY_OVERLAP, spans
from monitor.exchanges.positions import CONTRACT_BOOKS, position_calls
from monitor.exchanges.profiles import profile
from monitor.exchanges.symbols import candidates
from monitor.jobs.collect import TRANSACTIONS
from monitor.jobs.reach import UNKNOWN_START
from monitor.jobs.universe import expected
from monitor.records import StreamKey
from monitor.store import ledger, markets, streams
from monitor.store.traded import traded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from monitor.exchanges.facts import Profile, Tier
    from monitor.records import Account, Book, StreamKind
    from monitor.store.spans import Interval


@dataclass(frozen=True, slots=True)
class Planned:
    """Streams of one kind and book of an account: [start, end) in milliseconds UTC, `calls` at least.

    `streams`, `calls` and `seconds` are None where the venue wants a market in each call and its markets are not
    listed yet; `windows` is then that of one market. `unreachable_before`: the venue lists nothing older.
    """

    account: str
    kind: StreamKind
    book: Book
    streams: int | None
    windows: int
    calls: int | None
    seconds: float | None
    start: int
    end: int
    unreachable_before: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """The plan of one account; `declared`: its start stands in the settings. `tier`: how well the venue is known."""

    account: str
    exchange: str
    tier: Tier
    start: int
    declared: bool
    parts: tuple[Planned, ...]

    @property
    def calls(self) -> int | None:
        """The least number of calls, None while it is not known."""
        calls = [part.calls for part in self.parts if part.calls is not None]
        return sum(calls) if len(calls) == len(self.parts) else None

    @property
    def seconds(self) -> float | None:
        """The least time, None while it is not known."""
        seconds = [part.seconds for part in self.parts if part.seconds is not None]
        return sum(seconds) if len(seconds) == len(self.parts) else None


def plan(accounts: Sequence[Account], connection: sqlite3.Connection | None, now: int) -> tuple[AccountPlan, ...]:
    """Return what the next sync would read of each account; `connection` None before the first one.

    Raises:
        UsageError: ccxt knows no such exchange.
    """
    return tuple(_Sketch(account, connection, now).plan() for account in accounts)


class _Sketch:
    """One account as it stands."""

    def __init__(self, account: Account, connection: sqlite3.Connection | None, now: int) -> None:
        self.account, self.now, self.facts = account, now, profile(account.exchange)
        self.connection, self.told = connection, streams.streams(connection, account.name) if connection else ()
        self.known = {stream.key: stream.state for stream in self.told}
        self.proven = {key: streams.intervals(connection, key) for key in self.known} if connection else {}
        self.markets = list(markets.load(connection, account.exchange)) if connection else []
        self.seen = frozenset(ledger.assets_seen(connection, account.name)) if connection else frozenset[str]()
        self.traded = traded(connection, account.name) if connection else ()
        self.pace = pace(account)

    def plan(self) -> AccountPlan:
        """Return the account's plan."""
        kinds = [self._transactions(kind) for kind in TRANSACTIONS]
        parts = (*kinds, *(self._fills(book) for book in self.account.books), *self._extras(), *self._looks())
        start = min(part.start for part in parts)
        declared = self.account.start is not None
        return AccountPlan(self.account.name, self.account.exchange, self.facts.tier, start, declared, parts)

    def _transactions(self, kind: StreamKind) -> Planned:
        key = StreamKey(self.account.name, kind)
        if kind in self.pace.unsupported:
            nothing = Planned(key.account, kind, "spot", 0, 0, 0, 0.0, self._start(()), self.now)
            return replace(nothing, note="ccxt cannot list them: import them")
        reach = Reach(self.facts.transactions_window, self.facts.transactions_history, WEEKLY_OVERLAP)
        return self._part([key], reach, self.pace.transactions)

    def _fills(self, book: Book) -> Planned:
        whole = StreamKey(self.account.name, "fills", book)
        reach = Reach(self.facts.window, self.facts.history, POLL_OVERLAP)
        required = symbol_required(self.facts, book)
        if not required:
            part = self._part([whole], reach, self.pace.fills)
            return part if required is False else replace(part, note="if it needs no market")
        symbols = candidates(self.markets, book, self.seen, self._expected(book))
        keys = [replace(whole, symbol=symbol) for symbol in symbols]
        keys = [key for key in keys if self.known.get(key) != "archived"]
        if not self.markets:
            one = self._part([whole], reach, self.pace.fills)
            note = "for each market; how many is known once they are listed"
            return replace(one, streams=None, calls=None, seconds=None, note=note)
        note = f"and one for each {self.facts.page} fills" if self.facts.walk else ""
        return replace(self._part(keys, reach, self.pace.fills), note=note)

    def _expected(self, book: Book) -> set[str]:
        told = [one for one in self.told if one.key.kind == "fills" and one.key.book == book and one.key.symbol]
        return expected(self.connection, self.account, book, told) if self.connection else {*self.account.symbols}

    def _extras(self) -> Iterator[Planned]:
        """Yield the streams beside fills, deposits and withdrawals; kinds nothing is read of take no call."""
        groups: dict[tuple[StreamKind, Book, Reach], list[StreamKey]] = {}
        for extra in extras_of(self.account):
            for book, name, _ in extra.streams(self.account, self.traded):
                reach = Reach(extra.window, extra.history, POLL_OVERLAP)
                key = StreamKey(self.account.name, extra.kind, book, name)
                groups.setdefault((extra.kind, book, reach), []).append(key)
        for (_, _, reach), keys in groups.items():
            refused = any(self.known.get(key) == "paused" for key in keys)
            part = self._part(keys, reach, self.pace.transactions)
            yield replace(part, note="refused: asked again at night") if refused else part
        for kind in unread(self.account):
            nothing = Planned(self.account.name, kind, self.account.books[0], 0, 0, 0, 0.0, self._start(()), self.now)
            yield replace(nothing, note="not read of this venue: import them")

    def _looks(self) -> Iterator[Planned]:
        """Yield the looks at balances and positions: the present, one call a wallet."""
        contracts = [book for book in self.account.books if book in CONTRACT_BOOKS]
        calls = len({tuple(sorted(self.facts.wallets.get(book, {}).items())) for book in self.account.books})
        counts: list[tuple[StreamKind, Book, int]] = [("balances", self.account.books[0], calls)]
        if contracts:
            counts.append(("positions", contracts[0], position_calls(self.account)))
        for kind, book, count in counts:
            seconds = count * self.pace.transactions / SECOND
            yield Planned(self.account.name, kind, book, 1, count, count, seconds, self.now, self.now)

    def _part(self, keys: Sequence[StreamKey], reach: Reach, each: float) -> Planned:
        """Return the plan of streams of one kind; `each` are the milliseconds of a call."""
        starts = [self._start(self.proven.get(key, ())) for key in keys] or [self._start(())]
        edge = (
            self.now - reach.history if reach.history is not None and min(starts) < self.now - reach.history else None
        )
        windows = calls = 0
        for key, start in zip(keys, starts, strict=False):
            todo = spans(max(start, edge or start), self.now, self.proven.get(key, ()), reach.overlap)
            counts = [-(-span.milliseconds // (reach.window or span.milliseconds)) for span in todo]
            windows += sum(counts)
            calls += sum(1 if key.symbol and _walked(self.facts, count) else count for count in counts)
        key = keys[0] if keys else StreamKey(self.account.name, "fills")
        seconds = calls * each / SECOND
        start = max(min(starts), edge or 0)
        return Planned(key.account, key.kind, key.book, len(keys), windows, calls, seconds, start, self.now, edge)

    def _start(self, proven: Sequence[Interval]) -> int:
        """Return from when on a stream is read, by the same rule as the collector."""
        if self.account.start is not None:
            return min(self.account.start, self.now - 1)
        return min((start for start, _ in proven), default=self.now - UNKNOWN_START)


@dataclass(frozen=True, slots=True)
class Reach:
    """Longest span of one call, how far back the venue lists, how far back proven time is read again; milliseconds."""

    window: int | None
    history: int | None
    overlap: int


def _walked(facts: Profile, windows: int) -> bool:
    """Tell whether a span is read by trade id instead of by time."""
    return facts.walk and windows > 2  # noqa: PLR2004 - the collector walks what is longer than two windows
