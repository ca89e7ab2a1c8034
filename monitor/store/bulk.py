"""A whole file of ledger rows into the store: straight from columns, without a record object a row.

New rows go in by one statement a page; only those that the store already knows are looked at one by one. Everything
joins the open transaction of the caller, so that a file is stored whole or not at all.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from monitor.exact import plain
from monitor.records import Fee, Fill, Movement
from monitor.store import rows, twins
from monitor.store.insertion import insert_fills, insert_movements
from monitor.store.rows import Ledger, Value
from monitor.store.touched import touch_pools
from monitor.store.twins import Claim

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.records import Price

    Row = tuple[Value, ...]

__all__ = [
    "FILLS",
    "MOVEMENTS",
    "Block",
    "Ledger",
    "Stored",
    "Value",
    "indexes_afterwards",
    "insert_pages",
    "known_prices",
    "next_id",
    "note_effects",
    "note_import",
    "register_file_accounts",
    "roomy",
    "stored_keys",
    "without_options",
]

FILLS, MOVEMENTS = rows.FILLS, rows.MOVEMENTS
ROOM = -262_144  # KiB
# Columns that hold exact decimals.
DECIMALS = frozenset({"amount", "price", "cost", "contract_size", "value", "received"})


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one table: `columns` of each tuple (the first is the row's `id`), and the values all rows share.

    `copies` are columns that hold in every row what another one holds, a number perhaps as its text: they are stored,
    but not handed over twice.
    """

    ledger: Ledger
    columns: tuple[str, ...]
    constants: Mapping[str, Value]
    copies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """The ids, as they would have been, of rows that were not new: known already, or revised."""

    known: frozenset[int] = frozenset()
    revised: frozenset[int] = frozenset()


