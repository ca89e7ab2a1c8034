"""Reading single values out of ccxt's loosely typed structures, exactly or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from monitor.errors import AmountError
from monitor.exact import exact
from monitor.exchanges.bodies import canonical
from monitor.exchanges.times import EARLIEST, LATEST, milliseconds
from monitor.records import Fee

if TYPE_CHECKING:
    from decimal import Decimal

Row: TypeAlias = Mapping[str, object]
# What a number may begin with besides a digit; exact() allows blanks around it.
SIGNS = frozenset("+-. \t")


class Unreadable(Exception):
    """A row lacks something it must have; the text says what."""


def text(row: Row, field: str) -> str | None:
    """Return a field as text; empty and missing are None."""
    value = row.get(field)
    if type(value) is str:  # nearly always: a page asks for ten thousand fields
        return value or None
    return None if value is None or value == "" or isinstance(value, bool) else str(value)


def number(row: Row, field: str) -> Decimal | None:
    """Return a field as an exact decimal; missing is None.

    Raises:
        Unreadable: there is something, and it is no number.
    """
    value = text(row, field)
    if value is None:
        return None
    try:
        return exact(value)
    except AmountError:
        raise Unreadable(f"{field} is {value!r}") from None


def unsigned(row: Row, field: str) -> Decimal:
    """Return the magnitude of a field; some venues sign what was sold.

    Raises:
        Unreadable: it is missing, no number or zero.
    """
    value = number(row, field)
    if value is None:
        raise Unreadable(f"{field} is missing")
    if value == 0:
        raise Unreadable(f"{field} is {value}")
    return value.copy_abs()  # abs() would round to 28 digits


def instant(row: Row) -> int:
    """Return the row's time in milliseconds UTC: ccxt's, else the one the venue's own row states.

    Raises:
        Unreadable: it is missing or lies outside 2009 to 2100.
    """
    value = milliseconds(row.get("timestamp"), raw_row(row))
    if value is None:
        raise Unreadable("the time is missing")
    if not EARLIEST <= value < LATEST:
        raise Unreadable(f"the time is {value}")
    return value


def fees(row: Row, usual: str | None = None) -> tuple[Fee, ...]:
    """Return every fee of a row: `fees` where it lists any, else `fee`; negative is a rebate.

    `usual`: the asset of a fee that names none, where the venue has only one.

    Raises:
        Unreadable: a fee is charged in an asset that is not named.
    """
    listed = row.get("fees")
    entries = listed if isinstance(listed, list) and listed else [row.get("fee")]
    found = []
    for entry in entries:
        if not isinstance(entry, Mapping) or (amount := number(entry, "cost")) is None:
            continue
        asset = text(entry, "currency") or usual
        if asset is None:
            if amount != 0:
                raise Unreadable(f"a fee of {amount} names no asset")
            continue
        found.append(Fee(asset, amount))
    return tuple(found)


def raw(row: Row) -> object:
    """Return the venue's own row inside a parsed one."""
    return row.get("info")


def raw_row(row: Row) -> Row:
    """Return the venue's own row as an object; rows that are lists have no named fields."""
    info = row.get("info")
    # Mapping is asked by a search that takes longer than the rest.
    return info if type(info) is dict or isinstance(info, Mapping) else {}


class Digests:
    """Keys for rows without a usable id: a digest of the row, and an ordinal among identical ones.

    Two identical fills are two fills. The ordinal is stable because identical rows share one millisecond, and a page
    that proves that millisecond holds all of them.
    """

    def __init__(self) -> None:
        """Start counting; one object per page."""
        self._seen: Counter[str] = Counter()

    def key(self, value: object) -> str:
        """Return the row's key."""
        digest = hashlib.sha256(canonical(value).encode()).hexdigest()[:32]
        self._seen[digest] += 1
        return f"{digest}-{self._seen[digest]}"


def scalars(value: object) -> Iterator[str]:
    """Yield every number and text inside a row, however deep."""
    if isinstance(value, str | int):
        if not isinstance(value, bool):
            yield str(value)
        return
    children = value if isinstance(value, list) else value.values() if isinstance(value, Mapping) else ()
    for child in children:
        if type(child) is str:  # nearly all of them; a generator for each would take longer than reading it
            yield child
        elif type(child) is int:
            yield str(child)
        else:
            yield from scalars(child)


def stated(row: Row, amount: Decimal | None) -> Decimal | None:
    """Return a number only if the venue's own row states it; ccxt fills in costs by multiplying."""
    if amount is None:
        return None
    for word in scalars(raw(row)):
        # A word that cannot be a number costs ten times as much to refuse as a number to read.
        if not (word[:1].isdigit() or word[:1] in SIGNS):
            continue
        try:
            if exact(word) == amount:
                return amount
        except AmountError:
            continue
    return None
