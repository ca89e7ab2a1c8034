"""Daily prices from CoinGecko, of assets that no venue of the desk lists: asked only where the settings hold a key.

https://docs.coingecko.com/reference/coins-id-market-chart-range. The key travels in a header, never in an address; the
demo plan reaches back 365 days. A price is known from the instant it is told for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import aiohttp

from monitor.clock import DAY, SECOND
from monitor.errors import (
    AmountError,
    AnswerUnreadable,
    CallRejected,
    CredentialsRefused,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from monitor.exact import exact
from monitor.exchanges.bodies import Json, decode
from monitor.exchanges.patience import Patience
from monitor.exchanges.times import EARLIEST, LATEST
from monitor.exchanges.transport import Transport, loopback
from monitor.records import Price

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from monitor.clock import Window
    from monitor.records import CoinGecko

NAME = "coingecko"
HOSTS = {"demo": "https://api.coingecko.com", "pro": "https://pro-api.coingecko.com"}
HEADERS = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
REACH = {"demo": 365 * DAY, "pro": None}
TRIES, LONGEST_WAIT, DEADLINE = 3, 60.0, 30.0
OK, TOO_MANY, SERVER = 200, 429, 500
REFUSED = frozenset({401, 403})


class CoinGeckoClient:
    """A connection to CoinGecko and to no other host; use it as an async context manager."""

    def __init__(self, source: CoinGecko, patience: Patience | None = None) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigError: the endpoint is not on this machine.
        """
        self._source, self._patience = source, patience or Patience()
        self._base = (loopback(source.endpoint) if source.endpoint else HOSTS[source.plan]).rstrip("/")
        self._transport = Transport(frozenset({self._base.partition("://")[2].lower()}))

    async def __aenter__(self) -> Self:
        """Open without sending anything."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self._transport.close()

    async def prices(self, asset: str, currency: str, window: Window) -> list[Price]:
        """Return what one unit of an asset cost in a window, as far back as the plan reaches; oldest first.

        Raises:
            VenueError: it did not tell, refused the key, or knows no such coin.
        """
        reach = REACH[self._source.plan]
        start = window.start if reach is None else max(window.start, window.end - reach)
        query = {"vs_currency": currency.lower(), "from": start // SECOND, "to": -(-window.end // SECOND)}
        path = f"/api/v3/coins/{quote(self._source.ids[asset], safe='')}/market_chart/range?{urlencode(query)}"
        body = await self._patiently(path)
        rows = body.get("prices") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise AnswerUnreadable(f"CoinGecko's answer for {asset} holds no list of prices.")
        found = {price.time: price for price in (_price(row, asset, currency) for row in rows)}
        return [found[time] for time in sorted(found) if window.start <= time < window.end]

    async def _patiently(self, path: str) -> Json:
        for attempt in range(1, TRIES + 1):
            try:
                return await asyncio.wait_for(self._once(path), DEADLINE)
            except RateLimited as error:
                if attempt == TRIES:
                    raise
                await self._patience.sleep(min(LONGEST_WAIT, error.retry_after_seconds or LONGEST_WAIT))
            except (VenueUnavailable, TimeoutError, aiohttp.ClientError) as error:
                if attempt == TRIES:
                    # The address and the headers of the request stay out of it.
                    raise _failed(error) from None
                await self._patience.sleep(self._patience.backoff(attempt))
        raise VenueUnavailable("CoinGecko did not answer.")

    async def _once(self, path: str) -> Json:
        headers = {HEADERS[self._source.plan]: self._source.key, "Accept": "application/json"}
        request: aiohttp.client._RequestContextManager = self._transport.get(self._base + path, headers=headers)  # type: ignore[assignment]  # ccxt's interface
        async with request as answer:
            _check(answer.status, answer.headers.get("Retry-After"))
            text = (await answer.read()).decode(errors="replace").strip()
        try:
            return decode(text)
        except ValueError:
            raise VenueUnavailable("CoinGecko's answer is not JSON.", "It will be asked again.") from None


def _check(status: int, retry_after: str | None) -> None:
    """Let a success pass.

    Raises:
        VenueError: by what the status means.
    """
    if status == OK:
        return
    if status == TOO_MANY:
        seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
        raise RateLimited("CoinGecko asks to slow down.", "It will be asked again.", retry_after_seconds=seconds)
    if status in REFUSED:
        raise CredentialsRefused(
            f"CoinGecko refuses the key, or what it is asked for (HTTP {status}).", "See its plan."
        )
    if status >= SERVER:
        raise VenueUnavailable(f"CoinGecko answered with HTTP {status}.", "It will be asked again.")
    raise CallRejected(f"CoinGecko answered with HTTP {status}: it may know no coin of this id.", "Correct the id.")


def _failed(error: Exception) -> VenueError:
    if isinstance(error, VenueError):
        return error
    return VenueUnavailable(f"CoinGecko did not answer ({type(error).__name__}).", "It will be asked again.")


def _price(row: Json, asset: str, currency: str) -> Price:
    """Return one point, [milliseconds, price].

    Raises:
        AnswerUnreadable: it is no instant and a price above zero.
    """
    time, value = row if isinstance(row, list) and len(row) == len(("time", "price")) else (None, None)
    try:
        price = exact(str(value))
    except AmountError:
        raise AnswerUnreadable(f"CoinGecko's answer for {asset} holds a point that is no price.") from None
    if not isinstance(time, int) or isinstance(time, bool) or not EARLIEST <= time < LATEST or price <= 0:
        raise AnswerUnreadable(f"CoinGecko's answer for {asset} holds a point that is no price.")
    return Price(asset, currency, time, price, NAME, "candle")
