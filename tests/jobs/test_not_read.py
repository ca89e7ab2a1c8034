"""What of an account no call lists is said once, with what to do about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from monitor.clock import FixedClock
from monitor.exchanges.client import Client
from monitor.exchanges.extras import extras_of
from monitor.jobs.connections import Connections
from monitor.jobs.extra_streams import ExtraStreams
from monitor.records import Account, StreamKey
from monitor.store import ledger, streams
from monitor.store.database import open_writer
from monitor.store.findings import findings

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
