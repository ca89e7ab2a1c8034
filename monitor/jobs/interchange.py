"""Events and prices files in and out: read, checked as a whole, stored in one transaction, then measured.

Nothing of a file is stored while any of its rows cannot be read, unless the caller says to skip those. A dry run does
everything the real one does inside a transaction that is then rolled back, so that it tells exactly what would happen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from monitor.errors import UsageError
from monitor.interchange.batches import numbered, pages
from monitor.interchange.choose import Choice, source_of
from monitor.interchange.effects import effects
from monitor.interchange.events import Events, read_events
from monitor.interchange.mapping import Mapping, presets
from monitor.interchange.prices import Prices, read_prices
from monitor.interchange.venues import Venues
from monitor.interchange.write import write_events, write_prices
from monitor.jobs.measure import measure
from monitor.store import bulk, outgoing
from monitor.store.ledger import check_file_copies, commit_prices
from monitor.store.overlaps import check_exports
from monitor.store.settings import load_valuation
from monitor.store.sweeping import unswept

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    import polars as pl

    from monitor.interchange.table import Rejected
    from monitor.store.database import Writer

EXPORT_PAGE = 100_000
# To sort a row into an index of millions costs as much as building that index anew for so many rows.
REINDEXED = 8
# Below this many rows it does not matter how the indexes grow.
FEW_ROWS = 20_000

# A file names a market as we do, and numbers its fills by their ids.
COPIES = {"market": "symbol", "sequence": "trade_id"}

AS_IT_IS = Choice()
# What a command needs of this module.
__all__ = [
    "AS_IT_IS",
    "Choice",
    "ExportSummary",
    "Files",
    "ImportSummary",
    "export_events",
    "import_events",
    "known_presets",
]


@dataclass(frozen=True, slots=True)
class Files:
    """The files to read: events, prices in the reporting currency, or both; `choice` says how to read the events."""

    events: Path | None = None
    prices: Path | None = None
    choice: Choice = AS_IT_IS


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of the rows; the lists hold lines of the events file. `stored` is false if nothing was kept.

    `accepted_lines` are told for a dry run only.
    """

    accepted: int = 0
    duplicate: tuple[int, ...] = ()
    revised: tuple[int, ...] = ()
    prices: int = 0
    prices_known: int = 0
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    stored: bool = False
    accepted_lines: tuple[int, ...] = ()


class _DryRun(Exception):
    """Leave the transaction, keep nothing."""


def import_events(writer: Writer, files: Files, now: int, *, skip_bad: bool, dry_run: bool) -> ImportSummary:
    """Read the files and store what they hold; the same file twice adds nothing.

    With rows that cannot be read and without `skip_bad`, nothing is stored and `stored` is false.

    Raises:
        UsageError: no file was named, or it does not exist.
        ImportRejected: a file is no CSV or Parquet, or its columns are not the expected ones.
    """
    if files.events is None and files.prices is None:
        raise UsageError("There is nothing to import.", "Name an events file, --prices FILE, or both.")
    # A step of its own: what was read must be gone before the measurement, which needs the memory.
    summary, accounts = _read_and_stored(writer, files, now, skip_bad=skip_bad, dry_run=dry_run)
    if summary.stored:
        summary = replace(summary, notes=(*summary.notes, *_doubts(writer, accounts, now)))
        measure(writer, now)
    return summary


def _read_and_stored(
    writer: Writer, files: Files, now: int, *, skip_bad: bool, dry_run: bool
) -> tuple[ImportSummary, list[str]]:
    """Read and store the files; return what became of the rows, and the accounts of the events."""
    currency = load_valuation(writer.connection).currency
    events = _read(writer.connection, files.events, files.choice, currency) if files.events else None
    prices = read_prices(files.prices, currency) if files.prices else Prices()
    rejected = (*(events.rejected if events else ()), *prices.rejected)
    summary = ImportSummary(rejected=rejected, notes=events.notes if events else ())
    keep = not dry_run and (skip_bad or not rejected)
    summary = _store_prices(writer, prices, summary, keep=keep)
    if events is not None:
        summary = _store_events(writer, events, summary, now, keep=keep)
    summary = replace(summary, stored=keep, accepted_lines=summary.accepted_lines if dry_run else ())
    return summary, _accounts(events) if events else []


def _read(connection: sqlite3.Connection, path: Path, choice: Choice, currency: str) -> Events:
    """Read an events file, or another program's export."""
    venues = _venues(connection)
    return read_events(path, venues, source_of(path, choice, venues.exchanges, currency))


def _venues(connection: sqlite3.Connection) -> Venues:
    """Return what the database knows of accounts that are read from exchanges."""
    exchanges = connection.execute("SELECT account, exchange FROM accounts WHERE exchange <> 'file'").fetchall()
    markets = connection.execute("SELECT exchange, symbol, market FROM markets").fetchall() if exchanges else []
    return Venues(
        dict(map(tuple, exchanges)),
        {(exchange, symbol): market for exchange, symbol, market in markets},
        partial(bulk.stored_keys, connection),
    )


def _store_prices(writer: Writer, prices: Prices, summary: ImportSummary, *, keep: bool) -> ImportSummary:
    """Store the prices, or count those that would be new."""
    if keep:
        done = commit_prices(writer, prices.prices)
        return replace(summary, prices=done.new + done.revised, prices_known=done.known)
    known = bulk.known_prices(writer.connection, prices.prices)
    return replace(summary, prices=len(prices.prices) - known, prices_known=known)


