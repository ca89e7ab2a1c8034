"""What a venue's own sentence means where ccxt has no class for it, and that no page gets into a message."""

from __future__ import annotations

import asyncio

import pytest
from ccxt.base import errors as venue

from monitor.errors import CallRejected, ClockSkew, CredentialsRefused, MonitorError, RateLimited, VenueError
from monitor.exchanges.bodies import Body
from monitor.exchanges.errors import failure
from tests.exchanges.conftest import Reply, running

REFUSED = [
    '{"error":["EAPI:Invalid signature"]}',
    '{"error":["EAPI:Invalid key"]}',
    '{"code":"-2","msg":"Signature for this request is not valid."}',
    '{"msg":"INVALID_SIGNATURE"}',
    '{"message":"InvalidApiKey"}',
    '{"err":"api key has expired"}',
    '{"err":"Incorrect api passphrase"}',
    '{"err":"Your IP address is not in the whitelist of this key"}',
    '{"err":"IP mismatch"}',
    '{"err":"Insufficient permissions"}',
    '{"err":"EGeneral:Permission denied"}',
    '{"err":"You do not have permission to read trades"}',
    '{"err":"Authentication failed"}',
    '{"err":"Unauthorized"}',
    '{"err":"signature verification failed"}',
]
ORDINARY = [
    "Internal error",
    "order key not found",
    "Invalid parameter: limit",
    "invalid market key: BTCX",
    "Unknown currency pair",
    "Address not in whitelist.",
    "UNAUTHORIZED_ETHEREUM_ADDRESS",
    "Invalid signature version",
    "insufficient balance",
    "invalid timestamp",
    "This key was not used in the request body: cursor",
    "EQuery:Unknown asset pair",
    "no trades for this account",
    "the api key owner has 12 trades",
]


@pytest.mark.parametrize("said", REFUSED)
def test_a_plain_refusal_of_the_key_stops_the_account(said: str) -> None:
    """A sentence that plainly speaks of key, signature, permission or address is no ordinary error."""
    found = failure(venue.ExchangeError(f"kraken {said}"), "kraken", {})
    assert (type(found.error), found.action, found.error.exit_code) == (CredentialsRefused, "pause_account", 5)


@pytest.mark.parametrize("said", ORDINARY)
def test_an_ordinary_error_does_not(said: str) -> None:
    """An account is not stopped because a word of its sentence also occurs in a refusal."""
    found = failure(venue.ExchangeError(f"kraken {said}"), "kraken", {})
    assert (type(found.error), found.action, found.tries) == (CallRejected, "disable", 3)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Invalid nonce", ClockSkew),
        ("Timestamp is outside of the recvWindow", ClockSkew),
        ("Too many requests", RateLimited),
    ],
)
def test_clock_and_pace_are_told_apart(said: str, kind: type[VenueError]) -> None:
    """The same goes for the clock and for a venue that asks to slow down."""
    assert type(failure(venue.ExchangeError(said), "kraken", {}).error) is kind


def test_a_class_that_says_more_is_believed() -> None:
    """A sentence never overrules a class that ccxt chose for it."""
    assert failure(venue.BadSymbol("invalid api key"), "kraken", {}).action == "archive"


def test_kraken_refuses_a_signature_over_http() -> None:
    """Its answer has no class of its own in ccxt; it is exit code 5, after one try."""

    async def work() -> tuple[MonitorError, int]:
        reply = Reply('{"error":["EAPI:Invalid signature"]}')
        async with running(lambda _asked: reply) as server, server.client("kraken") as client:
            with pytest.raises(CredentialsRefused) as caught:
                await client.call("fetch_my_trades")
            return caught.value, len(server.asked)

    error, asked = asyncio.run(work())
    assert (error.exit_code, asked) == (5, 1)


def test_no_page_is_in_a_message() -> None:
    """Tags, scripts and styles are left out, and what remains is cut; the address before it stays whole."""
    page = "<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><p>We will be back " + "soon " * 90
    address = "binance GET https://api.binance.com/api/v3/myTrades?signature=abc"
    found = failure(venue.ExchangeNotAvailable(f"{address} 502 Bad Gateway {page}"), "binance", {})
    assert "<" not in found.error.message
    assert "color" not in found.error.message
    assert "myTrades?*** 502 Bad Gateway We will be back soon" in found.error.message
    assert len(found.error.message) < 280


def test_the_answer_that_was_refused_is_kept() -> None:
    """A disabled stream keeps the body that did it for whoever looks, and its message says what happens next."""
    body = Body("GET", "x", 200, {}, '{"error":["EGeneral:Odd"]}')
    found = failure(venue.ExchangeError("kraken EGeneral:Odd"), "kraken", {}, body)
    assert found.raw == body.text
    assert "disabled and asked again with the nightly reading" in str(found.error)
