"""Binance's door: which requests pass, by key, signature, timestamp and weight, and who answers them.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from monitor.clock import MINUTE, SECOND
from monitor.demo import binance_account, binance_contracts, binance_market
from monitor.demo.binance_query import error, number
from monitor.demo.wire import Asked, Json, Query, Refused, Venue

if TYPE_CHECKING:
    from collections.abc import Mapping

PUBLIC = {**binance_market.PUBLIC, **binance_contracts.PUBLIC}
PRIVATE = {**binance_account.PRIVATE, **binance_contracts.PRIVATE}
PATHS = frozenset(PUBLIC) | frozenset(PRIVATE)
# The venue allows 6,000 a minute; the demo ten times that, because reading 90 days of it is no use of a venue.
WEIGHT_LIMIT = 60_000
WEIGHTS = {"/api/v3/myTrades": 20, "/api/v3/account": 20, "/api/v3/exchangeInfo": 20, "/api/v3/ticker/24hr": 4}
EARLY = SECOND  # a timestamp may be this far ahead of the venue
USUAL_WINDOW, WIDEST_WINDOW = 5 * SECOND, 60 * SECOND


def answer(venue: Venue, asked: Asked) -> tuple[Json, Mapping[str, str]]:
    """Return the body for a request and the headers that go with it.

    Raises:
        Refused: as the venue would.
    """
    headers = weigh(venue, asked.path)
    public = PUBLIC.get(asked.path)
    if public is not None:
        return public(venue, asked.query), headers
    account = authenticate(venue, asked)
    return PRIVATE[asked.path](venue, account, asked.query), headers


def weigh(venue: Venue, path: str) -> Mapping[str, str]:
    """Count the request's weight and return the header that tells it."""
    now = venue.time()
    minute = now // MINUTE
    used = venue.weights.get(minute, 0) + WEIGHTS.get(path, 2)
    venue.weights.clear()
    venue.weights[minute] = used
    if used > WEIGHT_LIMIT:
        wait = str((MINUTE - now % MINUTE) // SECOND + 1)
        raise too_many(wait)
    return {"X-MBX-USED-WEIGHT-1M": str(used)}


def too_many(wait_seconds: str) -> Refused:
    """Return the refusal of a client that asks too often."""
    message = f"Too much request weight used; current limit is {WEIGHT_LIMIT} request weight per 1 MINUTE."
    return Refused(429, {"code": -1003, "msg": message}, {"Retry-After": wait_seconds})


def authenticate(venue: Venue, asked: Asked) -> str:
    """Return the account a signed request speaks for."""
    key = asked.headers.get("X-MBX-APIKEY", "")
    if not key:
        raise error(-2014, "API-key format invalid.", 401)
    if key not in venue.keys:
        raise error(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    account, secret = venue.keys[key]
    signed, _, signature = (asked.raw_query + asked.body).rpartition("&signature=")
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise error(-1022, "Signature for this request is not valid.")
    check_timestamp(asked.query, venue.time())
    return account


def check_timestamp(query: Query, now: int) -> None:
    """Refuse a request from the future or from too long ago."""
    sent, window = number(query, "timestamp"), number(query, "recvWindow") or USUAL_WINDOW
    if sent is None:
        raise error(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    if window > WIDEST_WINDOW:
        raise error(-1131, "recvWindow must be less than 60000.")
    if sent >= now + EARLY:
        raise error(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window:
        raise error(-1021, "Timestamp for this request is outside of the recvWindow.")
