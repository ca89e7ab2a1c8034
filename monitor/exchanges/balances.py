"""From ccxt's balance to a snapshot; an empty portfolio needs proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.errors import AmountError, VenueUnavailable
from monitor.exact import exact
from monitor.exchanges.fields import Row, Unreadable, number, scalars
from monitor.records import Balance, Snapshot

if TYPE_CHECKING:
    from monitor.exchanges.bodies import Body

# Names in a balance row whose value, if not zero, is something held.
HOLDINGS = ("balance", "amount", "total", "free", "avail", "equity", "cash", "walletbalance", "hold")


def balance(asset: str, row: Row) -> Balance | None:
    """Return what is held of one asset; None if the venue gives no figure at all.

    Raises:
        Unreadable: a figure is no number.
    """
    total, free, used = number(row, "total"), number(row, "free"), number(row, "used")
    if total is None:
        parts = [part for part in (free, used) if part is not None]
        if not parts:
            return None
        total = sum(parts, Decimal(0))
    return Balance(asset, total, free, used)


def snapshot(parsed: Row, bodies: Sequence[Body], account: str, time: int) -> Snapshot:
    """Return the snapshot of a ccxt balance.

    Raises:
        VenueUnavailable: the answer has no readable figure, or is empty without saying so.
    """
    totals = parsed.get("total")
    assets = list(totals) if isinstance(totals, Mapping) else []
    found, unread = [], []
    for asset in assets:
        row = parsed.get(asset)
        try:
            held = balance(str(asset), row) if isinstance(row, Mapping) else None
        except Unreadable as why:
            raise VenueUnavailable(f"The balance of {asset} is unreadable: {why}.") from None
        if held is None:
            unread.append(str(asset))
        else:
            found.append(held)
    if unread:
        raise VenueUnavailable(f"The balance answer gives no figure for {', '.join(sorted(unread)[:5])}.")
    if not found and not plausibly_empty(bodies):
        raise VenueUnavailable("The balance answer holds no balance and does not say that there is none.")
    return Snapshot(account, time, tuple(sorted(found, key=lambda held: held.asset)))


def merged(looks: Sequence[Snapshot]) -> Snapshot:
    """Return one snapshot of an account's wallets: figures of one asset add up, an unknown part stays unknown."""
    held: dict[str, Balance] = {}
    for one in (balance for look in looks for balance in look.balances):
        other = held.get(one.asset)
        held[one.asset] = (
            one
            if other is None
            else Balance(one.asset, one.total + other.total, _sum(one.free, other.free), _sum(one.used, other.used))
        )
    return Snapshot(looks[0].account, looks[0].time, tuple(sorted(held.values(), key=lambda balance: balance.asset)))


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def plausibly_empty(bodies: Sequence[Body]) -> bool:
    """Tell whether bodies without a parsed row can be believed: explicitly empty, or rows of zeros only."""
    return any(body.says_nothing for body in bodies) or any(
        body.rows and not any(_holds(row) for row in body.rows) for body in bodies
    )


def _holds(row: object) -> bool:
    if not isinstance(row, Mapping):
        return any(_nonzero(word) for word in scalars(row))
    return any(
        any(_nonzero(word) for word in scalars(value))
        for name, value in row.items()
        if any(part in str(name).lower() for part in HOLDINGS) or isinstance(value, dict | list)
    )


def _nonzero(word: str) -> bool:
    try:
        return exact(word) != 0
    except AmountError:
        return False
