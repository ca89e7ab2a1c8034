"""What is not known of an account's venue is said: rows that no call lists, and how its history is paged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from monitor.clock import FixedClock
from monitor.exchanges.client import Client
from monitor.exchanges.extras import extras_of
from monitor.exchanges.profiles import profile
from monitor.jobs.connections import Connections
from monitor.jobs.extra_streams import ExtraStreams
from monitor.jobs.troubles import Troubles
from monitor.records import Account, StreamKey
from monitor.store import ledger, streams
from monitor.store.database import open_writer
from monitor.store.findings import findings
from monitor.store.query import accounts

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.exchanges.extra_source import ExtraSource
    from monitor.records import Book


async def unasked(_: ExtraSource) -> None:
    """Fail where a stream is read all the same."""
    pytest.fail("a refused stream was asked")


@pytest.mark.parametrize(
    ("book", "severity", "message"),
    [
        ("linear", "warning", "fills of dated futures, transfers, ledger, convert, dust"),
        ("spot", "info", "transfers, ledger, convert, dust"),
    ],
)
def test_fills_that_no_call_lists_weigh_more(tmp_path: Path, book: Book, severity: str, message: str) -> None:
    """Gate's dated futures are another account: an account with contracts is warned, one without is not."""
    account = Account("g", "gate", books=(book,))

    async def work() -> None:
        with open_writer(tmp_path / "desk.db", holder="test") as writer:
            ledger.register_account(writer, account, 1)
            for extra in extras_of(account):
                for of, name, _symbol in extra.streams(account, []):
                    streams.mark(writer, StreamKey("g", extra.kind, of, name), "paused", None, 1)
            async with Connections(writer, FixedClock(2)) as connections, Client(account) as client:
                await ExtraStreams(connections, account, unasked).read(client, deep=False, retry=False)
            (found,) = findings(writer.connection)
            assert (found.code, found.severity) == ("not read", severity)
            assert found.message == f"Of g (gate) the monitor does not read: {message}."

    asyncio.run(work())


def test_a_venue_without_a_profile_is_said(tmp_path: Path) -> None:
    """An account read by default assumptions has a finding, until its venue has a profile."""

    async def work() -> None:
        with open_writer(tmp_path / "desk.db", holder="test") as writer:
            ledger.register_account(writer, Account("w", "whitebit"), 1)
            async with Connections(writer, FixedClock(2)) as connections:
                troubles = Troubles(connections, "w")
                troubles.known_by("whitebit", profile("whitebit").tier)
                (found,) = findings(writer.connection)
                assert (found.code, found.subject) == ("no profile", "w")
                troubles.known_by("whitebit", "profile")
            assert findings(writer.connection) == ()

    asyncio.run(work())


def test_the_tier_of_a_venue_is_kept(tmp_path: Path) -> None:
    """It is stored with each reading; an import, which knows none, does not change it."""
    with open_writer(tmp_path / "desk.db", holder="test") as writer:
        ledger.register_account(writer, Account("k", "kraken"), 1, profile("kraken").tier)
        ledger.register_account(writer, Account("k", "kraken"), 2)
        ledger.register_account(writer, Account("f", "file"), 3)
        assert [(one.account, one.tier) for one in accounts(writer.connection)] == [("f", None), ("k", "proven")]
