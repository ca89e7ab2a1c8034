"""Fills and movements go into their tables: new rows in bulk, known ones compared, changed ones kept twice.

What a row says is compared, not the venue's raw text: some venues vary fields that mean nothing here.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from monitor.records import Commit, Fill
from monitor.store import rows
from monitor.store.raw import Packer, unpack
from monitor.store.touched import earliest, touch, touch_pools
from monitor.store.twins import claim, file_rows, has_imports

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from monitor.records import Movement
    from monitor.store.rows import Ledger, Value
    from monitor.store.touched import Place

    Record = Fill | Movement

PAGE = 5_000  # rows compared with the stored ones at a time


class Told(NamedTuple):
    """A record, what it says as a row, and the id of that row."""

    record: Record
    payload: tuple[Value, ...]
    id: int


class Sorted(NamedTuple):
    """A page of records of one account, told apart by what the store already says."""

    new: list[Told]
    revised: list[Told]
    known: int


def insert_fills(connection: sqlite3.Connection, fills: Iterable[Fill], now: int) -> Commit:
    """Store fills in the open transaction; the same row twice changes nothing."""
    return _insert(connection, rows.FILLS, fills, now)


def insert_movements(connection: sqlite3.Connection, movements: Iterable[Movement], now: int) -> Commit:
    """Store movements in the open transaction; the same row twice changes nothing."""
    return _insert(connection, rows.MOVEMENTS, movements, now)


def _insert(connection: sqlite3.Connection, ledger: Ledger, records: Iterable[Record], now: int) -> Commit:
    total = Commit()
    packer = Packer(connection)
    for account, page in _pages(records):
        part = _sorted(connection, ledger, account, page)
        connection.executemany(
            f"INSERT INTO {ledger.table} ({', '.join(ledger.columns)}) VALUES ({', '.join('?' * len(ledger.columns))})",
            (_row(packer, told, now) for told in part.new),
        )
        for told in part.revised:
            _revise(connection, ledger, _row(packer, told, now))
        _summarise(connection, account, [*part.new, *part.revised])
        total = Commit(
            new=total.new + len(part.new),
            known=total.known + part.known,
            revised=total.revised + len(part.revised),
        )
    return total


def _pages(records: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Yield (account, records) in pages of at most `PAGE`, in the order given."""
    for account, group in groupby(records, key=lambda record: record.account):
        while page := list(islice(group, PAGE)):
            yield account, page


