"""A venue on this machine: answers as a function of the request, over real HTTP, and clients that do not wait."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest
from aiohttp import web

from monitor.exchanges import shapes
from monitor.exchanges.client import Client, Surroundings
from monitor.exchanges.patience import Patience
from monitor.records import Account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

Result = TypeVar("Result")
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
MARKETS = {
    "binance": (("BTCUSDT", "BTC/USDT"), ("ETHUSDT", "ETH/USDT"), ("ETHBTC", "ETH/BTC")),
    "kraken": (("XXBTZUSD", "BTC/USD"), ("XETHZUSD", "ETH/USD")),
}


@dataclass
class Reply:
    """What the venue answers to one request."""

    text: str = "{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One request as the venue saw it: path, and the parameters of query and form together."""

    path: str
    params: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeVenue:
    """A server whose `answer` decides; it remembers what it was asked and how long the client would have waited."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    endpoint: str = ""

    async def sleep(self, seconds: float) -> None:
        """Note a wait, and do not wait."""
        self.waits.append(seconds)

    def client(self, exchange: str, **settings: object) -> Client:
        """Return a client of this venue that knows a few markets."""
        account = Account("desk", exchange, {"apiKey": "public-key-1", "secret": SECRET}, endpoint=self.endpoint)
        client = Client(account, Surroundings(Patience(sleep=self.sleep), **settings))  # type: ignore[arg-type]
        client.exchange.set_markets([market(*one) for one in MARKETS.get(exchange, MARKETS["binance"])])
        return client


def market(identity: str, symbol: str, **more: object) -> dict[str, object]:
    """Return a spot market structure, or that of a perpetual where the symbol names a settlement asset."""
    pair, _, settle = symbol.partition(":")
    base, quote = pair.split("/")
    contract, inverse = bool(settle), settle == base
    return {
        "id": identity, "symbol": symbol, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
        "settle": settle or None, "settleId": settle or None, "type": "swap" if contract else "spot",
        "spot": not contract, "margin": False, "swap": contract, "future": False, "option": False, "contract": contract,
        "linear": (not inverse) if contract else None, "inverse": inverse if contract else None,
        "contractSize": "1" if contract else None, "active": True, "info": {}, "limits": {},
        "precision": {"amount": "0.00000001", "price": "0.01"}, **more,
    }  # fmt: skip


async def posted(request: web.Request) -> Mapping[str, object]:
    """Return what a POST carries, as a form or as a JSON object."""
    if request.method != "POST":
        return {}
    if "json" not in request.headers.get("Content-Type", ""):
        return await request.post()
    told = json.loads(await request.text() or "{}")
    return told if isinstance(told, dict) else {}


@asynccontextmanager
async def running(answer: Callable[[Asked], Reply]) -> AsyncIterator[FakeVenue]:
    """Serve on a free port while the block runs."""
    venue = FakeVenue(answer)

    async def respond(request: web.Request) -> web.Response:
        form = await posted(request)
        params = {**request.query, **{name: str(value) for name, value in form.items()}}
        asked = Asked(request.path, params, {name.lower(): value for name, value in request.headers.items()})
        venue.asked.append(asked)
        reply = venue.answer(asked)
        return web.Response(text=reply.text, status=reply.status, headers=reply.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    venue.endpoint = f"http://{host}:{port}"
    try:
        yield venue
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def no_memory() -> None:
    """Start each test without a memory of what endpoints answer with."""
    shapes.forget()


class At(Protocol):
    """Runs a coroutine beside a venue that answers as told."""

    def __call__(self, answer: Callable[[Asked], Reply], work: Callable[[FakeVenue], Awaitable[Result]]) -> Result:
        """Return what the coroutine returned."""
        ...


@pytest.fixture
def at_venue() -> At:
    """Return a function that runs a coroutine beside a venue that answers as told."""

    def run(answer: Callable[[Asked], Reply], work: Callable[[FakeVenue], Awaitable[Result]]) -> Result:
        async def main() -> Result:
            async with running(answer) as venue:
                return await work(venue)

        return asyncio.run(main())

    return run
