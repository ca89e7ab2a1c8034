"""The demo desk's ninety days: what a back-test tells is what the live machine told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, Window, parse_instant
from monitor.demo.generator import ACCOUNTS, History
from monitor.episodes import Rule
from monitor.jobs.alert import Memory, alert
from monitor.jobs.backtest import backtest
from monitor.jobs.measure import measure
from monitor.records import Account, Price
from monitor.store.database import open_writer
from monitor.store.journal import episodes
from monitor.store.ledger import commit_prices, commit_rows, register_account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer

EPOCH = parse_instant("2026-01-31")
CASH = {"USD", "USDT"}
RULES = (
    Rule("stalled", "turnover", ("*",), window=7 * DAY, below=0.5, hold=12 * HOUR, min_inventory=1000.0),
    Rule("churning", "turnover", ("*",), window=2 * DAY, above=3.0, keep_firing=DAY, repeat_every=3 * DAY),
    Rule("slow", "days_inventory", scope="portfolio", accounts=("*",), window=14 * DAY, above=4.0),
    Rule("unusual", "turnover", ("BTC", "ETH"), window=DAY, below=-0.5, relative="change", baseline=14 * DAY),
)
Told = tuple[str, str, str, int, int | None, float | None]


@pytest.fixture(scope="module")
def history() -> History:
    """Return the history of one desk, made once."""
    return History(1, EPOCH)


@pytest.fixture
def writer(tmp_path: Path, history: History) -> Iterator[Writer]:
    """Yield a database that knows the desk's accounts and prices, and none of its fills."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        for account in ACCOUNTS:
            register_account(opened, Account(account, "file", start=history.start), 1)
        assets = {fill.base for fill in history.fills(EPOCH)} | {"BNB"}
        instants = range(history.start - 4 * HOUR, EPOCH + 1, 4 * HOUR)
        commit_prices(opened, [price(history, asset, at) for asset in sorted(assets - CASH) for at in instants])
        yield opened


def price(history: History, asset: str, at: int) -> Price:
    """Return the desk's price of an asset at an instant."""
    return Price(asset, "USD", at, Decimal(f"{history.prices.usd(asset, at):.6f}"), "file", "file")


def arrive(writer: Writer, history: History, since: int, until: int) -> None:
    """Store and measure what happened from `since` to before `until`."""
    fills = [fill for fill in history.fills(until) if since <= fill.time < until]
    movements = [move for move in history.movements(until) if since <= move.time < until]
    commit_rows(writer, fills, movements, until)
    measure(writer, until)


def lived(writer: Writer) -> list[Told]:
    """Return the episodes the live machine stored."""
    found = episodes(writer.connection, 0)
    return sorted((one.rule, one.subject, one.kind, one.told, one.ended, one.value) for one in found)


def replayed(writer: Writer, window: Window, step: int) -> tuple[list[Told], int]:
    """Return the episodes a back-test tells, and its messages."""
    done = backtest(writer.connection, RULES, window, step)
    assert done.failures == ()
    found: list[Told] = [(one.rule, one.subject, one.kind, one.began, one.ended, one.value) for one in done.episodes]
    return sorted(found), sum(done.messages.values())


def messages(writer: Writer) -> int:
    """Return how many messages the live machine decided."""
    (count,) = writer.connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


def test_over_ninety_days(writer: Writer, history: History) -> None:
    """Every twelve hours over the ledger as it is known at the end; every rule has something to tell."""
    arrive(writer, history, history.start, EPOCH)
    memory = Memory()
    for now in range(history.start + 12 * HOUR, EPOCH + 1, 12 * HOUR):
        alert(writer, RULES, now, memory, longest_gap=2 * DAY)
    told = lived(writer)
    assert replayed(writer, Window(history.start, EPOCH), 12 * HOUR) == (told, messages(writer))
    assert {rule for rule, *_ in told} == {rule.name for rule in RULES}
    assert any(ended is not None for *_, ended, _ in told)


def growing(writer: Writer, history: History, days: int, step: int) -> None:
    """Let the last days arrive step by step, alerts in between; the back-test over the whole tells the same."""
    start = EPOCH - days * DAY
    arrive(writer, history, history.start, start)
    memory = Memory()
    for now in range(start + step, EPOCH + 1, step):
        arrive(writer, history, now - step, now)
        alert(writer, RULES, now, memory, longest_gap=3 * step)
    told = lived(writer)
    assert len(told) > 3
    assert replayed(writer, Window(start, EPOCH), step) == (told, messages(writer))


def test_while_the_ledger_grows(writer: Writer, history: History) -> None:
    """The last six days, every twelve hours."""
    growing(writer, history, days=6, step=12 * HOUR)


@pytest.mark.nightly
def test_while_the_ledger_grows_nightly(writer: Writer, history: History) -> None:
    """All ninety days but the first, every six hours."""
    growing(writer, history, days=89, step=6 * HOUR)