def _sorted(connection: sqlite3.Connection, ledger: Ledger, account: str, page: Sequence[Record]) -> Sorted:
    """Compare a page with what is stored under the same keys, and give the new rows their ids."""
    told = _stored(connection, ledger, account, [record.key for record in page])
    payloads = [
        rows.fill_payload(record) if isinstance(record, Fill) else rows.movement_payload(record) for record in page
    ]
    told = _copies(connection, account, zip(page, payloads, strict=True), told) | told
    (newest,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {ledger.table}").fetchone()
    new: list[Told] = []
    revised: list[Told] = []
    for record, payload in zip(page, payloads, strict=True):
        before = told.get(record.key)
        if before is None:
            new.append(Told(record, payload, newest + len(new) + 1))
            told[record.key] = (new[-1].id, record.source, payload)
        # A file is a copy of what the venue said: it never overrules the venue itself.
        elif before[2] != payload and (record.source != "file" or before[1] == "file"):
            revised.append(Told(record, payload, before[0]))
            told[record.key] = (before[0], record.source, payload)
    return Sorted(new, revised, len(page) - len(new) - len(revised))


def _stored(
    connection: sqlite3.Connection, ledger: Ledger, account: str, keys: Sequence[str]
) -> dict[str, tuple[int, str, tuple[Value, ...]]]:
    """Return the id, the source and the payload of the rows that are stored under some keys."""
    stored = connection.execute(
        f"SELECT key, id, source, {', '.join(ledger.payload)} FROM {ledger.table}"
        " WHERE account = ? AND key IN (SELECT value FROM json_each(?))",
        [account, json.dumps(keys)],
    )
    return {key: (identity, source, tuple(said)) for key, identity, source, *said in stored}


def _copies(
    connection: sqlite3.Connection,
    account: str,
    page: Iterable[tuple[Record, tuple[Value, ...]]],
    told: Container[str],
) -> dict[str, tuple[int, str, tuple[Value, ...]]]:
    """Return the rows of imported files that an exchange's new fills are, by the fills' own keys."""
    if not has_imports(connection, account):
        return {}
    new = [
        claim(record, payload)
        for record, payload in page
        if isinstance(record, Fill) and record.source != "file" and record.key not in told
    ]
    copies = file_rows(connection, account, new)
    stored = _stored(connection, rows.FILLS, account, list(copies.values())) if copies else {}
    return {key: stored[copy] for key, copy in copies.items()}


def _row(packer: Packer, told: Told, now: int) -> tuple[Value, ...]:
    """Return the whole row of a record, in the order of `Ledger.columns`; rows that look alike share a sample."""
    record = told.record
    shape = f"fills {record.book}" if isinstance(record, Fill) else f"movements {record.kind}"
    raw = packer.pack(f"{record.exchange} {shape}", record.raw)
    return (told.id, record.account, record.exchange, record.key, *told.payload, record.source, now, raw)


def _revise(connection: sqlite3.Connection, ledger: Ledger, row: tuple[Value, ...]) -> None:
    """Keep the old row as a revision, put the new one in its place; the time it was first seen stays."""
    values = dict(zip(ledger.columns, row, strict=True))
    identity, now = values.pop("id"), values.pop("first_seen_ms")
    ask = connection.execute(f"SELECT * FROM {ledger.table} WHERE id = ?", [identity])
    old = dict(zip((column[0] for column in ask.description), ask.fetchone(), strict=True))
    _undo(connection, ledger, old)
    old["raw"] = unpack(connection, old["raw"])
    connection.execute(
        "INSERT INTO revisions (ledger, row, seen_ms, payload) VALUES (?, ?, ?, ?)",
        [ledger.table, identity, now, json.dumps(old)],
    )
    connection.execute(
        f"UPDATE {ledger.table} SET {', '.join(f'{column} = ?' for column in values)} WHERE id = ?",
        [*values.values(), identity],
    )


def _undo(connection: sqlite3.Connection, ledger: Ledger, old: dict[str, Value]) -> None:
    """Touch what the old form of a row had moved, and undo what was derived from it."""
    if ledger is rows.FILLS:
        connection.execute("DELETE FROM third_fees WHERE fill = ?", [old["id"]])
        assets = [old["base"], old["quote"]]
    else:
        # A pair that was matched on what the row said before is matched anew.
        connection.execute("DELETE FROM matches WHERE ?1 IN (withdrawal, deposit)", [old["id"]])
        assets = [old["asset"], old["to_asset"]]
    fees = [asset for asset, _ in rows.fees_of(str(old["fees"]))]
    stale = {str(asset): int(old["time_ms"] or 0) for asset in (*assets, *fees) if asset}
    # What a pool was computed with may be gone, down to the number of decimals it took.
    touch(connection, stale, whole=True)


def _summarise(connection: sqlite3.Connection, account: str, changed: Sequence[Told]) -> None:
    """Note what new and revised rows touch: stale pools, assets and pairs ever seen, fees in a third asset."""
    spans: dict[Kind, tuple[int, int]] = {}
    for told in changed:
        kind, time = _kind(told.record), told.record.time
        first, last = spans.get(kind, (time, time))
        spans[kind] = (min(first, time), max(last, time))
    _touch(connection, account, spans)
    newest = [(asset, -last) for kind, (_, last) in spans.items() for asset in kind.assets]
    connection.executemany(
        "INSERT INTO seen (account, asset, last_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (account, asset) DO UPDATE SET last_ms = max(last_ms, excluded.last_ms)",
        [(account, asset, -instant) for asset, instant in earliest(newest).items()],
    )
    fills = [(told.record, told.id) for told in changed if isinstance(told.record, Fill)]
    connection.executemany(
        "INSERT OR IGNORE INTO pairs (base, quote) VALUES (?, ?)", {kind.assets[:2] for kind in spans if kind.book}
    )
    connection.executemany(
        "INSERT OR IGNORE INTO third_fees (asset, time_ms, fill) VALUES (?, ?, ?)",
        [
            (fee.asset, fill.time, identity)
            for fill, identity in fills
            for fee in fill.fees
            if fee.asset not in (fill.base, fill.quote)
        ],
    )


class Kind(NamedTuple):
    """What rows have in common that move the same assets: of a fill base, quote, then fees, and its book."""

    assets: tuple[str, ...]
    book: str


def _kind(record: Record) -> Kind:
    """Return the assets whose holdings a row moves; no book for a movement, which may be about any of them."""
    fees = tuple([fee.asset for fee in record.fees])
    if isinstance(record, Fill):
        return Kind((record.base, record.quote, *fees), record.book)
    return Kind((record.asset, *((record.to_asset,) if record.to_asset else ()), *fees), "")


def _touch(connection: sqlite3.Connection, account: str, spans: Mapping[Kind, tuple[int, int]]) -> None:
    """Note the pools that rows move; a fee's may be the coin's own or the fill's, a movement's of any account."""
    since: dict[Place, int] = {}
    for kind, (first, _) in spans.items():
        owner = account if kind.book else ""
        places = [(asset, owner, kind.book) for asset in kind.assets]
        places += [(asset, owner, "spot") for asset in kind.assets[2:] if kind.book]
        for place in places:
            since[place] = min(first, since.get(place, first))
    touch_pools(connection, since)
