"""One fill told twice, by a file and by the exchange: which row is which.

A file's row often lacks the order id, or any id, and its times may be cut to the second or minute. With a trade id the
fill is known by it. Without, it is the exchange's fill of the same market, side, amount and price within the file's
grain, each at most once: two equal fills stay two. What is left beside a likely twin is for
`monitor.store.doubts` to say.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.rows import FILLS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.records import Fill
    from monitor.store.rows import Value

MINUTE = 60_000
SECOND = 1_000
PAGE = 5_000
TEXTS = [FILLS.payload.index(name) for name in ("amount", "price", "fees")]
RANGES = "SELECT first_fill, last_fill, grain_ms FROM imports WHERE account = ?"


class Claim(NamedTuple):
    """A fill as one of the two tells it; numbers as canonical text. `grain` in ms: 1 is an exact time."""

    key: str
    time: int
    book: str
    market: str
    symbol: str
    side: str
    amount: str
    price: str
    fees: str
    trade_id: str | None
    order_id: str | None
    grain: int = 1

    @property
    def likeness(self) -> tuple[str, ...]:
        """What two tellings of one fill have in common, whoever tells it."""
        return self.book, self.symbol, self.side, self.amount, self.price


def claim(fill: Fill, said: Sequence[Value]) -> Claim:
    """Return a fill as the exchange tells it; `said` is its payload (monitor.store.rows), where numbers are texts."""
    amount, price, fees = (said[place] for place in TEXTS)
    numbers = str(amount), str(price), str(fees)
    return Claim(
        fill.key, fill.time, fill.book, fill.market, fill.symbol, fill.side, *numbers, fill.trade_id, fill.order_id
    )


def grain_of(times: Iterable[int]) -> int:
    """Return how fine times are told, in ms: 60,000 or 1,000 if all of them are whole minutes or seconds, else 1."""
    grain = MINUTE
    for time in times:
        while time % grain:
            grain = SECOND if grain == MINUTE else 1
        if grain == 1:
            break
    return grain


def other_keys(claim: Claim) -> list[str]:
    """Return the keys under which the other side may know a fill with an id, the likeliest first."""
    if claim.trade_id is None or not claim.trade_id.strip("0"):
        return [claim.key]
    bare = f"|{claim.trade_id}||{claim.side}"
    ends = (f"|{claim.trade_id}|{claim.order_id}|{claim.side}", bare) if claim.order_id else (bare,)
    markets = (claim.market,) if claim.market == claim.symbol else (claim.market, claim.symbol)
    keys = [f"{claim.book}|{market}{end}" for end in ends for market in markets]
    return keys if claim.key == keys[0] else list(dict.fromkeys((claim.key, *keys)))


def pairs(loose: Sequence[Claim], firm: Sequence[Claim]) -> dict[int, int]:
    """Return which of the exchange's fills each of a file's is: equal times before equal fees before the earliest."""
    waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, claim in sorted(enumerate(firm), key=lambda pair: (pair[1].time, pair[1].key)):
        waiting[claim.likeness].append(at)
    found: dict[int, int] = {}
    # Whoever names his order can be one of few: he chooses first.
    order = sorted(range(len(loose)), key=lambda at: (loose[at].order_id is None, loose[at].time, loose[at].key))
    for fits in (_same_instant, _same_fees, within):
        for at in order:
            if at not in found:
                left = waiting[loose[at].likeness]
                other = next((one for one in left if fits(loose[at], firm[one])), None)
                if other is not None:
                    found[at] = other
                    left.remove(other)
    return found


def within(loose: Claim, firm: Claim) -> bool:
    """Tell whether a firm fill lies in a loose one's grain, and their orders do not differ."""
    orders = loose.order_id is None or firm.order_id is None or loose.order_id == firm.order_id
    return orders and loose.time <= firm.time < loose.time + loose.grain


def _same_instant(loose: Claim, firm: Claim) -> bool:
    return loose.time == firm.time and loose.fees == firm.fees and within(loose, firm)


def _same_fees(loose: Claim, firm: Claim) -> bool:
    return loose.fees == firm.fees and within(loose, firm)


SAID = "key, time_ms, book, market, symbol, side, amount, price, fees, trade_id, order_id"


def has_imports(connection: sqlite3.Connection, account: str) -> bool:
    """Tell whether fills of an account came from a file."""
    return connection.execute(f"{RANGES} LIMIT 1", [account]).fetchone() is not None


