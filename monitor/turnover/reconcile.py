"""Does what the ledger says an account holds equal what the venue says it holds? To the last digit.

residual = balance - (what the account held at the beginning + every change since), per account and asset.

A balance has no exact instant: the venue looked somewhere near the time it was asked. Rows within `UNCERTAINTY` of it
may or may not be in the balance, so the ledger's sum at every cut between them counts: one that fits to the last digit
is agreement. A disagreement counts only where the ledger is proven complete past the balance; where rows leave several
residuals possible, an earlier balance decides, and if that cannot either, the next one will.

Positions of contracts are compared likewise, in units of base (inverse: of quote): contracts held * contract size.

Not compared: money behind an open derivative or margin position (venues add results that are not realised), and
inverse contracts' money (the venue rounds every division).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from monitor.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from monitor.records import Fill, Movement

UNCERTAINTY = 5 * SECOND
# Balances that may decide about one asset: beyond that the next one is waited for.
EARLIER = 3
# Wide enough for any sum of products of amounts; a digit lost is an error, never a rounding.
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow, Clamped])
ZERO = Decimal(0)
# Changes of positions stand beside changes of assets under names that no asset has: `@linear BTC/USDT:USDT USDT`.
POSITION = "@"
CONTRACTS = tuple(f"{POSITION}{book} " for book in ("linear", "inverse", "option"))
Verdict: TypeAlias = Literal["agrees", "drift", "waiting", "not compared"]
Changes: TypeAlias = "Mapping[str, Decimal]"


class Event(NamedTuple):
    """What one row of the ledger changed at `time`."""

    time: int
    changes: Changes


@dataclass(frozen=True, slots=True)
class Look:
    """One good snapshot; `proven`: the ledger is known to be complete past it.

    `balances` hold positions too, under the names they change by. `positions`: whether all of them were shown, a part,
    or (None) nobody looked.
    """

    time: int
    balances: Changes
    proven: bool = True
    positions: Literal["all", "part"] | None = None


@dataclass(frozen=True)
class Held:
    """What the ledger knows of an account.

    `total` is the sum of every change since the beginning; `recent` holds at least every event since `UNCERTAINTY`
    before the earliest balance compared. `start` is the balance the account began with (None: it began with nothing)
    and `first` the events within `UNCERTAINTY` of it. `pending` changes may have happened or not.
    """

    total: Changes
    recent: Sequence[Event]
    start: Look | None = None
    first: Sequence[Event] = ()
    pending: Changes = field(default_factory=dict)

    @cached_property
    def later(self) -> Mapping[str, Sequence[tuple[int, Decimal]]]:
        """The recent changes of each asset, in the order of time."""
        found = defaultdict(list)
        for event in sorted(self.recent, key=lambda event: event.time):
            for asset, change in event.changes.items():
                found[asset].append((event.time, change))
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """One asset of one account, units: ledger + residual = balance at `time`; None where nothing can be said."""

    asset: str
    verdict: Verdict
    balance: Decimal
    time: int
    residual: Decimal | None = None
    reason: str = ""

    @property
    def ledger(self) -> Decimal | None:
        """What the ledger says is held; None where rows at the balance's very instant leave several answers."""
        return None if self.residual is None else EXACT.subtract(self.balance, self.residual)


def fill_changes(fill: Fill) -> dict[str, Decimal]:
    """Return what a fill changes: asset -> units, and its position where it is not spot.

    Spot and margin: base +- amount, quote -+ cost (the venue's own, else amount * price). Contracts: settle asset -+
    amount * contract size * price, which is the realised result once the position is flat. Fees are taken off.
    """
    changes: defaultdict[str, Decimal] = defaultdict(Decimal)
    sign, coins = Decimal(1 if fill.side == "buy" else -1), fill.book in {"spot", "margin"}
    money = fill.quote if coins else fill.settle or fill.quote
    units = EXACT.multiply(EXACT.multiply(sign, fill.amount), fill.contract_size or Decimal(1))
    touched = (fill.base, money) if coins else (money,)
    if fill.inverse:
        changes[f"{POSITION}rounded {fill.symbol} {money}"] = Decimal(1)
    else:
        stated = coins and fill.cost is not None
        paid = EXACT.multiply(sign, fill.cost or ZERO) if stated else EXACT.multiply(units, fill.price)
        add(changes, {money: EXACT.minus(paid)})
        add(changes, {fill.base: units} if coins else {})
    for asset in touched if fill.book != "spot" else ():
        changes[f"{POSITION}{fill.book} {fill.symbol} {asset}"] = units
    for fee in fill.fees:
        add(changes, {fee.asset: EXACT.minus(fee.amount)})
    return changes


def movement_changes(movement: Movement, account: str, own: Collection[str]) -> dict[str, Decimal]:
    """Return what a movement changes in an account: the one it is of, or the one it goes to; only a finished one.

    `own` are the desk's accounts: a transfer to anything else stays inside the account (between the venue's wallets).
    """
    changes: defaultdict[str, Decimal] = defaultdict(Decimal)
    if movement.status != "ok":
        return changes
    kind, asset, amount = movement.kind, movement.asset, movement.amount
    away = kind == "transfer" and movement.to_account in own and movement.to_account != movement.account
    if movement.account != account:
        if away and movement.to_account == account:
            changes[asset] = amount if movement.received is None else movement.received
        return changes
    if kind in {"withdrawal", "fee", "write_off"} or away:
        changes[asset] = EXACT.minus(abs(amount))
    elif kind == "convert":
        changes[asset] = EXACT.minus(amount)
        add(changes, {movement.to_asset: movement.received or ZERO} if movement.to_asset else {})
    elif kind != "transfer":
        changes[asset] = amount
    for fee in movement.fees:
        add(changes, {fee.asset: EXACT.minus(fee.amount)})
    return changes


