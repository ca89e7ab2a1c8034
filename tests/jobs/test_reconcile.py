"""Balances against the ledger in a real database: what is found, when it is told, and when it goes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY, HOUR, MINUTE, WEEK, FixedClock
from monitor.config.settings import Settings
from monitor.jobs import cycle
from monitor.jobs.holdings import add_up, kept, standing
from monitor.jobs.reconcile import Reconciliation, deep_read_due, reconcile, reconciliation
from monitor.records import Account, Balance, Batch, Fee, Fill, Gap, Movement, Snapshot, StreamKey
from monitor.store import holdings
from monitor.store.database import open_writer
from monitor.store.findings import findings
from monitor.store.ledger import commit_batch, commit_rows, commit_snapshot, register_account
from monitor.store.runs import finish_run, start_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.store.database import Writer

D = Decimal
START = 1_000 * DAY


def fill(key: str, minutes: float, told: str, fee: str = "", account: str = "main") -> Fill:
    """Return a fill told as `buy 2 BTC/USD 100`, minutes after START."""
    side, amount, symbol, price = told.split()
    base, quote = symbol.split("/")
    paid, _, asset = fee.partition(" ")
    return Fill(
        account=account, exchange="x", key=key, time=START + round(minutes * MINUTE), book="spot", market=base + quote,
        symbol=symbol, base=base, quote=quote, side="buy" if side == "buy" else "sell", amount=D(amount),
        price=D(price), fees=(Fee(asset, D(paid)),) if fee else (),
    )  # fmt: skip


def move(key: str, minutes: float, told: str, account: str = "main") -> Movement:
    """Return a movement told as `deposit 2 BTC`, minutes after START."""
    kind, amount, asset = told.split()
    return Movement(
        account=account, exchange="x", key=key, time=START + round(minutes * MINUTE),
        kind=kind, asset=asset, amount=D(amount),  # type: ignore[arg-type]  # the tables of these tests write kinds of the ledger
    )  # fmt: skip


@dataclass
class Desk:
    """A database with the account `main`, that began at START with nothing."""

    writer: Writer
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    since: int = START

    def add(self, *rows: Fill | Movement) -> None:
        fills = [row for row in rows if isinstance(row, Fill)]
        commit_rows(self.writer, fills, [row for row in rows if isinstance(row, Movement)], self.clock.instant)

    def look(self, minutes: float, account: str = "main", **balances: str) -> None:
        """Balances, minutes after START; the ledger is read until three minutes after them."""
        time = START + round(minutes * MINUTE)
        told = tuple(Balance(asset, D(total)) for asset, total in balances.items())
        commit_snapshot(self.writer, Snapshot(account, time, told))
        self.read(time + 3 * MINUTE, account)

    def read(self, until: int, account: str = "main") -> None:
        self.clock.instant = max(until, self.clock.instant)
        commit_batch(self.writer, Batch(StreamKey(account, "fills"), proven=(self.since, until)), until)

    def reconcile(self) -> Reconciliation:
        return asyncio.run(reconcile(self.writer, self.clock))

    def residuals(self) -> dict[str, str]:
        """Return what differs, as text."""
        rows = reconciliation(self.writer.connection)
        return {f"{row.account} {row.line.asset}": str(row.line.residual) for row in rows if row.drifts}

    def told(self, code: str = "drift") -> dict[str, str]:
        return {found.subject: found.message for found in findings(self.writer.connection) if found.code == code}

    def read_deeply(self) -> None:
        self.clock.instant += 1
        now = self.clock.instant
        finish_run(self.writer, start_run(self.writer, "weekly read", now), now, None, now)


@contextmanager
def a_desk(path: Path, start: int | None = START) -> Iterator[Desk]:
    with open_writer(path, holder="test") as writer:
        register_account(writer, Account("main", "binance", start=start), START)
        register_account(writer, Account("other", "kraken", start=start), START)
        yield Desk(writer)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path / "desk.db") as opened:
        yield opened


def test_a_ledger_that_explains_its_balances(desk: Desk) -> None:
    """Deposit 1000 USD, buy 2 BTC for 300 with a fee of 0.002 BTC, pay 0.1 USD for selling half a BTC at 160."""
    desk.add(move("d", 1, "deposit 1000 USD"), fill("1", 2, "buy 2 BTC/USD 150", "0.002 BTC"))
    desk.add(fill("2", 3, "sell 0.5 BTC/USD 160", "0.1 USD"))
    desk.look(10, BTC=str(2 - D("0.002") - D("0.5")), USD=str(1000 - 300 + 80 - D("0.1")))
    assert desk.residuals() == {}
    assert [row.line.verdict for row in reconciliation(desk.writer.connection)] == ["agrees", "agrees"]


class Drawn(NamedTuple):
    """A drawn row: `buy` and `sell` of a symbol at a price, others of an asset."""

    does: str
    what: str
    amount: Decimal
    price: Decimal = D(0)
    fee: str = ""

    @property
    def changes(self) -> dict[str, Decimal]:
        """What it moves, by schoolbook arithmetic."""
        if "/" not in self.what:
            return {self.what: -self.amount if self.does == "withdrawal" else self.amount}
        base, quote = self.what.split("/")
        sign = 1 if self.does == "buy" else -1
        moved = {base: sign * self.amount, quote: -sign * self.amount * self.price}
        if self.fee:
            paid, asset = self.fee.split()
            moved[asset] = moved.get(asset, D(0)) - D(paid)
        return moved

    def record(self, place: int) -> Fill | Movement:
        """Return it as a record, a minute after the row before it."""
        if "/" in self.what:
            return fill(str(place), place, f"{self.does} {self.amount} {self.what} {self.price}", self.fee)
        return move(str(place), place, f"{self.does} {self.amount} {self.what}")


NUMBER = st.decimals("0.00000001", "9999", places=8)
PAIRS = st.sampled_from(["BTC/USD", "ETH/BTC", "ETH/USD"])
FEES = st.sampled_from(["", "0.1 BNB", "0.00000003 BTC", "-0.02 USD"])
ROW = st.one_of(
    st.builds(Drawn, st.sampled_from(["buy", "sell"]), PAIRS, NUMBER, NUMBER, FEES),
    st.builds(Drawn, st.sampled_from(["deposit", "withdrawal", "income"]), st.sampled_from(["BTC", "USD"]), NUMBER),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.data())
def test_a_dropped_row_is_exactly_the_residual(rows: list[Drawn], data: st.DataObject) -> None:
    """Balances by arithmetic from all rows; one row is lost: what it moved is the residual, nothing else is."""
    lost = data.draw(st.integers(0, len(rows) - 1))
    balances: dict[str, Decimal] = {}
    for asset, change in (pair for row in rows for pair in row.changes.items()):
        balances[asset] = balances.get(asset, D(0)) + change
    with TemporaryDirectory() as folder, a_desk(Path(folder) / "desk.db") as desk:
        desk.add(*(row.record(place) for place, row in enumerate(rows) if place != lost))
        desk.look(60, **{asset: str(total) for asset, total in balances.items()})
        expected = {f"main {asset}": change for asset, change in rows[lost].changes.items() if change}
        assert {subject: D(text) for subject, text in desk.residuals().items()} == expected
        desk.add(rows[lost].record(lost))
        assert desk.residuals() == {}


def test_a_disagreement_is_read_again_before_it_is_told(desk: Desk) -> None:
    """Half a BTC too much: first a deep read is asked for, the finding comes with the next balance after it."""
    desk.add(move("d", 1, "deposit 2 BTC"))
    desk.look(10, BTC="2")
    desk.reconcile()
    desk.look(20, BTC="2.5")
    first = desk.reconcile()
    assert (first.deep_read, first.found, desk.told()) == (True, (), {})
    asked = desk.clock.instant
    assert [deep_read_due(desk.writer.connection, last, asked) for last in (asked - 1, asked)] == [True, False]
    assert not deep_read_due(desk.writer.connection, 0, asked + HOUR)
    desk.read_deeply()
    assert desk.reconcile().found == ()  # the same balance: it may have been taken too early
    desk.look(30, BTC="2.5")
    second = desk.reconcile()
    assert (second.deep_read, second.found) == (False, ("main BTC",))
    assert "0.5 more than by its rows" in desk.told()["main BTC"]
    assert "last agreed at 1972-09-27T00:10:00" in desk.told()["main BTC"]


def test_the_next_reading_of_fills_goes_back_a_week(tmp_path: Path) -> None:
    """Read deeply an hour ago, the next reading is a short one; a disagreement asked for more in between."""

    async def overlaps() -> list[int]:
        clock = FixedClock(START)
        async with cycle.open_desk(Settings(tmp_path / "desk.db"), clock, "test", StringIO()) as desk:
            found = [cycle._overlap(desk)[0]]
            for name in ("weekly read", "nightly read"):
                finish_run(desk.writer, start_run(desk.writer, name, START), START, None, START)
            clock.instant += HOUR
            found.append(cycle._overlap(desk)[0])
            with desk.writer.transaction() as connection:
                holdings.ask_deep_read(connection, clock.now())
            assert (await cycle.balances(desk)).figures["compared"] == 0
            return [*found, cycle._overlap(desk)[0]]

    assert asyncio.run(overlaps()) == [WEEK, 15 * MINUTE, WEEK]


def test_a_finding_goes_when_the_row_comes(desk: Desk) -> None:
    """A late row, older than everything added up so far, explains it."""
    desk.look(10, BTC="1")
    desk.reconcile()
    desk.read_deeply()
    desk.look(20, BTC="1")
    assert desk.reconcile().found == ("main BTC",)
    desk.add(move("late", 2, "deposit 1 BTC"))
    desk.reconcile()
    assert (desk.told(), desk.residuals()) == ({}, {})


def test_without_a_deep_read_an_hour_is_enough(desk: Desk) -> None:
    """An account that keeps the deep read from finishing keeps no finding back."""
    desk.look(10, BTC="1")
    desk.reconcile()
    desk.look(69, BTC="1")
    assert desk.reconcile().found == ()
    desk.look(72, BTC="1")
    assert desk.reconcile().found == ("main BTC",)


def test_a_revised_row_counts_as_it_is_now(desk: Desk) -> None:
    """Added up as 2, revised twice to 3: the sum follows without adding up the rest again."""
    desk.add(move("d", 1, "deposit 2 BTC"), move("e", 2, "deposit 5 BTC"))
    desk.look(10, BTC="8")
    desk.reconcile()
    desk.add(move("d", 1, "deposit 4 BTC"))
    desk.add(move("d", 1, "deposit 3 BTC"))
    desk.reconcile()
    assert desk.residuals() == {}


def test_adding_up_goes_on_where_it_stopped(desk: Desk) -> None:
    """Two rows a step, kept and read back between steps, another account's rows among them: 6 movements, 3 steps."""
    desk.add(*(move(f"m{i}", i, "deposit 1 BTC") for i in range(4)), move("o", 1, "deposit 9 BTC", "other"))
    desk.add(move("m4", 1, "deposit 1 BTC"), fill("f", 2, "buy 2 BTC/USD 100", account="other"))
    steps, complete = 0, False
    while not complete:
        one = standing(desk.writer.connection, "main", 0)
        complete, steps = add_up(desk.writer.connection, "main", one, step=2), steps + 1
        with desk.writer.transaction() as connection:
            holdings.save_state(connection, "main", kept(one))
    assert (one.total, steps) == ({"BTC": D(5)}, 3)