def file_rows(connection: sqlite3.Connection, account: str, told: Sequence[Claim]) -> dict[str, str]:
    """Return, for fills an exchange tells for the first time, the key of the file's row that each already is."""
    if not told:
        return {}
    found = _by_id(connection, account, told, "AND source = 'file'")
    rest = [claim for claim in told if claim.key not in found]
    if not rest:
        return found
    times, ranges = [claim.time for claim in rest], connection.execute(RANGES, [account]).fetchall()
    # What a file told coarsely may be up to its grain earlier; of one that tells milliseconds nothing is.
    first = min(times) - max((grain for *_, grain in ranges), default=1) + 1
    stored = connection.execute(
        f"SELECT id, {SAID} FROM fills WHERE time_ms BETWEEN ? AND ? AND account = ? AND source = 'file'",  # noqa: S608  our own names
        [first, max(times), account],
    ).fetchall()
    taken = set(found.values())
    loose = [
        Claim._make((*said, grain_at(identity, ranges)))
        for identity, *said in stored
        if not (said[9] or "").strip("0") and said[0] not in taken
    ]
    if not loose:
        return found
    return found | {rest[one].key: loose[at].key for at, one in pairs(loose, rest).items()}


def grain_at(identity: int, ranges: Sequence[Sequence[int]]) -> int:
    """Return the grain of the file that a fill of this number came from, 1 of any other fill."""
    return next((grain for first, last, grain in ranges if first <= identity <= last), 1)


def stored_keys(connection: sqlite3.Connection, account: str, told: Sequence[Claim]) -> dict[str, str]:
    """Return, for a file's fills, the keys of the stored rows that they already are."""
    found = _by_id(connection, account, told, "")
    loose = [claim for claim in told if claim.key not in found and not (claim.trade_id or "").strip("0")]
    taken = set(found.values())
    for page in _pages(sorted(loose, key=lambda claim: claim.time)):
        stored = connection.execute(
            f"SELECT {SAID} FROM fills WHERE time_ms BETWEEN ? AND ? AND account = ? AND source <> 'file'",  # noqa: S608  our own names
            [page[0].time, page[-1].time + page[-1].grain - 1, account],
        )
        firm = [claim for claim in (Claim._make((*said, 1)) for said in stored) if claim.key not in taken]
        which = pairs(page, firm)
        found |= {page[at].key: firm[one].key for at, one in which.items()}
        taken |= {firm[one].key for one in which.values()}
    return found


def _pages(claims: Sequence[Claim]) -> Iterator[Sequence[Claim]]:
    """Yield pages; fills of one instant stay together."""
    first = 0
    while first < len(claims):
        last = min(first + PAGE, len(claims))
        while last < len(claims) and claims[last].time == claims[last - 1].time:
            last += 1
        yield claims[first:last]
        first = last


def _by_id(connection: sqlite3.Connection, account: str, told: Sequence[Claim], only: str) -> dict[str, str]:
    """Return the stored keys of the fills that are known by an id, each used once."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for page in _pages(told):
        asked = {claim.key: other_keys(claim) for claim in page}
        every = json.dumps([key for keys in asked.values() for key in keys])
        known = {
            key
            for (key,) in connection.execute(
                # A join in this order: IN would sort the keys first, which takes as long as finding them.
                "SELECT f.key FROM json_each(?) CROSS JOIN fills f ON f.account = ? AND f.key = value "  # noqa: S608  our own words
                f"{only}",
                [every, account],
            )
        }
        # Most pages are new altogether: then only what is told without its order may be stored under another key.
        for claim in page if known else [claim for claim in page if claim.order_id is None]:
            stored = next((key for key in asked[claim.key] if key in known and key not in taken), None)
            stored = stored or _orderless(connection, account, claim, only)
            if stored is not None and stored not in taken:
                found[claim.key] = stored
                taken.add(stored)
    return found


def _orderless(connection: sqlite3.Connection, account: str, claim: Claim, only: str) -> str | None:
    """Return the one stored key of a trade id, for a fill told without its order; None if there are several."""
    if claim.order_id is not None or claim.trade_id is None or not claim.trade_id.strip("0"):
        return None
    keys = {
        str(key)
        for market in {claim.market, claim.symbol}
        for (key,) in connection.execute(
            "SELECT key FROM fills WHERE account = ?1 AND key >= ?2 AND key < ?2 || char(1114111) AND side = ?3 "  # noqa: S608  our own words
            f"{only} LIMIT 2",
            [account, f"{claim.book}|{market}|{claim.trade_id}|", claim.side],
        )
    }
    return keys.pop() if len(keys) == 1 else None