def _store_events(writer: Writer, events: Events, summary: ImportSummary, now: int, *, keep: bool) -> ImportSummary:
    """Store all rows in one transaction, and undo it unless they are to be kept."""
    try:
        with unswept(), writer.transaction() as connection:
            bulk.register_file_accounts(connection, _accounts(events), now)
            fills, old_fills = _insert(connection, bulk.FILLS, events.fills, now)
            movements, old_movements = _insert(connection, bulk.MOVEMENTS, events.movements, now)
            touched = effects(fills, movements)
            for account, first, last in touched.ids:
                bulk.note_import(connection, account, (first, last), events.grain, now)
            bulk.note_effects(connection, touched.seen, touched.pairs, touched.third_fees)
            known = (*events.repeats, *old_fills.known, *old_movements.known)
            revised = (*old_fills.revised, *old_movements.revised)
            _leave(keep=keep)
    except _DryRun:
        pass
    return replace(
        summary,
        accepted=fills.height + movements.height + len(revised),
        accepted_lines=tuple(sorted([*fills["line"], *movements["line"], *revised])) if not keep else (),
        duplicate=tuple(sorted(known)),
        revised=tuple(sorted(revised)),
    )


def _doubts(writer: Writer, accounts: list[str], now: int) -> list[str]:
    """Return a sentence for every account whose new fills may be those that its exchange told."""
    known = {account for account in _venues(writer.connection).exchanges if account in accounts}
    counts = {account: check_file_copies(writer, account, now) for account in sorted(known)}
    twice = {account: check_exports(writer, account, now) for account in accounts}
    told = "may be rows its exchange told too", "without ids are like rows of an earlier import and may count twice"
    return [
        f"{count} imported rows of {account} {what}: see monitor findings."
        for what, found in zip(told, (counts, twice), strict=True)
        for account, count in found.items()
        if count
    ]


def _leave(*, keep: bool) -> None:
    """Let a transaction end well only if its rows are to be kept."""
    if not keep:
        raise _DryRun


def _accounts(events: Events) -> list[str]:
    """Return every account a file names, in order."""
    columns = (events.fills["account"], events.movements["account"], events.movements["to_account"])
    return sorted({name for column in columns for name in column.unique().drop_nulls()})


def _insert(
    connection: sqlite3.Connection, ledger: bulk.Ledger, frame: pl.DataFrame, now: int
) -> tuple[pl.DataFrame, bulk.Stored]:
    """Store one table's rows; return those that were new, with their ids, and the lines of those that were not."""
    first = bulk.next_id(connection, ledger)
    great = frame.height > FEW_ROWS
    frame = numbered(frame, first, great=great)
    shared = [name for name in frame.columns if name not in {"id", "line"} and _is_constant(frame[name])]
    constant = {name: frame[name][0] for name in shared}
    varying = [name for name in frame.columns if name not in {*shared, "line"}]
    copies = {
        name: other for name, other in COPIES.items() if {name, other} <= {*varying} and _is_same(frame, name, other)
    }
    rows = frame.select(name for name in varying if name not in copies)
    blocks = (
        (bulk.Block(ledger, page.columns, {**constant, **page.shared}, copies), page.rows) for page in pages(rows)
    )
    indexes = bulk.indexes_afterwards(connection, ledger, apply=great and frame.height > first // REINDEXED)
    quiet = bulk.without_options(connection, apply=great and not (frame["book"] == "option").any())
    with bulk.roomy(connection, apply=great), indexes, quiet:
        stored = bulk.insert_pages(connection, blocks, now)
    if not stored.known | stored.revised:
        return frame, stored
    known, revised = (frame["id"].is_in(list(ids)) for ids in (stored.known, stored.revised))
    told = bulk.Stored(frozenset(frame.filter(known)["line"]), frozenset(frame.filter(revised)["line"]))
    return frame.filter(~(known | revised)), told


def _is_constant(column: pl.Series) -> bool:
    """Tell whether all rows hold the same, nothing included."""
    return bool(len(column)) and column[0] == column[-1] and column.n_unique() == 1


def _is_same(frame: pl.DataFrame, one: str, other: str) -> bool:
    """Tell whether two columns hold the same in every row, numbers as their texts."""
    return bool(frame[one].cast(frame.schema[other]).equals(frame[other]))


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """How many rows were written, and what of the ledger the files cannot tell, one sentence each."""

    events: int = 0
    prices: int = 0
    notes: tuple[str, ...] = ()


def export_events(connection: sqlite3.Connection, files: Files) -> ExportSummary:
    """Write the ledger, its prices, or both (CSV, or Parquet by the file's ending).

    Reading both into a new database gives the same answers, but for what the notes say.

    Raises:
        UsageError: no file was named, or it cannot be written.
    """
    if files.events is None and files.prices is None:
        raise UsageError("There is nothing to export.", "Name an events file, --prices FILE, or both.")
    valuation = load_valuation(connection)
    pages = outgoing.event_pages(connection, EXPORT_PAGE)
    events = write_events(files.events, pages, outgoing.EVENT_FIELDS) if files.events else 0
    valued = outgoing.valued_prices(connection, valuation)
    prices = write_prices(files.prices, valued) if files.prices else 0
    told = outgoing.not_carried(connection, valuation) if files.events else {}
    notes = [f"{what}: {count}." for what, count in told.items()]
    venues = outgoing.venues_priced(connection) if files.prices else 0
    if venues > 1:
        notes.append(f"prices of {venues} venues become one series: where venues differ, values may too.")
    return ExportSummary(events, prices, tuple(notes))


def known_presets() -> tuple[Mapping, ...]:
    """Return the presets for other programs' exports, by name."""
    return tuple(presets().values())