def test_a_gap_is_no_alarm(desk: Desk) -> None:
    """Rows may be missing, and that is told as a gap: the ledger starts again behind it."""
    desk.look(10, BTC="0")
    gap = Gap(START + 20 * MINUTE, START + 21 * MINUTE, "a full page")
    commit_batch(desk.writer, Batch(StreamKey("main", "fills"), gap=gap), START)
    desk.since = START + 21 * MINUTE
    desk.look(70, BTC="5")
    assert [row.line.verdict for row in reconciliation(desk.writer.connection)] == ["waiting"]
    desk.look(80, BTC="6")
    assert desk.residuals() == {"main BTC": "1"}


def test_rows_may_show_late(desk: Desk) -> None:
    """A balance counts when what was read is two minutes older than the reading: by then every row was there."""
    commit_snapshot(desk.writer, Snapshot("main", START + HOUR, (Balance("BTC", D(1)),)))
    desk.read(START + HOUR + 2 * MINUTE)
    assert desk.residuals() == {}
    desk.read(START + HOUR + 2 * MINUTE + 1)
    assert desk.residuals() == {"main BTC": "1"}


def test_an_unread_account_waits(desk: Desk) -> None:
    """Nothing is proven: the difference says nothing."""
    commit_snapshot(desk.writer, Snapshot("main", START + HOUR, (Balance("BTC", D(1)),)))
    assert [row.line.verdict for row in reconciliation(desk.writer.connection)] == ["waiting"]


