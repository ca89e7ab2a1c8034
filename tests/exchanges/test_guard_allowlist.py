"""Only reads leave, on every exchange ccxt knows, and only to the venue's hosts."""

from __future__ import annotations

import asyncio
import re

import ccxt.async_support as ccxt
import pytest

from monitor.errors import ConfigError, ForbiddenCall, UsageError
from monitor.exchanges.allowlist import readable
from monitor.exchanges.client import Client
from monitor.exchanges.guard import guarded
from monitor.exchanges.transport import Transport
from monitor.records import Account

WRITES = (
    "create_order",
    "createOrder",
    "cancel_order",
    "cancelAllOrders",
    "edit_order",
    "withdraw",
    "transfer",
    "set_leverage",
)
# Verbs in a path that change something; a GET of a transfer lists it.
VERBS = re.compile(r"create|cancel|place|amend|approve|onboard|apply|sendtx|revoke", re.IGNORECASE)
BY_POST = re.compile(r"(^|/)(withdraw|transfer|borrow|repay)$", re.IGNORECASE)


@pytest.mark.parametrize("exchange", ccxt.exchanges)
def test_writes_are_refused(exchange: str) -> None:
    """Whatever trades or moves funds raises at once: no market is loaded for it, no socket is opened."""
    venue = guarded(exchange)()
    for name in WRITES:
        if hasattr(venue, name):
            with pytest.raises(ForbiddenCall):
                getattr(venue, name)("BTC/USDT", "market", "buy", 1)


@pytest.mark.parametrize("exchange", ccxt.exchanges)
def test_the_allowlist_holds_no_verb_that_writes(exchange: str) -> None:
    """The endpoints that read methods can reach have no path that creates, cancels, withdraws or transfers."""
    endpoints = readable(getattr(ccxt, exchange))
    assert endpoints
    assert [path for _, _, path in endpoints if VERBS.search(path)] == []
    assert [path for _, method, path in endpoints if method == "POST" and BY_POST.search(path)] == []
    assert {method for _, method, _ in endpoints} <= {"GET", "POST"}


def test_an_endpoint_outside_the_list_is_refused() -> None:
    """The generated methods (privatePostOrder) stop below the unified ones too."""
    client = Client(Account("a", "binance", {"apiKey": "k", "secret": "s"}))
    with pytest.raises(ForbiddenCall, match="POST order"):
        asyncio.run(client.exchange.privatePostOrder({}))


def test_another_host_is_refused() -> None:
    """Neither a rewritten address nor a put, patch or delete passes the door."""
    door = Transport(frozenset({"api.binance.com"}))
    for leave in (door.get, door.post):
        with pytest.raises(ForbiddenCall, match=r"evil\.example"):
            leave("https://evil.example/api?signature=abc")
    for leave in (door.put, door.patch, door.delete):
        with pytest.raises(ForbiddenCall):
            leave("https://api.binance.com/x")


@pytest.mark.parametrize("endpoint", ["http://192.0.2.7:80", "https://binance.example", "ftp://127.0.0.1", "nonsense"])
def test_an_endpoint_elsewhere_is_a_settings_error(endpoint: str) -> None:
    """Keys are never sent to another machine than the venue's or this one."""
    with pytest.raises(ConfigError, match="not on this machine"):
        Client(Account("a", "binance", endpoint=endpoint))


def test_an_endpoint_on_this_machine_is_the_only_host() -> None:
    """With a rewritten endpoint the venue's real hosts are no longer allowed."""
    client = Client(Account("a", "kraken", endpoint="http://127.0.0.1:8123"))
    assert client.exchange.hosts == {"127.0.0.1:8123"}


def test_an_unknown_exchange_is_named() -> None:
    """A typing error in the exchange's name says so."""
    with pytest.raises(UsageError, match="'krakn'"):
        Client(Account("a", "krakn"))
