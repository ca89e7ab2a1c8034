"""A question before one state of the database: which pools it is about, and what each did in the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import SECOND, iso
from monitor.errors import UsageError
from monitor.jobs.proof import Proof
from monitor.jobs.question import known, selected
from monitor.jobs.replays import Doubt, replayed
from monitor.store import answers, peaks, states
from monitor.store.averages import average_lot
from monitor.store.settings import load_valuation
from monitor.store.touched import touched
from monitor.turnover.half_life import half_life
from monitor.turnover.holding import Held, OpenLot
from monitor.turnover.measures import RELIEVED_BY_TRADES, difference, lost_marks, lost_sums

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.clock import Window
    from monitor.jobs.proof import Hole
    from monitor.jobs.question import Question
    from monitor.records import Valuation
    from monitor.schema import State
    from monitor.store.answers import Pool
    from monitor.turnover.half_life import HalfLife
    from monitor.turnover.measures import Sums

TRADES = tuple(sorted(RELIEVED_BY_TRADES))


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question, and all that does not depend on a single pool; `restating` assets are older than the ledger."""

    connection: sqlite3.Connection
    question: Question
    now: int
    valuation: Valuation
    method: str
    proof: Proof
    as_of: int
    window: Window
    assets: frozenset[str]
    pools: Mapping[str, Sequence[Pool]]
    restating: Mapping[str, int]
    read: dict[frozenset[str], str | None] = field(default_factory=dict)

    def until(self, pool: Pool) -> str | None:
        """Return until when a pool's rows are read, as ISO 8601; most pools share their accounts, so once for all."""
        accounts = frozenset([pool.account] if pool.account else self.proof.holders.get(pool.asset, ()))
        if accounts not in self.read:
            end = self.proof.complete_until(accounts, self.now)
            self.read[accounts] = None if end is None else iso(end)
        return self.read[accounts]

    def asked(self, scope: str) -> list[Pool]:
        """Return the pools of a scope that the question is about: those of its books, and of its account."""
        books, account = self.question.books(), self.question.account
        return [
            pool for pool in self.pools[scope] if pool.book in books and (account is None or pool.account == account)
        ]


@dataclass(frozen=True, slots=True)
class Detail:
    """What single lots say: how long the relieved were held, which are open at the end, the peak, the half-life."""

    held: list[Held]
    lots: list[OpenLot]
    peak: float
    half_life: HalfLife


class Turn(NamedTuple):
    """One pool over the window: its states at both ends, its sums, and where rows of it may be missing."""

    pool: Pool
    first: State | None
    last: State | None
    sums: Sums
    holes: Sequence[Hole]
    detail: Detail | None


def inquire(connection: sqlite3.Connection, question: Question, now: int) -> Inquiry:
    """Put a question to a database.

    Raises:
        UsageError: an asset the ledger or the book does not have, an unknown account, a method no tracks are stored
            for, an empty window.
    """
    valuation = load_valuation(connection)
    method = question.method or valuation.method
    if not answers.has_tracks(connection, method):
        raise UsageError(
            f"No tracks are stored for the costing method {method}.",
            f"Set `method = {method!r}` in the settings to keep them.",
        )
    restating = {asset: since for asset, since in touched(connection).items() if asset not in valuation.cash}
    assets = selected(question.assets, _known(connection, question.assets, method) | restating.keys(), valuation.cash)
    scopes = {"portfolio", question.scope}
    pools = {scope: answers.pools(connection, scope, method, assets) for scope in sorted(scopes)}
    _check_books(question, assets - restating.keys(), pools["portfolio"])
    coverage = answers.coverage(connection)
    if question.account is not None:
        known("--account", question.account, coverage)
    proof = Proof(coverage, answers.holders(connection, method, assets))
    as_of = proof.as_of(now, valuation.stale_after) if question.as_of is None else question.as_of
    return Inquiry(
        connection=connection,
        question=question,
        now=now,
        valuation=valuation,
        method=method,
        proof=proof,
        as_of=as_of,
        window=question.span(as_of),
        assets=assets,
        pools=pools,
        restating=restating,
    )


def _known(connection: sqlite3.Connection, assets: Sequence[str], method: str) -> set[str]:
    """Return the assets of the ledger among those asked about; if one is missing all, to tell what was meant."""
    names = {name for asset in assets for name in (asset, asset.upper())}
    found = {pool.asset for pool in answers.pools(connection, "portfolio", method, names)} if names else set()
    if all({asset, asset.upper()} & found for asset in assets):
        return found
    return {pool.asset for pool in answers.pools(connection, "portfolio", method)}


def _check_books(question: Question, assets: Iterable[str], pools: Sequence[Pool]) -> None:
    """Refuse an asset that has inventory, but in other books than those asked about."""
    for asset in sorted(assets):
        books = sorted({pool.book for pool in pools if pool.asset == asset})
        if not set(books) & set(question.books()):
            raise UsageError(f"{asset} has no {question.book} inventory.", f"Ask with --book {books[0]}.")


def turns(inquiry: Inquiry, scope: str, holes: Sequence[Hole]) -> list[Turn]:
    """Return what every pool asked about did; a pool without an event before the window's end only if it was named."""
    pools = inquiry.asked(scope)
    ends = states.ends(inquiry.connection, pools, inquiry.window)
    return [
        _turn(inquiry, pool, ends.get(pool.id, (None, None)), holes)
        for pool in pools
        if pool.id in ends or inquiry.assets
    ]


def _turn(inquiry: Inquiry, pool: Pool, ends: tuple[State | None, State | None], holes: Sequence[Hole]) -> Turn:
    window, (first, last) = inquiry.window, ends
    sums = difference(first, last, window)
    if first is not None and (lost := lost_sums(sums, first, last, window)):
        sums |= replayed(inquiry.connection, inquiry.valuation, pool, Doubt(first, window, sums, lost))
    elif first is not None and last is not None and lost_marks(first, last):
        # The face of an inverse contract is money already: no mark values it.
        sums["market_time"] = (
            sums["cost_time"]
            if pool.book == "inverse"
            else last.units * states.mark_integral(inquiry.connection, pool.asset, window.start, window.end)[0]
        )
    near = holes and [hole for hole in inquiry.proof.holes_of(pool.asset, holes) if pool.account in {"", hole.account}]
    turn = Turn(pool, first, last, sums, near, None)
    return Turn(pool, first, last, sums, near, _detail(inquiry, turn)) if inquiry.question.detail else turn


def _detail(inquiry: Inquiry, turn: Turn) -> Detail:
    connection, pool, window = inquiry.connection, turn.pool, inquiry.window
    held = [*map(Held._make, answers.held(connection, pool, window, TRADES))] if turn.sums["fills"] else []
    opened = _open_lots(inquiry, pool, turn.last) if turn.last and turn.last.quantity != "0" else []
    peak, positions = peaks.course(connection, pool, window, (turn.first, turn.last))
    return Detail(held, opened, peak, half_life(positions, window.milliseconds / peaks.GRID / SECOND))


def _open_lots(inquiry: Inquiry, pool: Pool, last: State) -> list[OpenLot]:
    connection, instant = inquiry.connection, inquiry.window.end
    if inquiry.method == "wac":
        return [OpenLot(*average_lot(connection, pool, last, instant))]
    return [*map(OpenLot._make, answers.open_lots(connection, pool, instant))]
