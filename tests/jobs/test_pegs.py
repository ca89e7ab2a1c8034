"""Pegs are assumptions: their markets are read, and a finding says when one no longer holds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR, Window
from monitor.jobs.pegs import note_pegs
from monitor.jobs.quotes import Wanted, backfill
from monitor.records import Account, Valuation
from monitor.store.database import open_writer
from monitor.store.findings import findings
from monitor.store.ledger import register_account
from tests.exchanges.conftest import Asked, Reply, market, running

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer

NOW = 1_767_225_600_000
FIRST = Window(NOW - 30 * 24 * HOUR, NOW)


def read_candles(writer: Writer, symbol: str, close: str) -> list[Asked]:
    """Backfill prices at a venue that lists one market, whose candles all close at one price."""

    def answer(asked: Asked) -> Reply:
        first = int(asked.params["startTime"])
        rows = [[time, close, close, close, close, "1"] for time in range(first, NOW, HOUR)]
        return Reply(json.dumps(rows[: int(asked.params["limit"])]))

    async def work() -> list[Asked]:
        async with running(answer) as venue, venue.client("binance") as client:
            client.exchange.set_markets([market(symbol.replace("/", ""), symbol)])
            await backfill(writer, client, Wanted(frozenset({"USDC", "USDT", "EUR"}), FIRST, Valuation()))
            return venue.asked

    return asyncio.run(work())


def told(writer: Writer) -> list[tuple[str, str]]:
    note_pegs(writer, NOW)
    return [(one.code, one.subject) for one in findings(writer.connection)]


@pytest.mark.parametrize(
    ("symbol", "close", "broken"),
    [
        ("USDC/USD", "0.989", ["USDC"]),
        ("USDC/USD", "0.991", []),
        ("USDC/USD", "1.011", ["USDC"]),
        ("USDC/USDT", "0.97", ["USDC", "USDT"]),  # one of the two; which one the market does not say
    ],
)
def test_a_peg_off_by_more_than_one_percent_is_a_finding(
    tmp_path: Path, symbol: str, close: str, broken: list[str]
) -> None:
    """Its market is read for the last day though the asset is cash; against the currency, else another peg."""
    with open_writer(tmp_path / "a.db", holder="test") as writer:
        register_account(writer, Account("a", "binance"), 1)
        asked = read_candles(writer, symbol, close)
        assert len(asked) == 1
        assert told(writer) == [("depeg", asset) for asset in broken]


def test_a_peg_that_holds_again_takes_its_finding_back(tmp_path: Path) -> None:
    """The venue corrects its candles, and nothing is left to say."""
    with open_writer(tmp_path / "a.db", holder="test") as writer:
        register_account(writer, Account("a", "binance"), 1)
        read_candles(writer, "USDC/USD", "0.9")
        assert told(writer) == [("depeg", "USDC")]
        read_candles(writer, "USDC/USD", "1.0001")
        assert told(writer) == []
