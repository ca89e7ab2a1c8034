"""Another program's export into the columns of an events file, row by row, by a mapping.

What becomes an event then goes the way of every other row. A row that cannot be read exactly is rejected with its
line; what was assumed for all of them (account, time zone) or left out is told in the notes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import polars as pl

from monitor.clock import iso
from monitor.errors import ImportRejected
from monitor.exact import plain
from monitor.interchange import spelling
from monitor.interchange.columns import EVENT_COLUMNS
from monitor.interchange.foreign import Export, Line, read_export
from monitor.interchange.spelling import Unclear
from monitor.interchange.table import LINE, Rejected, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from decimal import Decimal
    from pathlib import Path

    from monitor.interchange.mapping import Mapping

# A total may be rounded; one that is further off than this was cut or read wrongly.
MOST_OFF = 1_000
Event = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Source:
    """An export to read: its mapping, and what it does not tell itself.

    `account` is whose it is, `zone` the time zone its times are in (None: what the mapping says). `currency` is the
    reporting currency, in which alone a row's worth means something here. `note` says how all this was chosen.
    """

    mapping: Mapping
    account: str | None = None
    zone: str | None = None
    currency: str = "USD"
    note: str = ""


@dataclass
class Translation:
    """An export on its way: the events so far, what was refused, and what a person should know."""

    source: Source
    path: Path
    export: Export
    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    @property
    def mapping(self) -> Mapping:
        """The mapping."""
        return self.source.mapping

    @cached_property
    def account(self) -> str:
        """The account of rows that name none."""
        given = self.source.account or self.mapping.account or self.mapping.exchange or self.mapping.name
        if self.source.account is None and "account" not in self.mapping.columns:
            self.notes.append(f"the export names no account: its rows are those of {given!r}; --account names another.")
        return given

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of the export's times."""
        named = next(spelling.zones_in(self.path.name), None) if self.mapping.zone == "name" else None
        if self.source.zone is None and named is None and self.mapping.zone != "UTC":
            self.notes.append("the export does not say in which zone its times are: UTC is taken; --timezone names it.")
        return spelling.zone_of(self.source.zone or named or "UTC")

    def text(self, line: Line, name: str) -> str | None:
        """Return what a row has for a column of ours, None for nothing."""
        for column in self.source.mapping.columns.get(name, ()):
            if told := line.fields.get(column):
                return told
        return None

    def needed(self, line: Line, name: str) -> str:
        """Return what a row must have.

        Raises:
            Unclear: it has nothing there.
        """
        told = self.text(line, name)
        if told is None:
            raise Unclear(f"{self.mapping.columns.get(name, (name,))[0]} is missing")
        return told

    def number(self, line: Line, name: str) -> Decimal | None:
        """Return a number of a row, None where it has none."""
        told = self.text(line, name)
        return None if told is None else spelling.number(told, self.mapping.columns[name][0])

    def begun(self, line: Line) -> Event:
        """Return an event of a row's time and account."""
        time = self._moment(self.needed(line, "time"))
        return {LINE: line.number, "time": str(time), "account": self.text(line, "account") or self.account}

    @cached_property
    def _moment(self) -> Callable[[str], str]:
        zone = self.zone
        return lru_cache(100_000)(lambda text: iso(spelling.moment(text, self.mapping, zone)))

    def refuse(self, line: Line, reason: object) -> None:
        """Reject a row."""
        self.rejected.append(Rejected(line.number, str(reason)))


