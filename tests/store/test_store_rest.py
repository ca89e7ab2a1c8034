"""Findings, settings, markets, backups, raw rows and the light reads."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.errors import StoreError
from monitor.records import Batch, Fill, Finding, Gap, StreamKey, Valuation
from monitor.store import findings, ledger, markets, query
from monitor.store.backup import backup
from monitor.store.raw import Packer, unpack
from monitor.store.reader import reading
from monitor.store.settings import load_valuation, save_valuation

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer


def fill(key: str, time: int, pair: str = "BTC/USD", account: str = "main") -> Fill:
    base, _, quote = pair.partition("/")
    return Fill(account, "kraken", key, time, "spot", pair, pair, base, quote, "buy", Decimal(1), Decimal(2))


def test_a_finding_stands_until_it_is_resolved(writer: Writer) -> None:
    """One for each code and subject; the first time stays, text and severity follow; the worst come first."""
    findings.raise_finding(writer, Finding("gap", "main", "A gap of 1 h."), 1)
    findings.raise_finding(writer, Finding("gap", "main", "A gap of 2 h.", "Wait."), 2)
    findings.raise_finding(writer, Finding("drift", "BTC", "0.1 BTC too few.", severity="critical"), 3)
    stand = findings.findings(writer.connection)
    assert [(row.code, row.message, row.remedy) for row in stand] == [
        ("drift", "0.1 BTC too few.", ""),
        ("gap", "A gap of 2 h.", "Wait."),
    ]
    assert writer.connection.execute("SELECT first_ms, last_ms FROM findings WHERE code = 'gap'").fetchone() == (1, 2)
    assert [findings.resolve(writer, "gap", "main", 4), findings.resolve(writer, "gap", "main", 5)] == [True, False]
    assert [row.code for row in findings.findings(writer.connection)] == ["drift"]


def test_a_finding_that_returns_is_a_new_one(writer: Writer) -> None:
    """Its first time is that of the return."""
    finding = Finding("gap", "main", "A gap.")
    findings.raise_finding(writer, finding, 1)
    findings.resolve(writer, "gap", "main", 2)
    findings.raise_finding(writer, finding, 3)
    assert findings.findings(writer.connection) == (finding,)
    assert writer.connection.execute("SELECT first_ms FROM findings").fetchone() == (3,)


def test_the_valuation_is_the_default_until_it_is_stored(writer: Writer) -> None:
    """Stored and read it is the same, digit by digit; storing says whether anything changed."""
    assert load_valuation(writer.connection) == Valuation()
    euro = Valuation("EUR", frozenset({"EUR", "USDC"}), {"USDC": Decimal("0.92")}, Decimal("0.10"), "lifo", 60_000)
    assert [save_valuation(writer, Valuation()), save_valuation(writer, euro), save_valuation(writer, euro)] == [
        False,
        True,
        False,
    ]
    assert load_valuation(writer.connection) == euro


def test_a_market_once_seen_is_never_lost(writer: Writer) -> None:
    """Only changes are written; a delisted market stays; venues do not mix."""
    old = {"id": "LUNAUSD", "symbol": "LUNA/USD", "active": True, "limits": {"amount": {"min": "0.1"}}}
    btc = {"id": "XXBTZUSD", "symbol": "BTC/USD", "active": True}
    assert markets.save(writer, "kraken", [old, btc], 1) == 2
    assert markets.save(writer, "kraken", [btc], 2) == 0
    assert markets.save(writer, "kraken", [btc | {"active": False}], 3) == 1
    assert [*markets.load(writer.connection, "kraken")] == [btc | {"active": False}, old]
    assert [*markets.load(writer.connection, "binance")] == []


def test_raw_rows_of_one_shape_share_a_sample(writer: Writer) -> None:
    """Any text comes back as it was; a second row of 500 bytes takes a tenth of it."""
    texts = [f'{{"id": {number}, "note": "{"fee charged in the base currency " * 15}é"}}' for number in (1, 22)]
    with writer.transaction() as connection:
        packer = Packer(connection)
        blobs = [packer.pack("kraken fills spot", text) for text in texts]
        other = Packer(connection).pack("binance fills spot", "{}")
    assert [unpack(writer.connection, blob) for blob in [*blobs, other]] == [*texts, "{}"]
    assert blobs[1] is not None
    assert len(blobs[1]) < len(texts[1].encode()) / 10


def test_a_raw_row_whose_sample_is_lost_is_damaged(writer: Writer) -> None:
    """Wrong samples are told apart by the row's own checksum."""
    with writer.transaction() as connection:
        blob = Packer(connection).pack("shape", "some text, some text")
        connection.execute("UPDATE samples SET sample = CAST('another sample altogether' AS BLOB)")
    with pytest.raises(StoreError, match="cannot be read"):
        unpack(writer.connection, blob)


