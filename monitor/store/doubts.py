"""What a file told and the exchange may have told too, and nothing proves: a finding, because both count.

Another time zone, a rounded price or an id that the file lacks hides that two rows are one; a person has to look.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import HOUR, MINUTE, iso
from monitor.records import Finding
from monitor.store.findings import record_finding, resolve_finding
from monitor.store.twins import RANGES, SAID, Claim, grain_at, within

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

# No two time zones are further apart.
FAR = 26 * HOUR
CODE = "fill_told_twice"
MOVED = "movement_told_twice"
LEAVE_OUT = "Give them the exchange's own ids in the file, by which they are known, or leave them out."


def check_copies(connection: sqlite3.Connection, account: str, now: int) -> int:
    """Raise, or take back, the finding about a file's fills that may be the exchange's; return how many there are.

    Doubtful is a file's fill beside one that the exchange told of the same market, side and amount, at nearly the same
    price, less than 26 hours away, where the exchange was read completely; or beside an equal one within its grain.
    """
    ranges = connection.execute(RANGES, [account]).fetchall()
    found = connection.execute(f"SELECT id, {SAID} FROM fills WHERE account = ? AND source = 'file'", [account])  # noqa: S608  our own names
    left = [Claim._make((*said, grain_at(identity, ranges))) for identity, *said in (found if ranges else ())]
    proven = connection.execute(
        "SELECT start_ms, end_ms, book, symbol FROM intervals JOIN streams ON id = stream WHERE account = ?"
        " AND kind = 'fills'",
        [account],
    ).fetchall()
    told = _told_between(connection, account, left)
    doubtful = [claim for claim in left if _is_doubtful(claim, told[claim.likeness[:-1]], proven)]
    if doubtful:
        record_finding(connection, _finding(account, doubtful), now)
    else:
        resolve_finding(connection, CODE, account, now)
    return len(doubtful) + _check_movements(connection, account, now)


def _check_movements(connection: sqlite3.Connection, account: str, now: int) -> int:
    """Raise, or take back, the finding about a file's movements within a minute of an equal one that was told."""
    count, first = connection.execute(
        "SELECT count(DISTINCT m.id), min(m.time_ms) FROM movements m JOIN movements a ON a.asset = m.asset"
        " AND a.time_ms BETWEEN m.time_ms - ?2 AND m.time_ms + ?2 AND a.account = m.account AND a.kind = m.kind"
        " AND a.amount = m.amount AND a.source <> 'file' WHERE m.account = ?1 AND m.source = 'file'",
        [account, MINUTE],
    ).fetchone()
    if count:
        what = f"{count} imported movements of {account} are like ones the exchange told; the first is of {iso(first)}."
        record_finding(connection, Finding(MOVED, account, f"{what} They may count twice.", LEAVE_OUT), now)
    else:
        resolve_finding(connection, MOVED, account, now)
    return int(count)


def _told_between(
    connection: sqlite3.Connection, account: str, left: Sequence[Claim]
) -> dict[tuple[str, ...], list[Claim]]:
    """Return what the exchange told around these fills, by everything but the price."""
    told: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    wanted = {claim.likeness[:-1] for claim in left}
    if wanted:
        times = [claim.time for claim in left]
        around = connection.execute(
            f"SELECT {SAID} FROM fills WHERE time_ms BETWEEN ? AND ? AND account = ? AND source <> 'file'",  # noqa: S608  our own names
            [min(times) - FAR, max(times) + FAR, account],
        )
        for claim in (Claim._make((*said, 1)) for said in around):
            if claim.likeness[:-1] in wanted:
                told[claim.likeness[:-1]].append(claim)
    return told


def _is_doubtful(claim: Claim, told: Sequence[Claim], proven: Sequence[Sequence[object]]) -> bool:
    """Tell whether a file's fill may be one of those that the exchange told."""
    if any(one.price == claim.price and within(claim, one) for one in told):
        return True
    complete = any(
        int(str(start)) <= claim.time < int(str(end)) and book == claim.book and symbol in ("", claim.symbol)
        for start, end, book, symbol in proven
    )
    price = Decimal(claim.price)
    near = (one for one in told if abs(one.time - claim.time) <= FAR)
    return complete and any(abs(Decimal(one.price) - price) * 100 <= price for one in near)


def _finding(account: str, doubtful: Sequence[Claim]) -> Finding:
    """Return what a person should look at."""
    first = min(doubtful, key=lambda claim: claim.time)
    what = f"{first.side} {first.amount} {first.symbol} at {first.price}, {iso(first.time)}"
    return Finding(
        CODE,
        account,
        f"{len(doubtful)} imported fills of {account} may be fills the exchange told too, and then count twice;"
        f" the first is {what}.",
        "Compare them with the exchange: another time zone, or a rounded price, hides that two rows are one fill.",
    )
