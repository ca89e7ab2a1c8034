"""One fill told by a file and by the exchange: one row, whichever came first; two equal fills stay two."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.interchange.columns import EVENT_COLUMNS
from monitor.jobs.interchange import Files, import_events
from monitor.records import Account, Batch, Fee, Fill, Movement, StreamKey
from monitor.store import markets
from monitor.store.database import Writer, open_writer
from monitor.store.ledger import check_file_copies, commit_batch, commit_rows, register_account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.jobs.interchange import ImportSummary

NOW = 1_770_000_000_000
NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z, a whole minute
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@dataclass(frozen=True)
class Told:
    """A fill as the exchange tells it; `at` in ms after noon."""

    id: int
    at: int
    side: str = "buy"
    amount: str = "1"
    price: str = "50000"
    fee: str = "0.1"

    @property
    def fill(self) -> Fill:
        """The exchange's record."""
        return Fill(
            account="main",
            exchange="binance",
            key=f"spot|BTCUSDT|{self.id}|o{self.id}|{self.side}",
            time=NOON + self.at,
            book="spot",
            market="BTCUSDT",
            symbol="BTC/USDT",
            base="BTC",
            quote="USDT",
            side="buy" if self.side == "buy" else "sell",
            amount=Decimal(self.amount),
            price=Decimal(self.price),
            fees=(Fee("BNB", Decimal(self.fee)),),
            trade_id=str(self.id),
            order_id=f"o{self.id}",
            sequence=self.id,
            raw="{}",
        )

    def row(self, grain: int, ids: str = "") -> str:
        """The file's row, its time cut to a grain; `ids` are those it tells: `id`, `order`, both or none."""
        time = NOON + self.at // grain * grain
        trade_id = self.id if "id" in ids else ""
        order = f"o{self.id}" if "order" in ids else ""
        numbers = f"{self.side},{self.amount},{self.price},,,{self.fee},BNB"
        return f"{time},main,trade,BTC/USDT,{numbers},{trade_id},{order},,,,"


def take(writer: Writer, folder: Path, rows: Sequence[str]) -> ImportSummary:
    """Import an events file."""
    path = folder / "events.csv"
    path.write_text("\n".join([",".join(EVENT_COLUMNS), *rows, ""]))
    return import_events(writer, Files(path), NOW, skip_bad=False, dry_run=False)


def connect(writer: Writer) -> None:
    """Make `main` an account of the exchange."""
    register_account(writer, Account("main", "binance"), NOW)
    markets.save(writer, "binance", [{"id": "BTCUSDT", "symbol": "BTC/USDT"}], NOW)