def test_a_backup_is_whole_private_and_readable(writer: Writer, path: Path, tmp_path: Path) -> None:
    """Made while the writer is open, replacing an older one; one file, nothing beside it."""
    target = tmp_path / "copy.db"
    for number in ("1", "2"):
        ledger.commit_batch(writer, Batch(StreamKey("main", "fills"), fills=(fill(number, 1),)), 1)
        backup(writer.connection, target)
    with reading(target) as copy:
        assert len(query.fills(copy, query.FillFilter())) == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir() if file.name not in {path.name, f"{path.name}.lock"}) == [
        "copy.db",
        "desk.db-shm",
        "desk.db-wal",
    ]


def test_a_backup_over_the_database_itself_is_refused(writer: Writer, path: Path) -> None:
    """It would replace the file under the writer."""
    with pytest.raises(StoreError, match="is the database itself"):
        backup(writer.connection, path.parent / "." / path.name)


def test_a_backup_that_cannot_be_written_leaves_the_old_one(writer: Writer, tmp_path: Path) -> None:
    """The folder is missing, or the target is a folder: one sentence, nothing left behind."""
    with pytest.raises(StoreError, match="No such file or directory"):
        backup(writer.connection, tmp_path / "nowhere" / "copy.db")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="Is a directory"):
        backup(writer.connection, tmp_path / "folder")
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_database_makes_no_backup(writer: Writer, path: Path, tmp_path: Path) -> None:
    """The copy is checked before it takes the old one's place."""
    ledger.commit_rows(writer, [fill("a-key-of-its-own", 1)], (), 1)
    writer.close()
    # The row and its index entry now tell different keys: every page is well formed.
    path.write_bytes(path.read_bytes().replace(b"a-key-of-its-own", b"another-odd-key!", 1))
    source = sqlite3.connect(path)
    with pytest.raises(StoreError, match=r"The backup is damaged: .*index"):
        backup(source, tmp_path / "copy.db")
    source.close()
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (query.FillFilter(), ["6", "5", "4", "3", "2", "1"]),
        (query.FillFilter(account="other"), ["6", "5"]),
        (query.FillFilter(asset="BTC"), ["6", "4", "3", "1"]),
        (query.FillFilter(asset="BTC", account="main"), ["4", "3", "1"]),
        (query.FillFilter(start=20, end=40), ["3", "2"]),
        (query.FillFilter(asset="BTC", start=20, end=40), ["3"]),
        (query.FillFilter(asset="XRP"), []),
    ],
)
def test_fills_are_found_newest_first(writer: Writer, wanted: query.FillFilter, keys: list[str]) -> None:
    """By account, by asset on either side of the pair, in a half-open span; `limit` cuts the oldest."""
    rows = (
        fill("1", 10, "BTC/USD"),
        fill("2", 20, "SOL/USD"),
        fill("3", 30, "ETH/BTC"),
        fill("4", 40, "BTC/USD"),
        fill("5", 40, "SOL/USD", "other"),
        fill("6", 50, "BTC/USD", "other"),
    )
    ledger.commit_rows(writer, rows, (), 1)
    assert [row.key for row in query.fills(writer.connection, wanted)] == keys
    assert [row.key for row in query.fills(writer.connection, wanted, limit=2)] == keys[:2]


def test_the_status_counts_what_is_there(writer: Writer) -> None:
    """Accounts, fills and their span, open gaps, stale assets, the last success."""
    batch = Batch(StreamKey("main", "fills"), fills=(fill("1", 10), fill("2", 30)), proven=(0, 50), cursor=50)
    ledger.commit_batch(writer, batch, 60)
    ledger.commit_batch(writer, Batch(StreamKey("main", "deposits"), gap=Gap(5, 6, "full page")), 70)
    assert query.status(writer.connection) == query.Status(
        accounts=3,
        fills=2,
        movements=0,
        first_fill=10,
        last_fill=30,
        open_gaps=1,
        quarantined=0,
        findings=0,
        touched=2,
        last_success=60,
    )
    main = query.accounts(writer.connection)[0]
    assert (main.account, main.streams, main.open_gaps, main.last_success) == ("main", 2, 1, 60)
