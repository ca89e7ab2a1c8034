"""What an account holds by its ledger, and the balances to compare it with.

Adding up goes on where it stopped, by row id: a ledger of ten million rows is added up once, in steps that leave the
other jobs room; a late or revised row costs what it is, whenever it happened.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import MINUTE, WEEK
from monitor.exact import plain
from monitor.records import Fill
from monitor.store import holdings
from monitor.store.positions import looked, positions_at
from monitor.store.spans import FOREVER
from monitor.store.streams import coverage
from monitor.turnover.reconcile import (
    EARLIER,
    UNCERTAINTY,
    Event,
    Held,
    Line,
    Look,
    add,
    fill_changes,
    lines,
    movement_changes,
    position_name,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from monitor.records import Movement
    from monitor.store.holdings import GoodLook, Row

# Venues show rows late, up to 90 s in tests: a stretch read this long after it is complete.
LATENESS = 2 * MINUTE
# Rows added up at a stretch: about a quarter of a second.
STEP = 10_000
# A movement that is pending for longer counts as what it is: not happened.
PENDING = WEEK


@dataclass(frozen=True)
class Beginning:
    """From where on an account is added up: instant 0 with nothing, or its first balance in the proven span.

    `until` is the end of what is proven complete, 0 if nothing is.
    """

    start: int = 0
    look: GoodLook | None = None
    until: int = 0
    relative: bool = False


@dataclass
class Standing:
    """What is kept of an account between two reconciliations; instants in milliseconds UTC.

    `read` are the greatest ids of fills, movements and revisions added up. `agreed`: when an asset last agreed.
    `suspects`: balance and moment at which a disagreement was first seen.
    """

    start: int
    own: tuple[str, ...]
    read: tuple[int, int, int] = (0, 0, 0)
    total: dict[str, Decimal] = field(default_factory=dict)
    agreed: dict[str, int] = field(default_factory=dict)
    suspects: dict[str, tuple[int, int]] = field(default_factory=dict)


def beginning(connection: sqlite3.Connection, account: str) -> Beginning:
    """Return from where on an account can be added up: its declared start, else the first balance since it is read."""
    spans = coverage(connection, account)
    if not spans:
        return Beginning()
    start, end = spans[-1]
    if start == 0:
        return Beginning(until=end)
    look = holdings.first_look(connection, account, start + UNCERTAINTY)
    return Beginning(look.time - UNCERTAINTY if look else start, look, end, relative=True)


def standing(connection: sqlite3.Connection, account: str, start: int) -> Standing:
    """Return what was kept of an account; added up anew if it begins elsewhere now, or the desk's accounts changed."""
    own = tuple(sorted(holdings.own_accounts(connection)))
    text = holdings.load_state(connection, account)
    if text is None:
        return Standing(start, own)
    told = json.loads(text)
    suspects = {asset: (look, noticed) for asset, (look, noticed) in told["suspects"].items()}
    found = Standing(start, own, agreed=told["agreed"], suspects=suspects)
    if (told["start"], tuple(told["own"])) == (start, own):
        fills, movements, revisions = told["read"]
        found.read = (fills, movements, revisions)
        found.total = {asset: Decimal(total) for asset, total in told["total"].items()}
    return found


def kept(one: Standing) -> str:
    """Return a standing as text, which `standing` reads."""
    total = {asset: plain(total) for asset, total in sorted(one.total.items())}
    return json.dumps(asdict(one) | {"total": total})


def add_up(connection: sqlite3.Connection, account: str, one: Standing, step: int = STEP) -> bool:
    """Add the next rows of an account to its sums, at most `step` ids; return whether all of them are in."""
    newest = holdings.newest(connection)
    fills, movements, revisions = one.read
    if revisions < newest.revisions:
        for before, after in holdings.revised_rows(connection, revisions):
            if after.id <= (fills if isinstance(after.record, Fill) else movements):
                _sum(account, one, [before], -1)
                _sum(account, one, [after])
    last_fill, last_movement = min(newest.fills, fills + step), min(newest.movements, movements + step)
    _sum(account, one, holdings.rows_after(connection, "fills", account, (fills, last_fill)))
    _sum(account, one, holdings.rows_after(connection, "movements", account, (movements, last_movement)))
    one.read = (last_fill, last_movement, newest.revisions)
    return (last_fill, last_movement) == (newest.fills, newest.movements)


