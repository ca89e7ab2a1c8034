"""What reconciliation reads: good looks at the balances, rows by id and by time, and how far they are added up.

Standard library only. Rows come as records without the venue's raw text. How far the ledger is added up is kept in
`meta`, by row id: a row that came late or was revised is found by its id, whatever its time.
"""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.records import Fee, Fill, Movement
from monitor.store.rows import fees_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal

Value = str | int | None
FILL = (
    "id", "account", "exchange", "key", "time_ms", "book", "market", "symbol", "base", "quote", "side", "amount",
    "price", "cost", "fees", "settle", "contract_size", "inverse",
)  # fmt: skip
MOVEMENT = (
    "id", "account", "exchange", "key", "time_ms", "kind", "asset", "amount", "fees", "to_account", "to_asset",
    "received", "network_id", "status", "book",
)  # fmt: skip
COLUMNS = {"fills": FILL, "movements": MOVEMENT}
# A movement to an account is its business too. The plus keeps SQLite on ids and times: an account has many rows.
MINE = {"fills": "+account = ?1", "movements": "(account = ?1 OR to_account = ?1)"}
STATE = "reconcile:"
DEEP_READ = "deep_read_ms"


class GoodLook(NamedTuple):
    """A snapshot that succeeded."""

    id: int
    time: int


class Row(NamedTuple):
    """A row of the ledger."""

    id: int
    record: Fill | Movement


class Newest(NamedTuple):
    """The greatest ids there are."""

    fills: int
    movements: int
    revisions: int


def venue_accounts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the accounts that a venue answers for; imported files have no balances."""
    found = connection.execute("SELECT account FROM accounts WHERE exchange <> 'file' ORDER BY account")
    return tuple(account for (account,) in found)


def own_accounts(connection: sqlite3.Connection) -> frozenset[str]:
    """Return every account of the desk."""
    return frozenset(account for (account,) in connection.execute("SELECT account FROM accounts"))


def good_looks(connection: sqlite3.Connection, account: str, before: int, limit: int) -> list[GoodLook]:
    """Return the newest good snapshots of an account at times before an instant, the newest first."""
    found = connection.execute(
        "SELECT id, time_ms FROM snapshots WHERE account = ? AND time_ms < ? AND error IS NULL"
        " ORDER BY time_ms DESC, id DESC LIMIT ?",
        [account, before, limit],
    )
    return [GoodLook(*row) for row in found]


def first_look(connection: sqlite3.Connection, account: str, since: int) -> GoodLook | None:
    """Return the first good snapshot of an account at or after an instant, None if there is none."""
    row = connection.execute(
        "SELECT id, time_ms FROM snapshots WHERE account = ? AND time_ms >= ? AND error IS NULL"
        " ORDER BY time_ms, id LIMIT 1",
        [account, since],
    ).fetchone()
    return GoodLook(*row) if row else None


def balances_at(connection: sqlite3.Connection, account: str, snapshot: int) -> dict[str, Decimal]:
    """Return the total of each asset that a good snapshot told, zero ones left out; one index seek an asset."""
    found = connection.execute(
        "SELECT b.asset, b.total FROM seen s JOIN balances b ON b.account = s.account AND b.asset = s.asset"
        " AND b.snapshot = (SELECT max(snapshot) FROM balances WHERE account = s.account AND asset = s.asset"
        " AND snapshot <= ?2) WHERE s.account = ?1",
        [account, snapshot],
    )
    return {asset: Decimal(total) for asset, total in found if total != "0"}


def newest(connection: sqlite3.Connection) -> Newest:
    """Return the greatest ids of fills, movements and revisions, 0 where there is none."""
    tables = ("fills", "movements", "revisions")
    return Newest(*(int(connection.execute(f"SELECT coalesce(max(id), 0) FROM {t}").fetchone()[0]) for t in tables))


def rows_after(
    connection: sqlite3.Connection, ledger: Literal["fills", "movements"], account: str, span: tuple[int, int]
) -> Iterator[Row]:
    """Yield the rows of an account with ids in (first, last], by id."""
    found = connection.execute(
        f"SELECT {', '.join(COLUMNS[ledger])} FROM {ledger} WHERE id > ?2 AND id <= ?3 AND {MINE[ledger]} ORDER BY id",
        [account, *span],
    )
    return (_row(ledger, tuple(row)) for row in found)


def rows_between(connection: sqlite3.Connection, account: str, span: tuple[int, int], most: int = -1) -> list[Row]:
    """Return the fills and movements of an account with start <= time < end, of each the newest `most` (-1: all)."""
    return [
        _row(ledger, tuple(row))
        for ledger, columns in COLUMNS.items()
        for row in connection.execute(
            f"SELECT {', '.join(columns)} FROM {ledger} WHERE time_ms >= ?2 AND time_ms < ?3 AND {MINE[ledger]}"
            " ORDER BY time_ms DESC, id DESC LIMIT ?4",
            [account, *span, most],
        )
    ]


def movements_of(connection: sqlite3.Connection, account: str, statuses: Iterable[str], since: int) -> list[Movement]:
    """Return an account's own movements of some statuses since an instant."""
    found = connection.execute(
        f"SELECT {', '.join(MOVEMENT)} FROM movements WHERE account = ? AND time_ms >= ?"
        " AND status IN (SELECT value FROM json_each(?)) ORDER BY time_ms, id",
        [account, since, json.dumps(sorted(statuses))],
    )
    return [_movement(tuple(row)) for row in found]


