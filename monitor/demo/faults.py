"""Trouble on request: what can be made to go wrong between the demo's venues and their client.

A fault hits a bounded share of the requests for private data and for prices, chosen by the seed and the request
itself, at most twice in a row: whoever repeats a call gets through. The first call of every account to every
endpoint is always hit, so that no fault is ever missed by luck.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from monitor.demo.wire import Asked

FAULTS = {
    "errors": "HTTP 500, 502 or 503 instead of an answer",
    "html200": "a maintenance page in HTML with HTTP 200 instead of an answer",
    "truncated": "a body that ends in the middle",
    "ratelimit": "the client is told to slow down: HTTP 429 with Retry-After at Binance, an error text at Kraken",
    "late": "a third of the fills can be seen only up to 90 seconds after they happened",
    "skew": "the venues' clocks are off: Binance 4 seconds behind, Kraken 3 seconds ahead",
    "slow": "bodies whose second half comes one to two seconds later",
    "dead": "Kraken answers nothing but HTTP 503; Binance is well",
}
SHARES = {"errors": 0.03, "html200": 0.03, "truncated": 0.03, "ratelimit": 0.004, "slow": 0.006}
SKEW = {"binance": -4_000, "kraken": 3_000}
DEAD = "kraken"
UNTOLD = frozenset({"timestamp", "signature", "nonce", "recvWindow"})  # what makes two equal requests look different
PERIOD = 8  # of that many equal requests, the first one or two are hit
PAGE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the honest answer to it."""

    venue: str
    asked: Asked
    honest: web.Response
    request: web.Request


class Faults:
    """Which requests are hit by one fault; keeps count of what was asked how often."""

    def __init__(self, name: str | None, seed: int) -> None:
        """`name` is one of `FAULTS`, or None for a quiet day."""
        self.name = name
        self._seed = seed
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._planned: dict[str, int] = {}
        self._known: set[str] = set()
        self.hits = 0

    async def spoil(self, exchange: Exchange) -> web.StreamResponse:
        """Return the honest answer, or what the fault makes of it."""
        if self.name == "dead" and exchange.venue == DEAD:
            return web.Response(status=503, text=PAGE, content_type="text/html")
        if self.name not in SHARES or not priced_or_private(exchange.asked.path) or not self._hit(exchange.asked):
            return exchange.honest
        self.hits += 1
        if self.name == "slow":
            return await slowly(exchange, random.Random(self.hits).uniform(1.0, 2.0))  # noqa: S311 - no secret
        return broken(self.name, exchange, self.hits)

    def _hit(self, asked: Asked) -> bool:
        """Return whether this request is one of the chosen."""
        whose = f"{asked.path}/{asked.headers.get('X-MBX-APIKEY', '')}{asked.headers.get('API-Key', '')}"
        told = sorted((name, text) for name, text in asked.query.items() if name not in UNTOLD)
        key = f"{whose}/{told}"
        if key not in self._planned:
            draw = random.Random(f"{self._seed}/{self.name}/{key}").random()  # noqa: S311 - no secret
            share = SHARES[self.name or ""]
            self._planned[key] = max(int(whose not in self._known), int(draw < share) + int(draw < share / 4))
            self._known.add(whose)
        turn = self._asked[key] % PERIOD
        self._asked[key] += 1
        return turn < self._planned[key]


def priced_or_private(path: str) -> bool:
    """Return whether a path tells prices or an account's data; times and lists of markets are never spoilt."""
    if path.startswith("/sapi/v1/margin/"):
        return False
    return path.startswith(("/sapi/", "/0/private/")) or path.endswith(
        ("/myTrades", "/account", "/klines", "/24hr", "/price", "/OHLC", "/Ticker")
    )


def broken(name: str, exchange: Exchange, number: int) -> web.Response:
    """Return the answer a fault puts in the honest one's place; the `number`-th of its kind."""
    body = exchange.honest.body
    if name == "errors":
        return web.Response(status=(500, 502, 503)[number % 3], text=PAGE, content_type="text/html")
    if name == "html200":
        return web.Response(text=PAGE, content_type="text/html")
    if name == "truncated" and isinstance(body, bytes):
        return web.Response(body=body[: len(body) // 2], content_type="application/json")
    if exchange.venue == "kraken":
        return web.json_response({"error": ["EAPI:Rate limit exceeded"]})
    refusal = {"code": -1003, "msg": "Too many requests; current limit is 6000 request weight per 1 MINUTE."}
    return web.json_response(refusal, status=429, headers={"Retry-After": "1"})


async def slowly(exchange: Exchange, seconds: float) -> web.StreamResponse:
    """Send the honest body in two halves."""
    body = exchange.honest.body
    content = body if isinstance(body, bytes) else b""
    response = web.StreamResponse(status=exchange.honest.status, headers=exchange.honest.headers)
    response.content_length = len(content)
    await response.prepare(exchange.request)
    await response.write(content[: len(content) // 2])
    await asyncio.sleep(seconds)
    await response.write(content[len(content) // 2 :])
    await response.write_eof()
    return response