def test_without_a_declared_start_the_first_balance_is_the_beginning(tmp_path: Path) -> None:
    """It held 5 before anybody looked; 1 more came since."""
    with a_desk(tmp_path / "desk.db", start=None) as desk:
        desk.add(move("before", 5, "withdrawal 9 BTC"), move("since", 15, "deposit 1 BTC"))
        desk.look(10, BTC="5")
        assert [row.line.verdict for row in desk.reconcile().rows] == ["waiting"]
        desk.look(20, BTC="6")
        desk.reconcile()
        assert desk.residuals() == {}
        desk.look(30, BTC="6.5")
        assert desk.residuals() == {"main BTC": "0.5"}


def test_coins_on_their_way_are_in_no_balance(desk: Desk) -> None:
    """3 BTC left main and reach other ten minutes later: all three balances agree."""
    desk.add(move("d", 1, "deposit 5 BTC"))
    sent = replace(move("w", 5, "withdrawal 3 BTC"), fees=(Fee("BTC", D("0.1")),))
    desk.add(sent, move("r", 15, "deposit 3 BTC", "other"))
    desk.look(10, BTC=str(5 - 3 - D("0.1")))
    desk.look(10, "other")
    assert desk.residuals() == {}
    desk.look(20, "other", BTC="3")
    assert desk.residuals() == {}


def test_a_transfer_to_an_own_account_counts_in_both(desk: Desk) -> None:
    """3 BTC of 5 left main, 2.9 reached other."""
    desk.add(move("d", 1, "deposit 5 BTC"))
    desk.add(replace(move("t", 5, "transfer 3 BTC"), to_account="other", received=D("2.9")))
    desk.look(10, BTC="2")
    desk.look(10, "other", BTC="2.9")
    assert [row.line.verdict for row in desk.reconcile().rows] == ["agrees", "agrees"]


def test_opposite_residuals_of_two_accounts_look_like_a_transfer(desk: Desk) -> None:
    """Neither account lists it; both are off by 3, the other way round."""
    desk.add(move("d", 1, "deposit 5 BTC"))
    desk.look(10, BTC="2")
    desk.look(10, "other", BTC="3")
    causes = {row.account: row.cause.name for row in reconciliation(desk.writer.connection) if row.cause}
    assert causes == {"main": "transfer", "other": "transfer"}