def open_ends(connection: sqlite3.Connection) -> list[Movement]:
    """Return withdrawals that did not fail and deposits, to nobody in particular, that have no partner, by time."""
    found = connection.execute(
        f"SELECT {', '.join(MOVEMENT)} FROM movements m WHERE kind IN ('withdrawal', 'deposit') AND status <> 'failed'"
        " AND to_account IS NULL AND book = 'spot'"
        " AND NOT EXISTS (SELECT 1 FROM matches WHERE withdrawal = m.id)"
        " AND NOT EXISTS (SELECT 1 FROM matches WHERE deposit = m.id) ORDER BY time_ms, id"
    )
    return [_movement(tuple(row)) for row in found]


def revised_rows(connection: sqlite3.Connection, after: int) -> list[tuple[Row, Row]]:
    """Return (as it was, as it is) of every row revised since revision `after`; of several forms the earliest."""
    first = connection.execute(
        "SELECT ledger, row, payload, min(id) FROM revisions WHERE id > ? GROUP BY ledger, row", [after]
    ).fetchall()
    pairs = []
    for ledger, identity, payload, _ in first:
        columns = COLUMNS[ledger]
        old = json.loads(payload)
        now = connection.execute(f"SELECT {', '.join(columns)} FROM {ledger} WHERE id = ?", [identity]).fetchone()
        pairs.append((_row(ledger, tuple(old[name] for name in columns)), _row(ledger, tuple(now))))
    return pairs


def load_state(connection: sqlite3.Connection, account: str) -> str | None:
    """Return what was kept of an account's reconciliation, None if nothing was."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [STATE + account]).fetchone()
    return str(row[0]) if row else None


def save_state(connection: sqlite3.Connection, account: str, state: str) -> None:
    """Keep an account's reconciliation, in the open transaction."""
    _set(connection, STATE + account, state)


def ask_deep_read(connection: sqlite3.Connection, now: int) -> None:
    """Ask, in the open transaction, that the next reading of fills goes back as far as the weekly one."""
    _set(connection, DEEP_READ, str(now))


def deep_read_asked(connection: sqlite3.Connection) -> int:
    """Return when a deep reading was last asked for, 0 for never."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [DEEP_READ]).fetchone()
    return int(row[0]) if row else 0


def _set(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )


def _row(ledger: str, row: Sequence[Value]) -> Row:
    return Row(int(row[0] or 0), _fill(row) if ledger == "fills" else _movement(row))


def _fill(row: Sequence[Value]) -> Fill:
    """Return the record of a row of `FILL`."""
    told = dict(zip(FILL, row, strict=True))
    return Fill(
        account=str(told["account"]), exchange=str(told["exchange"]), key=str(told["key"]),
        time=int(told["time_ms"] or 0), book=told["book"], market=str(told["market"]),  # type: ignore[arg-type]  # checked when it was stored
        symbol=str(told["symbol"]), base=str(told["base"]), quote=str(told["quote"]),
        side="buy" if told["side"] == "buy" else "sell", amount=Decimal(str(told["amount"])),
        price=Decimal(str(told["price"])), cost=_decimal(told["cost"]), fees=_fees(told["fees"]),
        settle=_text(told["settle"]), contract_size=_decimal(told["contract_size"]), inverse=bool(told["inverse"]),
    )  # fmt: skip


def _movement(row: Sequence[Value]) -> Movement:
    """Return the record of a row of `MOVEMENT`."""
    told = dict(zip(MOVEMENT, row, strict=True))
    return Movement(
        account=str(told["account"]), exchange=str(told["exchange"]), key=str(told["key"]),
        time=int(told["time_ms"] or 0), kind=told["kind"],  # type: ignore[arg-type]  # checked when it was stored
        asset=str(told["asset"]), amount=Decimal(str(told["amount"])), fees=_fees(told["fees"]),
        to_account=_text(told["to_account"]), to_asset=_text(told["to_asset"]), received=_decimal(told["received"]),
        network_id=_text(told["network_id"]), status=told["status"],  # type: ignore[arg-type]  # likewise
        book=told["book"],  # type: ignore[arg-type]  # likewise
    )  # fmt: skip


def _fees(text: Value) -> tuple[Fee, ...]:
    return tuple(Fee(asset, amount) for asset, amount in fees_of(str(text)))


def _decimal(text: Value) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