def add(sums: dict[str, Decimal], changes: Changes, times: int = 1) -> None:
    """Add changes to sums in place, exactly; `times` -1 takes them back."""
    for asset, change in changes.items():
        signed = change if times == 1 else EXACT.minus(change)
        sums[asset] = EXACT.add(sums.get(asset, ZERO), signed)


def lines(held: Held, looks: Sequence[Look]) -> tuple[Line, ...]:
    """Compare every asset of an account with its balances, `looks` the newest first; by asset, nothing without one."""
    if not looks:
        return ()
    assets = {*held.total, *looks[0].balances, *(held.start.balances if held.start else ())}
    balances = [_line(held, looks, asset) for asset in sorted(assets) if not asset.startswith(POSITION)]
    return (*balances, *_positions(held, looks))


def position_name(book: str, symbol: str) -> str:
    """Return the name under which a position of contracts changes."""
    return f"{POSITION}{book} {symbol} {symbol.partition(':')[2].partition('-')[0]}"


def _positions(held: Held, looks: Sequence[Look]) -> Iterable[Line]:
    """Compare every position the venue shows, and those it would show if they were open; by symbol."""
    seen = [look for look in looks if look.positions]
    if not seen or (held.start and held.start.positions != "all"):
        return
    names = {*held.total, *seen[0].balances}
    for name in sorted(one for one in names if one.startswith(CONTRACTS)):
        told = [look for look in seen if look.positions == "all" or name in look.balances]
        if told:
            yield replace(_line(held, told, name), asset=name.split(" ")[1])


def _line(held: Held, looks: Sequence[Look], asset: str) -> Line:
    newest = looks[0]
    balance = newest.balances.get(asset, ZERO)
    if residuals(held, newest, asset) == {ZERO}:
        return Line(asset, "agrees", balance, newest.time, ZERO)  # agreement needs no proof
    if why := _incomparable(held, asset):
        return Line(asset, "not compared", balance, newest.time, reason=why)
    proven = [look for look in looks if look.proven][:EARLIER]
    if not proven:
        return Line(asset, "waiting", balance, newest.time, reason="the ledger is not read far enough past it")
    balance, time = proven[0].balances.get(asset, ZERO), proven[0].time
    possible = _possible(held, proven, asset)
    if ZERO in possible:
        return Line(asset, "agrees", balance, time, ZERO)
    if len(possible) == 1:
        return Line(asset, "drift", balance, time, min(possible))
    reason = "a movement is pending" if held.pending.get(asset) else "rows at the very instant of this balance"
    return Line(asset, "waiting", balance, time, reason=reason)


def _possible(held: Held, proven: Iterable[Look], asset: str) -> frozenset[Decimal]:
    """Return the residuals that the newest balance allows, narrowed down by those before it as far as they fit."""
    possible: frozenset[Decimal] = frozenset()
    for look in proven:
        found = residuals(held, look, asset)
        if possible and not possible & found:
            break  # something happened between the two: the newer one alone counts
        possible = possible & found or found
        if len(possible) == 1:
            break
    return possible


def residuals(held: Held, look: Look, asset: str) -> frozenset[Decimal]:
    """Return every residual that a balance allows: one where no row is within `UNCERTAINTY` of it."""
    later = held.later.get(asset, ())
    begin = look.time - UNCERTAINTY
    before = held.total.get(asset, ZERO)
    for time, change in later:
        before = EXACT.subtract(before, change) if time >= begin else before
    sums = _cuts(before, [change for time, change in later if begin <= time <= look.time + UNCERTAINTY])
    maybe = {ZERO, held.pending.get(asset, ZERO)}
    explained = {EXACT.add(EXACT.add(one, opening), more) for one in sums for opening in _openings(held, asset)
                 for more in maybe}  # fmt: skip
    balance = look.balances.get(asset, ZERO)
    return frozenset(EXACT.subtract(balance, sum_) for sum_ in explained)


def _openings(held: Held, asset: str) -> set[Decimal]:
    """Return what the account may have held `UNCERTAINTY` before its first balance."""
    if held.start is None:
        return {ZERO}
    changes = [event.changes[asset] for event in sorted(held.first, key=_time) if asset in event.changes]
    balance = held.start.balances.get(asset, ZERO)
    return {EXACT.subtract(balance, done) for done in _cuts(ZERO, changes)}


def _time(event: Event) -> int:
    return event.time


def _cuts(begin: Decimal, changes: Iterable[Decimal]) -> set[Decimal]:
    """Return the sums after none, one, two ... of some changes."""
    sums = [begin]
    for change in changes:
        sums.append(EXACT.add(sums[-1], change))
    return set(sums)


def _incomparable(held: Held, asset: str) -> str:
    """Return why an asset's balance says nothing about the ledger, empty if it does."""
    positions = [name for name in held.total if name.startswith(POSITION) and name.rpartition(" ")[2] == asset]
    if any(name.startswith(f"{POSITION}rounded") for name in positions):
        return "the venue rounds the results of inverse contracts"
    if positions and held.start is not None:
        return "the positions before the first balance are unknown"
    symbols = [name.split(" ")[1] for name in positions if held.total[name] != 0]
    return f"a position is open in {', '.join(sorted(set(symbols)))}" if symbols else ""
