"""Light reads for the command line: plain records, standard library only."""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from typing import NamedTuple

from monitor.records import Balance, Fee, Fill
from monitor.store.raw import unpack
from monitor.store.rows import fees_of
from monitor.store.snapshots import held


class FillFilter(NamedTuple):
    """Which fills: of an account, of an asset (as base or quote), in [start, end); None sets no limit."""

    account: str | None = None
    asset: str | None = None
    start: int | None = None
    end: int | None = None


class Holding(NamedTuple):
    """What an account holds of one asset, as of its last good look at `time`."""

    account: str
    time: int
    balance: Balance


class AccountRow(NamedTuple):
    """Where an account stands; instants in milliseconds UTC, None for what never happened.

    `states`: how many streams are active, paused, archived, unsupported. `unreachable_before`: of some stream nothing
    older can be read. `disabled`: streams of fills, deposits or withdrawals that are not asked before the next night.
    `tier`: how well the venue is known (`proven` against recorded answers, by its `profile` alone, or by `default`).
    """

    account: str
    exchange: str
    state: str
    reason: str | None
    starts: int | None
    last_success: int | None
    last_error: str | None
    last_error_time: int | None
    streams: int
    open_gaps: int
    last_balance: int | None
    states: dict[str, int]
    unreachable_before: int | None
    disabled: int = 0
    tier: str | None = None


class Status(NamedTuple):
    """The database at a glance: counts of rows, and instants in milliseconds UTC."""

    accounts: int
    fills: int
    movements: int
    first_fill: int | None
    last_fill: int | None
    open_gaps: int
    quarantined: int
    findings: int
    touched: int
    last_success: int | None


class QuarantinedRow(NamedTuple):
    """A raw row that could not become a record."""

    account: str
    kind: str
    symbol: str
    time: int
    reason: str
    raw: str


FILL_COLUMNS = (
    "account, exchange, key, time_ms, book, market, symbol, base, quote, side, amount, price, cost, fees, kind, settle,"
    " contract_size, inverse, trade_id, order_id, sequence, liquidity, source, raw"
)
SPAN = "(?1 IS NULL OR account = ?1) AND (?3 IS NULL OR time_ms >= ?3) AND (?4 IS NULL OR time_ms < ?4)"
NEWEST = "ORDER BY time_ms DESC, id DESC LIMIT ?5"
# One descent of an index for each side of the pair: `? IN (base, quote)` would read every fill there is.
OF_ASSET = " UNION ".join(
    f"SELECT * FROM (SELECT id FROM fills WHERE {side} = ?2 AND {SPAN} {NEWEST})" for side in ("base", "quote")
)


def fills(connection: sqlite3.Connection, wanted: FillFilter, limit: int = 100) -> tuple[Fill, ...]:
    """Return the newest `limit` fills that fit, the newest first."""
    where = SPAN if wanted.asset is None else f"?2 = ?2 AND id IN ({OF_ASSET})"
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row  # by name, whichever connection it is
    found = cursor.execute(
        f"SELECT {FILL_COLUMNS} FROM fills WHERE {where} {NEWEST}",
        [wanted.account, wanted.asset, wanted.start, wanted.end, limit],
    )
    return tuple(_fill(connection, row) for row in found)


def balances(connection: sqlite3.Connection, account: str | None = None) -> tuple[Holding, ...]:
    """Return what each account holds, by account and asset; an account without a good look is left out."""
    looks = connection.execute(
        "SELECT account, max(time_ms) FROM snapshots WHERE error IS NULL AND (?1 IS NULL OR account = ?1)"
        " GROUP BY account ORDER BY account",
        [account],
    ).fetchall()
    return tuple(
        Holding(name, time, balance) for name, time in looks for _, balance in sorted(held(connection, name).items())
    )


def accounts(connection: sqlite3.Connection) -> tuple[AccountRow, ...]:
    """Return every account with its state, its last success and error, and what is open."""
    found = connection.execute(
        "SELECT account, exchange, state, reason, starts_ms, last_success_ms, last_error, last_error_ms,"
        " (SELECT count(*) FROM streams s WHERE s.account = a.account),"
        " (SELECT count(*) FROM gaps g JOIN streams s ON s.id = g.stream"
        "  WHERE s.account = a.account AND g.closed_ms IS NULL),"
        " (SELECT max(time_ms) FROM snapshots b WHERE b.account = a.account AND error IS NULL),"
        " (SELECT json_group_object(state, n) FROM (SELECT state, count(*) n FROM streams s"
        "  WHERE s.account = a.account GROUP BY state ORDER BY state)),"
        " (SELECT max(unreachable_before_ms) FROM streams s WHERE s.account = a.account AND NOT s.cold),"
        " (SELECT count(*) FROM streams s WHERE s.account = a.account AND s.state = 'paused'"
        "  AND s.kind IN ('fills', 'deposits', 'withdrawals')), tier"
        " FROM accounts a ORDER BY account"
    )
    return tuple(AccountRow(*(*row[:11], json.loads(row[11] or "{}"), *row[12:])) for row in map(tuple, found))


def status(connection: sqlite3.Connection) -> Status:
    """Return the counts and instants that say how the database is doing."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM accounts),"
        # Rows of the ledger are never deleted: the greatest id is their number, and takes no scan.
        " (SELECT coalesce(max(id), 0) FROM fills), (SELECT coalesce(max(id), 0) FROM movements),"
        " (SELECT min(time_ms) FROM fills), (SELECT max(time_ms) FROM fills),"
        " (SELECT count(*) FROM gaps WHERE closed_ms IS NULL), (SELECT count(*) FROM quarantine),"
        " (SELECT count(*) FROM findings WHERE resolved_ms IS NULL), (SELECT count(DISTINCT asset) FROM touched),"
        " (SELECT max(last_success_ms) FROM accounts)"
    ).fetchone()
    return Status(*tuple(row))


def quarantined(connection: sqlite3.Connection, limit: int = 100) -> tuple[QuarantinedRow, ...]:
    """Return the newest raw rows that could not become records."""
    found = connection.execute(
        "SELECT s.account, s.kind, s.symbol, q.seen_ms, q.reason, q.raw FROM quarantine q"
        " JOIN streams s ON s.id = q.stream ORDER BY q.id DESC LIMIT ?",
        [limit],
    )
    return tuple(QuarantinedRow(*(*row[:5], unpack(connection, row[5]))) for row in map(tuple, found))


def _fill(connection: sqlite3.Connection, row: sqlite3.Row) -> Fill:
    """Return the record of a row of `FILL_COLUMNS`."""
    told = {column.removesuffix("_ms"): row[column] for column in row.keys()}  # noqa: SIM118  a Row iterates over values
    for column in ("amount", "price", "cost", "contract_size"):
        told[column] = None if told[column] is None else Decimal(told[column])
    told["fees"] = tuple(Fee(asset, amount) for asset, amount in fees_of(told["fees"]))
    told["inverse"] = bool(told["inverse"])
    told["raw"] = unpack(connection, told["raw"])
    return Fill(**told)
