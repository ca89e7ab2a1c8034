"""Each venue's own word on what a key may do, over HTTP; what nobody knows counts as more than reading."""

from __future__ import annotations

import asyncio
import json

import pytest

from monitor.exchanges.client import Client
from monitor.exchanges.proof import QUESTIONS, Proof, check_online
from monitor.records import Account
from tests.exchanges.conftest import SECRET, Asked, Reply, running

KEY = "00000000-0000-0000-0000-000000000001"
EC_KEY = "-----BEGIN EC PRIVATE KEY-----\nunused\n-----END EC PRIVATE KEY-----"
CREDENTIALS = {"apiKey": KEY, "secret": SECRET, "password": "pass", "uid": "1"}


def permissions(*granted: str) -> dict[str, object]:
    """Return Kraken's answer."""
    return {"error": [], "result": {"permissions": list(granted)}}


def deribit(scope: str) -> dict[str, object]:
    """Return Deribit's list of keys: another one, then ours."""
    other = {"client_id": "other", "max_scope": "wallet:read_write"}
    return {"result": [other, {"client_id": KEY, "max_scope": scope}]}


def htx(permission: str) -> dict[str, object]:
    """Return HTX's list of keys."""
    return {"code": 200, "data": [{"accessKey": KEY, "permission": permission}]}


READ_ONLY: list[tuple[str, object]] = [
    ("binance", {"ipRestrict": False, "enableReading": True, "enableWithdrawals": False}),
    ("bybit", {"retCode": 0, "result": {"readOnly": 1}}),
    ("okx", {"code": "0", "data": [{"perm": "read_only"}]}),
    ("kraken", permissions("query-funds", "query-ledger")),
    ("bitfinex", [["account", 1, 0], ["withdraw", 0, 0]]),
    ("kucoin", {"code": "200000", "data": {"permission": "General"}}),
    ("coinbase", {"can_view": True, "can_trade": False, "portfolio_type": "DEFAULT"}),
    ("bitget", {"code": "00000", "data": {"authorities": ["stor", "coor"]}}),
    ("htx", htx("readOnly")),
    ("deribit", deribit("account:read trade:read wallet:none session:x")),
    ("bingx", {"code": 0, "data": {"permissions": [2]}}),
]
MORE: list[tuple[str, object, str]] = [
    ("binance", {"enableReading": True, "enableTeleport": True}, "enableTeleport"),
    ("binance", {"enableReading": True, "enableNew": "yes"}, "enableNew"),
    ("bybit", {"retCode": 0, "result": {"readOnly": 0}}, "readOnly is off"),
    ("okx", {"code": "0", "data": [{"perm": "read_only,trade"}]}, "trade"),
    ("kraken", permissions("query-funds", "withdraw-funds"), "withdraw-funds"),
    ("bitfinex", [["account", 1, 0], ["withdraw", 1, 1]], "withdraw"),
    ("kucoin", {"code": "200000", "data": {"permission": "General, Spot"}}, "Spot"),
    ("coinbase", {"can_view": True, "can_fly": True}, "can_fly"),
    ("bitget", {"code": "00000", "data": {"authorities": ["stor", "zzzz"]}}, "zzzz"),
    ("htx", htx("readOnly,trade"), "trade"),
    ("deribit", deribit("account:read trade:read_write"), "trade:read_write"),
    ("bingx", {"code": 0, "data": {"permissions": [2, 5]}}, "5"),
]
UNTOLD: list[tuple[str, object]] = [
    ("binance", {"enableSpotAndMarginTrading": False}),
    ("bybit", {"retCode": 0, "result": {"note": "x"}}),
    ("okx", {"code": "0", "data": [{"uid": "1"}]}),
    ("kraken", permissions()),
    ("bitfinex", [["account"]]),
    ("deribit", {"result": [{"client_id": "other", "max_scope": "trade:read"}]}),
    ("bingx", {"code": 0, "data": {}}),
]


def proof(exchange: str, body: object) -> Proof:
    """Return what is made of a venue's answer."""

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/user/uid"):
            return Reply('{"code": 200, "data": 7}')
        return Reply(json.dumps(body))

    async def work() -> Proof:
        async with running(answer) as venue:
            client = Client(Account("desk", exchange, CREDENTIALS, endpoint=venue.endpoint))
            async with client:
                return await check_online(client)

    return asyncio.run(work())


@pytest.mark.parametrize(("exchange", "body"), READ_ONLY)
def test_a_key_that_only_reads_is_proven(exchange: str, body: object) -> None:
    """Every venue that can say so is asked in its own way."""
    assert proof(exchange, body).read_only is True


@pytest.mark.parametrize(("exchange", "body", "named"), MORE)
def test_a_key_that_may_do_more_is_named(exchange: str, body: object, named: str) -> None:
    """A permission that writes, or that nobody here knows, is told by its name."""
    found = proof(exchange, body)
    assert found.read_only is False
    assert f"more than read: {named}." in found.message


@pytest.mark.parametrize(("exchange", "body"), UNTOLD)
def test_an_answer_that_does_not_say_proves_nothing(exchange: str, body: object) -> None:
    """Neither yes nor no."""
    assert proof(exchange, body).read_only is None


def test_every_venue_that_can_say_so_is_tried_here() -> None:
    """The futures classes of Binance ask what Binance itself asks."""
    assert {name for name, _ in READ_ONLY} | {"binanceusdm", "binancecoinm"} == set(QUESTIONS)
