"""Kraken's door: which requests pass, by key, signature and nonce, and who answers them.

What Kraken refuses it refuses at HTTP 200, with a text in `error`.
https://docs.kraken.com/exchange/guides/rest/authentication
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from monitor.demo.kraken_account import PRIVATE
from monitor.demo.kraken_market import PUBLIC
from monitor.demo.wire import Asked, Json, Refused, Venue

if TYPE_CHECKING:
    from collections.abc import Mapping

PATHS = frozenset(PUBLIC) | frozenset(PRIVATE)


def error(text: str) -> Refused:
    """Return a refusal in Kraken's shape."""
    return Refused(200, {"error": [text]})


def answer(venue: Venue, asked: Asked) -> tuple[Json, Mapping[str, str]]:
    """Return the body for a request; Kraken has no headers of its own.

    Raises:
        Refused: as the venue would.
    """
    public = PUBLIC.get(asked.path)
    if public is not None:
        return public(venue, asked.query), {}
    return PRIVATE[asked.path](venue, authenticate(venue, asked), asked.query), {}


def authenticate(venue: Venue, asked: Asked) -> str:
    """Return the account a signed request speaks for; its nonce must be greater than every one before."""
    key, nonce = asked.headers.get("API-Key", ""), asked.query.get("nonce", "")
    if key not in venue.keys:
        raise error("EAPI:Invalid key")
    account, secret = venue.keys[key]
    message = asked.path.encode() + hashlib.sha256((nonce + asked.body).encode()).digest()
    expected = base64.b64encode(hmac.new(base64.b64decode(secret), message, hashlib.sha512).digest()).decode()
    if not hmac.compare_digest(expected, asked.headers.get("API-Sign", "")):
        raise error("EAPI:Invalid signature")
    if not nonce.isdigit() or int(nonce) <= venue.nonces.get(key, 0):
        raise error("EAPI:Invalid nonce")
    venue.nonces[key] = int(nonce)
    return account
