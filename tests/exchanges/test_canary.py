"""No byte of a credential gets out: not in a log, an exception, the database or an answer, whatever the venue does."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from monitor.clock import FixedClock
from monitor.errors import MonitorError
from monitor.exchanges.client import Client, Surroundings
from monitor.exchanges.patience import Patience
from monitor.exchanges.proof import check_online
from monitor.jobs.collect import Options, collect_all
from monitor.jobs.connections import Connections
from monitor.records import Account
from monitor.store.database import open_writer
from tests.exchanges.conftest import Asked, Reply, market, running

if TYPE_CHECKING:
    from pathlib import Path

CANARIES = {
    "apiKey": "canary-key-4f1d9a",
    "secret": "Y2FuYXJ5LXNlY3JldC83YjNlKzJmOGE9PXh4eHh4eHh4",
    "password": "canary pass+phrase/33",
}
NOW = 1_700_000_000_000
ECHO = "your key canary-key-4f1d9a with Y2FuYXJ5LXNlY3JldC83YjNlKzJmOGE9PXh4eHh4eHh4 and canary pass+phrase/33"
REPLIES = {
    "an answer": Reply("[]"),
    "a page": Reply(f"<html><title>{ECHO}</title></html>"),
    "cut": Reply('[{"id": "1", "note": "' + ECHO),
    "a server error": Reply(ECHO, 503),
    "not mapped": Reply(ECHO, 523),
    "refused": Reply('{"code":-2015,"msg":"Invalid API-key: ' + ECHO + '"}', 401),
    "forbidden": Reply('{"code":0,"msg":"' + ECHO + '"}', 403),
    "slow down": Reply('{"code":-1003,"msg":"' + ECHO + '"}', 429, {"Retry-After": "1"}),
    "clock": Reply('{"code":-1021,"msg":"' + ECHO + '"}', 400),
    "unknown symbol": Reply('{"code":-1121,"msg":"' + ECHO + '"}', 400),
    "an odd error": Reply('{"code":-99999,"msg":"' + ECHO + '"}', 400),
    "redirect": Reply(ECHO, 302, {"Location": "http://192.0.2.1/?" + quote(ECHO)}),
}


def spellings() -> set[bytes]:
    """Return every way a canary could be written: as it is, URL-encoded, and its first half."""
    found = set()
    for canary in CANARIES.values():
        for text in (canary, quote(canary), quote(canary, safe=""), canary[: len(canary) // 2 + 4]):
            found.add(text.encode())
    return found


def seen_in(text: str | bytes) -> list[bytes]:
    """Return the canaries that stand in a text."""
    data = text if isinstance(text, bytes) else text.encode()
    return [canary for canary in spellings() if canary in data]


async def everything(endpoint: str, folder: Path, exchange: str) -> list[str]:
    """Call, collect into a database and prove the key; return every text that a person could see."""
    time = [0.0]

    async def pass_time(seconds: float) -> None:
        time[0] += seconds

    account = Account("desk", exchange, CANARIES, start=NOW - 1_000, endpoint=endpoint)
    surroundings, told = Surroundings(Patience(sleep=pass_time, monotonic=lambda: time[0])), [repr(account)]
    async with Client(account, surroundings) as client:
        client.exchange.set_markets([market("BTCUSDT", "BTC/USDT")])
        for method, *given in (("fetch_my_trades", "BTC/USDT"), ("fetch_balance",), ("fetch_deposits",)):
            try:
                told.append(repr((await client.call(method, *given)).value))
            except MonitorError as error:
                told += [str(error), repr(error), repr(error.__cause__), repr(error.__context__ and "chained")]
        try:
            told.append(repr(await check_online(client)))
        except MonitorError as error:
            told.append(str(error))
    with open_writer(folder / "desk.db", holder="tests") as writer:
        async with Connections(writer, FixedClock(NOW), surroundings) as connections:
            told.append(repr(await collect_all(connections, [account], Options())))
    return told


@pytest.mark.parametrize(
    ("name", "exchange"), [*((name, "binance") for name in REPLIES), ("a page", "kraken"), ("an odd error", "kraken")]
)
def test_no_credential_gets_out(name: str, exchange: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Debug logging on, and a venue that repeats the credentials in whatever it answers."""
    caplog.set_level(logging.DEBUG)
    for module in ("monitor", "ccxt", "aiohttp.client", "asyncio"):
        caplog.set_level(logging.DEBUG, module)

    def answer(asked: Asked) -> Reply:
        return Reply(f'{{"serverTime": {NOW}}}') if asked.path.endswith("/time") else REPLIES[name]

    async def work() -> list[str]:
        async with running(answer) as venue:
            return await everything(venue.endpoint, tmp_path, exchange)

    told = asyncio.run(work())
    assert [text for text in told if seen_in(text)] == []
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp.access")]
    assert [text for text in ours if seen_in(text)] == []
    stored = {path.name: seen_in(path.read_bytes()) for path in tmp_path.iterdir()}
    assert {path: found for path, found in stored.items() if found} == {}


def test_the_scan_sees_a_canary(tmp_path: Path) -> None:
    """The test itself can fail: a file with a URL-encoded canary is found out."""
    file = tmp_path / "x"
    file.write_text("pass=" + quote(CANARIES["password"], safe=""))
    assert seen_in(file.read_bytes())
