"""Prices from CoinGecko: of what no venue lists, by the id the settings name, and its key in no other place."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, FixedClock
from monitor.exchanges.patience import Patience
from monitor.jobs.unlisted import unlisted_prices
from monitor.records import Account, Batch, CoinGecko, Movement, Price, StreamKey, Valuation
from monitor.store import ledger
from monitor.store.database import open_writer
from monitor.store.findings import findings
from tests.exchanges.conftest import Asked, FakeVenue, Reply, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor.store.database import Writer

NOW = 1_767_225_600_000  # 2026-01-01
KEY = "CG-canary-key-0123456789"
IDS = {"WIF": "dogwifcoin"}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield a ledger of an account that got WIF, which nobody prices, BTC, which a venue does, and USDT, a peg."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        ledger.register_account(opened, Account("main", "kraken"), 1)
        moves = tuple(
            Movement("main", "kraken", f"deposit|{asset}", NOW - 9 * DAY, "deposit", asset, Decimal(1))
            for asset in ("WIF", "BTC", "USDT")
        )
        ledger.commit_batch(opened, Batch(StreamKey("main", "deposits"), movements=moves), 1)
        ledger.commit_prices(opened, [Price("BTC", "USD", NOW - DAY, Decimal(9), "kraken", "candle")])
        yield opened


def chart(_: Asked) -> Reply:
    """Return two daily points, one of them in the exponent form that small prices have."""
    points = f"[[{NOW - 2 * DAY}, 1.25], [{NOW - DAY}, 9.5e-05]]"
    return Reply(f'{{"prices": {points}, "market_caps": [], "total_volumes": []}}')


def read(
    writer: Writer, answer: Callable[[Asked], Reply], ids: dict[str, str] | None = None, times: int = 1
) -> tuple[int, FakeVenue]:
    """Return how many prices came, and the server that was asked."""

    async def main() -> tuple[int, FakeVenue]:
        async with running(answer) as venue:
            source = CoinGecko(KEY, "demo", IDS if ids is None else ids, venue.endpoint)
            patience = Patience(sleep=venue.sleep)
            new = 0
            for _ in range(times):
                new += await unlisted_prices(writer, source, Valuation(), FixedClock(NOW), patience)
            return new, venue

    return asyncio.run(main())


def stored(writer: Writer) -> list[tuple[object, ...]]:
    rows = writer.connection.execute(
        "SELECT base, quote, time_ms, price, source FROM prices WHERE exchange = 'coingecko' ORDER BY time_ms"
    )
    return [tuple(row) for row in rows]


def told(writer: Writer) -> dict[str, str]:
    return {one.code: f"{one.subject} {one.message}" for one in findings(writer.connection)}


def test_only_what_nobody_prices_is_asked_for(writer: Writer) -> None:
    """One call, for WIF, a year back as the plan reaches; every point is stored with its source and its own time."""
    new, venue = read(writer, chart)
    (asked,) = venue.asked
    assert asked.path == "/api/v3/coins/dogwifcoin/market_chart/range"
    assert asked.params == {
        "vs_currency": "usd", "from": str((NOW - 365 * DAY) // 1000), "to": str(NOW // 1000),
    }  # fmt: skip
    assert (new, stored(writer)) == (2, [
        ("WIF", "USD", NOW - 2 * DAY, "1.25", "candle"), ("WIF", "USD", NOW - DAY, "0.000095", "candle"),
    ])  # fmt: skip


def test_the_key_is_sent_in_a_header_and_stands_nowhere_else(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the address, the database, a finding or a log, also where the key is refused."""
    caplog.set_level(logging.DEBUG)
    _, venue = read(writer, lambda _: Reply(json.dumps({"status": {"error_message": KEY}}), 401))
    assert venue.asked[0].headers["x-cg-demo-api-key"] == KEY
    assert KEY not in venue.asked[0].path + str(venue.asked[0].params)
    assert "refuses the key" in told(writer)["no price from coingecko"]
    assert KEY not in caplog.text
    assert KEY not in "\n".join(writer.connection.iterdump())


def test_without_a_key_nobody_is_asked(writer: Writer) -> None:
    """It is off unless the settings have its table."""
    assert asyncio.run(unlisted_prices(writer, None, Valuation(), FixedClock(NOW))) == 0


def test_an_asset_without_an_id_is_not_guessed(writer: Writer) -> None:
    """Many coins share a symbol: nothing is sent, and a finding names the asset."""
    new, venue = read(writer, chart, ids={})
    assert (new, venue.asked) == (0, [])
    assert "WIF" in told(writer)["no coin id"]


def test_what_was_read_lately_is_not_asked_for_again(writer: Writer) -> None:
    """After the first reading the newest price is a day old and is asked for from there; then it is fresh."""

    def answer(asked: Asked) -> Reply:
        return (
            Reply(json.dumps({"prices": [[NOW - 1000, 2]]}))
            if int(asked.params["from"]) > NOW // 1000 - 3 * 86_400
            else chart(asked)
        )

    new, venue = read(writer, answer, times=3)
    assert (new, [int(one.params["from"]) for one in venue.asked]) == (3, [
        (NOW - 365 * DAY) // 1000, (NOW - DAY + 1) // 1000,
    ])  # fmt: skip


def test_it_waits_as_long_as_it_is_told(writer: Writer) -> None:
    """HTTP 429 with Retry-After: the second try brings the prices."""
    replies = iter([Reply("{}", 429, {"Retry-After": "7"}), chart(Asked("", {}))])
    new, venue = read(writer, lambda _: next(replies))
    assert (new, venue.waits) == (2, [7.0])


@pytest.mark.parametrize(
    "body",
    ["<html>", "", "null", "{}", "[]", '{"prices": {}}', '{"prices": [[1, 2]]}', '{"prices": [["x", 2]]}',
     f'{{"prices": [[{NOW - DAY}, 0]]}}', f'{{"prices": [[{NOW - DAY}, null]]}}', f'{{"prices": [[{NOW - DAY}]]}}'],
)  # fmt: skip
def test_an_answer_that_is_no_chart_is_a_finding_and_no_price(writer: Writer, body: str) -> None:
    """Nothing of it is stored, and the asset is asked for again the next time."""
    new, _ = read(writer, lambda _: Reply(body))
    assert (new, stored(writer), "no price from coingecko" in told(writer)) == (0, [], True)
    assert read(writer, chart)[0] == 2
    assert "no price from coingecko" not in told(writer)


def test_a_redirect_is_not_followed(writer: Writer) -> None:
    """The key would travel to another host."""
    _, venue = read(writer, lambda _: Reply("", 302, {"Location": "http://127.0.0.1:9/elsewhere"}))
    assert len(venue.asked) == 1
    assert "no price from coingecko" in told(writer)