def _sum(account: str, one: Standing, rows: Iterable[Row], times: int = 1) -> None:
    for row in rows:
        if row.record.time >= one.start:
            add(one.total, changes(row, account, one.own), times)


def changes(row: Row, account: str, own: tuple[str, ...]) -> dict[str, Decimal]:
    """Return what a row changes in an account."""
    record = row.record
    return fill_changes(record) if isinstance(record, Fill) else movement_changes(record, account, own)


def compared(connection: sqlite3.Connection, account: str, one: Standing, begun: Beginning) -> tuple[Line, ...]:
    """Compare every asset of an account, added up in `one`, with the newest balances; nothing without a balance."""
    looks = _looks(connection, account, begun)
    if not looks:
        return _first_lines(connection, account, begun)
    span = (looks[-1].time - UNCERTAINTY, FOREVER)
    events = _events(connection, account, one, span)
    if begun.look is None:
        return lines(Held(one.total, events, pending=_pending(connection, account, one, looks[0].time)), looks)
    start = _look(connection, account, begun.look)
    around = _events(connection, account, one, (start.time - UNCERTAINTY, start.time + UNCERTAINTY + 1))
    return lines(Held(one.total, events, start, around, _pending(connection, account, one, looks[0].time)), looks)


def _looks(connection: sqlite3.Connection, account: str, begun: Beginning) -> list[Look]:
    """Return the newest balance and the newest ones past which the ledger is proven, the newest first."""
    newest = holdings.good_looks(connection, account, FOREVER, 1)
    proven = holdings.good_looks(connection, account, begun.until - LATENESS, EARLIER)
    after = begun.look.time if begun.look else begun.start - 1
    return [
        _look(connection, account, look, proven=look in proven)
        for look in dict.fromkeys((*newest, *proven))
        if look.time > after
    ]


def _look(connection: sqlite3.Connection, account: str, look: GoodLook, *, proven: bool = True) -> Look:
    """Return a snapshot with its balances, and its positions where they were looked at."""
    held, positions = holdings.balances_at(connection, account, look.id), looked(connection, look.id)
    for one in positions_at(connection, account, look.id) if positions else ():
        held[position_name(one.book, one.symbol)] = one.contracts * (one.contract_size or Decimal(1))
    return Look(look.time, held, proven, positions)


def _first_lines(connection: sqlite3.Connection, account: str, begun: Beginning) -> tuple[Line, ...]:
    """Return the balances an account begins with: what it held before is not known, so there is nothing to compare."""
    newest = holdings.good_looks(connection, account, FOREVER, 1)
    look = begun.look or (newest[0] if newest else None)
    if look is None:
        return ()
    reason = "the first balance since the ledger is read: the next one is compared with it"
    held = holdings.balances_at(connection, account, look.id)
    return tuple(Line(asset, "waiting", total, look.time, reason=reason) for asset, total in sorted(held.items()))


def _events(connection: sqlite3.Connection, account: str, one: Standing, span: tuple[int, int]) -> list[Event]:
    rows = holdings.rows_between(connection, account, span)
    rows.sort(key=lambda row: (row.record.time, row.id))
    return [Event(row.record.time, changes(row, account, one.own)) for row in rows if row.record.time >= one.start]


def _pending(connection: sqlite3.Connection, account: str, one: Standing, time: int) -> dict[str, Decimal]:
    """Return what the movements that are still pending would change if they had happened."""
    total: dict[str, Decimal] = {}
    for movement in holdings.movements_of(connection, account, ("pending",), max(one.start, time - PENDING)):
        add(total, movement_changes(_finished(movement), account, one.own))
    return total


def _finished(movement: Movement) -> Movement:
    return replace(movement, status="ok")