def next_id(connection: sqlite3.Connection, ledger: Ledger) -> int:
    """Return the first id that is free above all others."""
    return int(connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {ledger.table}").fetchone()[0])


def stored_keys(
    connection: sqlite3.Connection, account: str, told: Iterable[Sequence[object]], grain: int
) -> dict[str, str]:
    """Return the keys of the stored fills that a file's are, by the file's own keys; rows are those of `Claim`."""
    claims = [Claim._make((*row, grain)) for row in told]
    return twins.stored_keys(connection, account, claims)


def note_import(connection: sqlite3.Connection, account: str, fills: tuple[int, int], grain: int, now: int) -> None:
    """Note which ids an account's fills of one file have, and how fine the file's times are (ms)."""
    connection.execute(
        "INSERT INTO imports (account, imported_ms, first_fill, last_fill, grain_ms) VALUES (?, ?, ?, ?, ?)",
        [account, now, *fills, grain],
    )


def register_file_accounts(connection: sqlite3.Connection, names: Iterable[str], now: int) -> None:
    """Make accounts known that so far exist in a file only; those of an exchange stay what they are."""
    connection.executemany(
        "INSERT INTO accounts (account, exchange, first_seen_ms) VALUES (?, 'file', ?) ON CONFLICT DO NOTHING",
        [(name, now) for name in names],
    )


@contextmanager
def indexes_afterwards(connection: sqlite3.Connection, ledger: Ledger, *, apply: bool) -> Iterator[None]:
    """Build a table's secondary indexes once at the end: for a file that is larger than the table, the quicker way.

    Dropping and making them is part of the open transaction: whoever reads meanwhile sees the table as it was.
    """
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    indexes = connection.execute(find, [ledger.table]).fetchall() if apply else []
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, statement in indexes:
        connection.execute(statement)


@contextmanager
def without_options(connection: sqlite3.Connection, *, apply: bool) -> Iterator[None]:
    """Set the trigger that looks at every new fill for an option aside, for rows that are none."""
    find = "SELECT sql FROM sqlite_master WHERE name = 'option_filled'"
    statements = connection.execute(find).fetchall() if apply else []
    if statements:
        connection.execute("DROP TRIGGER option_filled")
    yield
    for (statement,) in statements:
        connection.execute(statement)


@contextmanager
def roomy(connection: sqlite3.Connection, *, apply: bool) -> Iterator[None]:
    """Keep more of the database in memory for a block: rows of a great file fall anywhere in the index of keys.

    Pages that are changed again and again would be written to the log and read back each time.
    """
    (before,) = connection.execute("PRAGMA cache_size").fetchone()
    if apply:
        connection.execute(f"PRAGMA cache_size = {ROOM}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {before}")


def insert_pages(connection: sqlite3.Connection, pages: Iterable[tuple[Block, Sequence[Row]]], now: int) -> Stored:
    """Store pages of rows (each page in ascending order of id) and return which were not new.

    Known rows are compared as in `monitor.store.insertion`: what differs is kept as a revision.
    """
    stored = Stored()
    for block, page in pages:
        before = connection.total_changes
        connection.executemany(_statement(block, now), page)
        if connection.total_changes - before < len(page):
            part = _compare(connection, block, page, now)
            stored = Stored(stored.known | part.known, stored.revised | part.revised)
    return stored


def note_effects(
    connection: sqlite3.Connection,
    seen: Iterable[tuple[str, str, int, int]],
    pairs: Iterable[tuple[str, str]],
    third_fees: Iterable[tuple[str, int, int]],
) -> None:
    """Note what new rows touch: (account, asset, first, last), pairs, and third fees as (asset, instant, fill)."""
    seen = list(seen)
    touch_pools(connection, {(asset, account, ""): first for account, asset, first, _ in seen})
    connection.executemany(
        "INSERT INTO seen (account, asset, last_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (account, asset) DO UPDATE SET last_ms = max(last_ms, excluded.last_ms)",
        [(account, asset, last) for account, asset, _, last in seen],
    )
    connection.executemany("INSERT OR IGNORE INTO pairs (base, quote) VALUES (?, ?)", pairs)
    connection.executemany("INSERT OR IGNORE INTO third_fees (asset, time_ms, fill) VALUES (?, ?, ?)", third_fees)


def _statement(block: Block, now: int) -> str:
    """Return the INSERT; what all rows share is written into it, since binding costs more than storing."""
    values = {name: f"?{place}" for place, name in enumerate(block.columns, start=1)}
    values |= {name: _literal(value) for name, value in block.constants.items()}
    values |= {name: values[other] for name, other in block.copies.items()}
    values["first_seen_ms"] = str(now)
    return (
        f"INSERT INTO {block.ledger.table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
        " ON CONFLICT (account, key) DO NOTHING"
    )


def _literal(value: Value) -> str:
    """Return a value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _compare(connection: sqlite3.Connection, block: Block, page: Sequence[Row], now: int) -> Stored:
    """Tell the rows of a page that were not stored apart: the same as before, or changed, and store the changed."""
    ledger = block.ledger
    span = f"SELECT id FROM {ledger.table} WHERE id BETWEEN ? AND ?"
    fresh = {identity for (identity,) in connection.execute(span, [page[0][0], page[-1][0]])}
    known: set[int] = set()
    revised: set[int] = set()
    for row in page:
        if row[0] in fresh:
            continue
        told = {**block.constants, **dict(zip(block.columns, row, strict=True))}
        told |= {name: _copied(name, told[other]) for name, other in block.copies.items()}
        same = _same(connection, ledger, told)
        (known if same else revised).add(cast("int", row[0]))
        if not same:
            _revise(connection, ledger, told, now)
    return Stored(frozenset(known), frozenset(revised))


def _copied(name: str, value: Value) -> Value:
    """Return another column's value as a column holds it, as the table itself turns a text of digits into a number."""
    return int(value) if name == "sequence" and value is not None else value


def _same(connection: sqlite3.Connection, ledger: Ledger, told: Mapping[str, Value]) -> bool:
    """Tell whether a row's key has the same stored, the exchange's own row, or one half of what is a transfer there."""
    matched = "EXISTS (SELECT 1 FROM matches WHERE withdrawal = id)" if ledger is MOVEMENTS else "0"
    source, half, *said = connection.execute(
        f"SELECT source, {matched}, {', '.join(ledger.payload)} FROM {ledger.table} WHERE (account, key) = (?, ?)",
        [told["account"], told["key"]],
    ).fetchone()
    if half and told["kind"] == "transfer":
        return True
    return bool(source != "file") or said == [told.get(column, _default(column)) for column in ledger.payload]


def _default(column: str) -> Value:
    """Return what a column holds where a file has none of it."""
    return "ok" if column == "status" else None


def _revise(connection: sqlite3.Connection, ledger: Ledger, told: Mapping[str, Value], now: int) -> None:
    """Store a changed row the way a venue's correction is stored: both forms are kept."""
    named = {"time_ms": "time"}
    fields: dict[str, object] = {
        named.get(name, name): Decimal(str(value)) if name in DECIMALS and value is not None else value
        for name, value in told.items()
        if name != "id"
    }
    fields["fees"] = tuple(Fee(asset, amount) for asset, amount in rows.fees_of(str(told["fees"])))
    if ledger is FILLS:
        fields["inverse"] = bool(told["inverse"])
        insert_fills(connection, [Fill(**fields)], now)  # type: ignore[arg-type]  # the names are the columns'
    else:
        insert_movements(connection, [Movement(**fields)], now)  # type: ignore[arg-type]  # likewise


def known_prices(connection: sqlite3.Connection, prices: Iterable[Price]) -> int:
    """Return how many of the prices the store already has, with the same figure."""
    ask = "SELECT 1 FROM prices WHERE (base, quote, time_ms, exchange, price) = (?, ?, ?, ?, ?)"
    return sum(
        connection.execute(ask, [p.base, p.quote, p.time, p.exchange, plain(p.price)]).fetchone() is not None
        for p in prices
    )