def translated(path: Path, source: Source, read: Callable[[Translation], None]) -> tuple[Table, tuple[str, ...]]:
    """Read an export into a table of `EVENT_COLUMNS` and `cost`, and the notes; `read` knows the export's shape.

    Raises:
        UsageError: there is no such file, or the zone is none.
        ImportRejected: it is no UTF-8 CSV, or lacks columns of the mapping.
    """
    export = read_export(path, source.mapping.empty)
    if missing := [repr(name) for name in source.mapping.needs if name not in export.header]:
        raise ImportRejected(
            f"{path} has no column {', '.join(missing)}.", f"{source.mapping.title} are read by their columns."
        )
    work = Translation(source, path, export)
    _ = work.zone
    read(work)
    work.notes += [f"{count} row{'s' * (count > 1)} with {what}." for what, count in work.told.items()]
    schema = {LINE: pl.Int64, **dict.fromkeys((*EVENT_COLUMNS, "cost"), pl.String)}
    events = sorted(work.events, key=lambda event: event[LINE])
    rejected = sorted([*export.rejected, *work.rejected], key=lambda row: row.line)
    first = (f"read as {source.mapping.title} ({source.mapping.name}).", *([source.note] if source.note else ()))
    notes = (*first, *unused(work), *work.notes)
    return Table(pl.DataFrame(events, schema=schema), tuple(rejected)), notes


def unused(work: Translation) -> list[str]:
    """Return a note of the columns that nothing is known of."""
    used = {name for names in work.mapping.columns.values() for name in names} | set(work.mapping.needs)
    strange = [name for name in work.export.header if name not in used and name not in work.mapping.ignores]
    return [f"columns not used: {', '.join(map(repr, strange))}."] if strange else []


def read_fills(work: Translation) -> None:
    """Read an export with one fill a row."""
    for line in work.export.lines:
        try:
            work.events.append(fill(work, line))
        except Unclear as reason:
            work.refuse(line, reason)


def fill(work: Translation, line: Line) -> Event:
    """Return the event of a row that is one fill.

    Raises:
        Unclear: the row cannot be read.
    """
    event = work.begun(line)
    codes = _codes(work, line)
    base, quote = (spelling.asset(code, work.mapping) for code in codes)
    amount = _measured(work, line, "amount", codes[0])
    total = _measured(work, line, "total", codes[1]) if work.text(line, "total") else None
    price = work.number(line, "price")
    if amount is None or price is None:
        raise Unclear(f"{'price' if amount is not None else 'amount'} is missing")
    if total is not None and abs(amount * price - total) * MOST_OFF > max(abs(total), abs(amount * price)):
        raise Unclear(f"amount {plain(amount)} times price {plain(price)} is not the total {plain(total)}")
    margin = work.number(line, "margin")
    given = {"id": work.text(line, "id"), "order_id": work.text(line, "order_id")}
    return {
        **event,
        **{name: told for name, told in given.items() if told},
        **_fee(work, line, codes),
        **({"cost": plain(total)} if total is not None else {}),
        "kind": "trade",
        "symbol": f"{base}/{quote}",
        "side": work.needed(line, "side").lower(),
        "amount": plain(amount),
        "price": plain(price),
        "book": "margin" if margin else "spot",
    }


def _codes(work: Translation, line: Line) -> tuple[str, str]:
    """Return the venue's codes of a row's base and quote."""
    if "base" in work.mapping.columns:
        return work.needed(line, "base"), work.needed(line, "quote")
    units = (work.text(line, "amount") or "", work.text(line, "total") or "")
    return spelling.pair(work.needed(line, "symbol"), work.mapping, units)


def _measured(work: Translation, line: Line, name: str, code: str) -> Decimal:
    """Return a number that may carry its asset, which then must be the right one."""
    told, column = work.needed(line, name), work.mapping.columns[name][0]
    amount, unit = spelling.with_unit(told, column, work.mapping, (code,))
    if unit is not None and unit != code:
        raise Unclear(f"{column} {told!r} is not in {code}")
    return amount


def _fee(work: Translation, line: Line, codes: tuple[str, str]) -> Event:
    """Return the fee of a fill, in the asset it carries or a column names."""
    told = work.text(line, "fee")
    if told is None:
        return {}
    column = work.mapping.columns["fee"][0]
    amount, unit = spelling.with_unit(told, column, work.mapping, codes)
    named = "@quote" in work.mapping.columns.get("fee_asset", ())
    code = unit or work.text(line, "fee_asset") or (codes[1] if named else None)
    if amount == 0:
        return {}
    if code is None:
        raise Unclear(f"{column} {told!r} names no asset")
    return {"fee": plain(amount), "fee_asset": spelling.asset(code, work.mapping)}
