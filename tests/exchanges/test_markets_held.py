"""A venue's markets in memory: one structure each, one listing for all accounts of a venue, and listings renewed."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from monitor.clock import FixedClock
from monitor.exchanges.markets import condense
from monitor.jobs.connections import MARKETS_SECONDS, Connections
from monitor.records import Account
from monitor.store.database import open_writer
from tests.exchanges.conftest import Asked, FakeVenue, Reply, market, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def pairs(*bases: str) -> Reply:
    """Return Kraken's list of pairs of some assets with the dollar."""
    listed = {
        f"{base}USD": {
            "altname": f"{base}USD", "wsname": f"{base}/USD", "base": base, "quote": "ZUSD", "pair_decimals": 1,
            "lot_decimals": 8, "ordermin": "1", "tick_size": "0.1", "status": "online", "leverage_buy": [2, 3],
        }
        for base in bases
    }  # fmt: skip
    return Reply(json.dumps({"error": [], "result": listed}))


class Lists:
    """A venue that lists some markets, and counts how often it was asked for them."""

    def __init__(self, *bases: str) -> None:
        self.bases, self.asked = bases, 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/AssetPairs"):
            self.asked += 1
            return pairs(*self.bases)
        if asked.path.endswith("/Assets"):
            assets = {name: {"altname": name, "decimals": 8, "status": "enabled"} for name in (*self.bases, "ZUSD")}
            return Reply(json.dumps({"error": [], "result": assets}))
        return Reply('{"error": [], "result": {"unixtime": 1700000000}}')


@asynccontextmanager
async def connected(folder: Path, seconds: list[float]) -> AsyncIterator[Connections]:
    """Give connections to a new database; `seconds` is the time of their monotonic clock."""
    with open_writer(folder / "desk.db", holder="test") as writer:
        async with Connections(writer, FixedClock(1_700_000_000_000), monotonic=lambda: seconds[0]) as connections:
            yield connections


def account(name: str, venue: FakeVenue) -> Account:
    """Return one of several accounts of the venue."""
    return Account(name, "kraken", {"apiKey": name, "secret": "c2VjcmV0"}, endpoint=venue.endpoint)


def test_accounts_of_one_venue_share_one_listing(tmp_path: Path) -> None:
    """Two accounts that are opened at once ask for the markets once, and read by the same structures."""
    lists = Lists("DOT", "ADA")

    async def work() -> list[object]:
        async with running(lists) as venue, connected(tmp_path, [0.0]) as connections:
            clients = await asyncio.gather(*(connections.client(account(name, venue)) for name in ("one", "two")))
            return [client.market("DOT/USD") for client in clients]

    one, two = asyncio.run(work())
    assert lists.asked == 1
    assert one is two
    assert one is not None


def test_a_listing_is_asked_for_again(tmp_path: Path) -> None:
    """After six hours a market that is new is known to both accounts, and one that is gone still is."""
    lists = Lists("DOT")
    seconds = [0.0]

    async def work() -> list[list[str]]:
        async with running(lists) as venue, connected(tmp_path, seconds) as connections:
            both = [account("one", venue), account("two", venue)]
            for one in both:
                await connections.client(one)
            lists.bases, seconds[0] = ("ADA",), MARKETS_SECONDS + 1
            return [sorted((await connections.client(one)).exchange.markets) for one in both]

    assert asyncio.run(work()) == [["ADA/USD", "DOT/USD"], ["ADA/USD", "DOT/USD"]]
    assert lists.asked == 2


def test_one_structure_of_each_market_stays() -> None:
    """By id and by symbol ccxt finds the same one; lists of the venue's own form are gone, what is alike is shared."""

    async def work() -> None:
        async with running(lambda _asked: Reply()) as venue, venue.client("kraken") as client:
            info = {"pair": "BTCUSDT", "orderTypes": ["LIMIT"], "index": {"symbol": "X"}}
            limits = {"amount": {"min": "1", "max": None}}
            rows = [
                market("A", "A/USD", info={**info}, limits={**limits}),
                market("B", "B/USD", info={**info}, limits={**limits}),
            ]
            exchange = client.exchange
            exchange.set_markets(rows)
            before = {symbol: {**one, "info": {}} for symbol, one in exchange.markets.items()}
            condense(exchange)
            assert {symbol: {**one, "info": {}} for symbol, one in exchange.markets.items()} == before
            assert exchange.markets["A/USD"]["info"] == {"pair": "BTCUSDT", "index": {"symbol": "X"}}
            assert exchange.markets_by_id["B"][0] is exchange.markets["B/USD"]
            assert exchange.markets["A/USD"]["limits"] is exchange.markets["B/USD"]["limits"]
            assert (exchange.symbols, exchange.ids) == (["A/USD", "B/USD"], ["A", "B"])

    asyncio.run(work())