def ledger(writer: Writer) -> list[tuple[object, ...]]:
    """Return what is stored, without ids."""
    rows = writer.connection.execute(
        "SELECT key, time_ms, exchange, source, side, amount, price, fees, trade_id, order_id FROM fills ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


def file_first(folder: Path, rows: Sequence[str], pages: Sequence[Sequence[Told]]) -> Writer:
    """Return a database that read a file before the exchange."""
    writer = open_writer(folder / "file_first.db", holder="test")
    take(writer, folder, rows)
    connect(writer)
    for page in pages:
        commit_rows(writer, [told.fill for told in page], [], NOW)
    return writer


def exchange_first(folder: Path, rows: Sequence[str], pages: Sequence[Sequence[Told]]) -> Writer:
    """Return a database that read the exchange before a file."""
    writer = open_writer(folder / "exchange_first.db", holder="test")
    connect(writer)
    for page in pages:
        commit_rows(writer, [told.fill for told in page], [], NOW)
    take(writer, folder, rows)
    return writer


@pytest.mark.parametrize(
    ("ids", "grain"), [("", SECOND), ("id", SECOND), ("order", SECOND), ("id order", SECOND), ("", 1), ("", MINUTE)]
)
@pytest.mark.parametrize("way", [file_first, exchange_first])
def test_one_row_each(tmp_path: Path, way: type, grain: int, ids: str) -> None:
    """Equal fills of one second, with and without ids, end as the exchange's own rows."""
    told = [Told(1, 1_100), Told(2, 1_900), Told(3, 1_900, fee="0.2"), Told(4, 2_000, side="sell")]
    with way(tmp_path, [one.row(grain, ids) for one in told], [told]) as writer:
        assert [row[0] for row in ledger(writer)] == [one.fill.key for one in told]
        assert {row[3] for row in ledger(writer)} == {"api"}
        again = take(writer, tmp_path, [one.row(grain, ids) for one in told])
        assert (again.accepted, again.duplicate) == (0, (2, 3, 4, 5))


FILLS = st.lists(
    st.builds(
        Told,
        id=st.just(0),
        at=st.integers(0, 2_999),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.sampled_from(["1", "2"]),
        price=st.sampled_from(["50000", "50001"]),
        fee=st.sampled_from(["0.1", "0.2"]),
    ),
    max_size=8,
).map(lambda fills: [Told(at + 1, *_rest(one)) for at, one in enumerate(fills)])


def _rest(told: Told) -> tuple[int, str, str, str, str]:
    return told.at, told.side, told.amount, told.price, told.fee


def cells(fills: Sequence[Told], grain: int) -> Counter[tuple[object, ...]]:
    """Count fills that a file without ids cannot tell apart."""
    return Counter((one.at // grain, one.side, one.amount, one.price) for one in fills)


@settings(max_examples=15, deadline=None)
@given(fills=FILLS, data=st.data())
def test_either_order_ends_the_same(
    tmp_path_factory: pytest.TempPathFactory, fills: list[Told], data: st.DataObject
) -> None:
    """However much of it each tells, in whatever pages: both orders end with the fills of whoever knows more."""
    folder = tmp_path_factory.mktemp("twins")
    grain = data.draw(st.sampled_from([1, SECOND, MINUTE]))
    in_file = [one for one in fills if data.draw(st.booleans())]
    in_venue = [one for one in fills if data.draw(st.booleans())]
    cut = data.draw(st.integers(0, len(in_venue)))
    pages = [in_venue[:cut], in_venue[cut:]]
    rows = [one.row(grain) for one in in_file]
    with file_first(folder, rows, pages) as one, exchange_first(folder, rows, pages) as other:
        both = [ledger(one), ledger(other)]
    # A file of a few rows may look coarser than it is; its own grain is what it can be read for.
    coarse = next(size for size in (MINUTE, SECOND, 1) if all(told.at // grain * grain % size == 0 for told in in_file))
    most = cells(in_file, coarse) | cells(in_venue, coarse)
    for rows_stored in both:
        assert [row for row in rows_stored if row[3] == "api"] == [
            (one.fill.key, one.fill.time, "binance", "api", one.side, one.amount, one.price,
             f'[["BNB","{one.fee}"]]', str(one.id), f"o{one.id}")
            for one in in_venue
        ]  # fmt: skip
        assert len(rows_stored) == most.total()
    assert Counter(row[1:] for row in both[0]) == Counter(row[1:] for row in both[1])


def test_two_in_the_file_one_at_the_exchange(tmp_path: Path) -> None:
    """A file with two equal fills where the exchange tells one keeps both, and a finding says that it is doubtful."""
    with exchange_first(tmp_path, [Told(1, 1_000).row(SECOND)] * 2, [[Told(1, 1_500)]]) as writer:
        assert Counter(row[3] for row in ledger(writer)) == {"api": 1, "file": 1}
        found = writer.connection.execute(
            "SELECT subject FROM findings WHERE resolved_ms IS NULL AND code = 'fill_told_twice'"
        ).fetchall()
        assert [tuple(row) for row in found] == [("main",)]


def test_another_time_zone(tmp_path: Path) -> None:
    """Fills hours away from equal ones, where the exchange was read completely, are stored and told as doubtful."""
    shifted = Told(1, 1_000 + 2 * HOUR)
    with exchange_first(tmp_path, [], [[Told(1, 1_500)]]) as writer:
        whole = Batch(StreamKey("main", "fills"), proven=(NOON - HOUR, NOON + 5 * HOUR))
        commit_batch(writer, whole, NOW)
        summary = take(writer, tmp_path, [shifted.row(SECOND)])
        assert summary.notes[-1] == ("1 imported rows of main may be rows its exchange told too: see monitor findings.")
        assert Counter(row[3] for row in ledger(writer)) == {"api": 1, "file": 1}


@pytest.mark.parametrize(("identity", "stored", "doubts"), [("d1", 1, 0), ("", 2, 1)])
def test_movements_are_known_by_their_ids(tmp_path: Path, identity: str, stored: int, doubts: int) -> None:
    """A deposit with the exchange's id is the exchange's; without an id both stay, and that is told."""
    told = Movement(account="main", exchange="binance", key="deposit|BTC|d1", time=NOON, kind="deposit", asset="BTC",
                    amount=Decimal(1), raw="{}")  # fmt: skip
    with exchange_first(tmp_path, [], []) as writer:
        commit_rows(writer, [], [told], NOW)
        take(writer, tmp_path, [f"{NOON + SECOND},main,deposit,,,1,,BTC,,,,{identity},,,,,"])
        assert writer.connection.execute("SELECT count(*) FROM movements").fetchone()[0] == stored
        assert check_file_copies(writer, "main", NOW) == doubts


def test_finding_goes_when_the_exchange_tells_them(tmp_path: Path) -> None:
    """The finding is taken back once the exchange's own row has replaced the file's."""
    rows = [Told(1, 1_000).row(SECOND)] * 2
    with exchange_first(tmp_path, rows, [[Told(1, 1_500)]]) as writer:
        commit_rows(writer, [Told(2, 1_700).fill], [], NOW)
        assert check_file_copies(writer, "main", NOW) == 0
        assert {row[3] for row in ledger(writer)} == {"api"}
        found = writer.connection.execute("SELECT resolved_ms FROM findings WHERE code = 'fill_told_twice'").fetchone()
        assert tuple(found) == (NOW,)


def test_replaced_row_stays_as_a_revision(tmp_path: Path) -> None:
    """What the file said before the exchange's row took its place is kept."""
    with file_first(tmp_path, [Told(1, 1_100).row(SECOND)], [[Told(1, 1_100)]]) as writer:
        kept = writer.connection.execute("SELECT json_extract(payload, '$.time_ms'), ledger FROM revisions").fetchall()
        assert [tuple(row) for row in kept] == [(NOON + 1_000, "fills")]


def test_imported_account_becomes_the_exchange_s(tmp_path: Path) -> None:
    """Rows of an account that later is read from an exchange are that exchange's, for order and valuation."""
    rows = [Told(1, 1_100).row(SECOND), f"{NOON},main,deposit,,,1,,BTC,,,,d1,,,,,"]
    with file_first(tmp_path, rows, []) as writer:
        for table in ("fills", "movements"):
            asked = writer.connection.execute(f"SELECT exchange FROM {table}")  # noqa: S608  our own names
            assert [tuple(row) for row in asked] == [("binance",)]
