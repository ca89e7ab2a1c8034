"""A running desk whose clock stands at noon of its first live day, and ccxt's own classes pointed at it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from ccxt.async_support.binance import binance
from ccxt.async_support.kraken import kraken as kraken_class
from ccxt.base.errors import BaseError

from monitor.clock import DAY, FixedClock, parse_instant
from monitor.demo.desk import RunningDesk, start_desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from monitor.records import Account

Client = Any  # ccxt makes most of its methods when it starts, where no type checker sees them
CLASSES: dict[str, Client] = {"binance": binance, "kraken": kraken_class}
EPOCH = parse_instant("2026-01-31")
Result = TypeVar("Result")


def redirected(urls: object, endpoint: str) -> object:
    """Return ccxt's addresses with scheme and host replaced."""
    if isinstance(urls, dict):
        return {name: redirected(child, endpoint) for name, child in urls.items()}
    return re.sub(r"^https?://[^/]+", endpoint, str(urls))


def client(account: Account, **changes: str) -> Client:
    """Return ccxt's unmodified class for an account, with other credentials if asked."""
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    made = CLASSES[account.exchange]({**account.credentials, **changes, "options": options})
    made.number, made.enableRateLimit = str, False
    made.urls["api"] = redirected(made.urls["api"], str(account.endpoint))
    return made


async def ready(account: Account, **changes: str) -> Client:
    """Return a new client that knows its distance to the venue's clock and the markets."""
    made = client(account, **changes)
    try:
        if account.exchange == "binance":  # Kraken judges nonces, and tells its time in whole seconds only
            await made.load_time_difference()
        await made.load_markets()
    except BaseError:
        await made.close()
        raise
    return made


class Talk:
    """Asks the desk's venues, in one event loop and with one client for each account of the shared desk."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._clients: dict[tuple[str | None, str], Client] = {}

    def run(self, work: Awaitable[Result]) -> Result:
        """Return what some work returns."""

        async def wait() -> Result:
            return await work

        return self._runner.run(wait())

    def __call__(self, account: Account, call: Callable[[Client], Awaitable[Any]]) -> Any:  # noqa: ANN401 - ccxt answers with whatever the venue said
        """Return what a call with the account's own client gives."""
        key = (account.endpoint, account.name)
        if key not in self._clients:
            self._clients[key] = self.run(ready(account))
        return self.run(call(self._clients[key]))

    def anew(self, account: Account, call: Callable[[Client], Awaitable[Any]], **changes: str) -> Any:  # noqa: ANN401 - likewise
        """Return what a call with a new client gives, with other credentials if asked."""

        async def talk() -> object:
            made = await ready(account, **changes)
            try:
                return await call(made)
            finally:
                await made.close()

        return self.run(talk())

    def close(self) -> None:
        """Close the clients and the loop."""
        for made in self._clients.values():
            self.run(made.close())
        self._runner.close()


@pytest.fixture(scope="session")
def desk() -> Iterator[RunningDesk]:
    with start_desk(7, EPOCH, FixedClock(EPOCH + DAY // 2)) as running:
        yield running


@pytest.fixture(scope="session")
def ask() -> Iterator[Talk]:
    talk = Talk()
    yield talk
    talk.close()


@pytest.fixture
def main(desk: RunningDesk) -> Account:
    return desk.accounts[0]


@pytest.fixture
def kraken(desk: RunningDesk) -> Account:
    return desk.accounts[2]
