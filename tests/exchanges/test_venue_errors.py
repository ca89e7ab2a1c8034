"""What each failure of ccxt and of the transport means, and that no secret is in a message."""

from __future__ import annotations

import aiohttp
import pytest
from ccxt.base import errors as venue

from monitor.errors import (
    AnswerUnreadable,
    CallRejected,
    ClockSkew,
    CredentialsRefused,
    MarketUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from monitor.exchanges.bodies import Body
from monitor.exchanges.errors import failure, redacted, treatment

CLASSES = [one for one in vars(venue).values() if isinstance(one, type) and issubclass(one, venue.BaseError)]
CREDENTIALS = {"apiKey": "AKIA-key-0001", "secret": "s/ecret+of the desk=="}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_ccxt_is_mapped(kind: type[Exception]) -> None:
    """No exception class of ccxt falls through to "misread"."""
    assert treatment(kind("x")).action != "quarantine"
    assert issubclass(treatment(kind("x")).error, VenueError)


@pytest.mark.parametrize(
    ("error", "kind", "action", "tries"),
    [
        (venue.RequestTimeout("x"), VenueUnavailable, "retry", 5),
        (venue.BadResponse("x"), VenueUnavailable, "retry", 5),
        (TimeoutError(), VenueUnavailable, "retry", 5),
        (aiohttp.ClientPayloadError("x"), VenueUnavailable, "retry", 5),
        (venue.OnMaintenance("x"), VenueUnavailable, "maintenance", 1),
        (venue.DDoSProtection("x"), RateLimited, "slow_down", 5),
        (venue.InvalidNonce("x"), ClockSkew, "resync", 2),
        (venue.PermissionDenied("x"), CredentialsRefused, "pause_account", 1),
        (venue.BadSymbol("x"), MarketUnknown, "archive", 1),
        (venue.ArgumentsRequired("x"), CallRejected, "disable", 1),
        (venue.ExchangeError("x"), CallRejected, "disable", 3),
        (KeyError("x"), AnswerUnreadable, "quarantine", 1),
        (TypeError("x"), AnswerUnreadable, "quarantine", 1),
    ],
)
def test_what_is_done(error: Exception, kind: type[VenueError], action: str, tries: int) -> None:
    """The table of what is done about each sign."""
    found = failure(error, "kraken", {})
    assert (type(found.error), found.action, found.tries) == (kind, action, tries)


@pytest.mark.parametrize(
    ("status", "action"), [(418, "slow_down"), (429, "slow_down"), (403, "pause_account"), (451, "pause_account")]
)
def test_the_status_overrules_the_class(status: int, action: str) -> None:
    """Ccxt maps 403 and 451 to a retryable class, and 429 sometimes to none."""
    assert failure(venue.ExchangeNotAvailable("x"), "kraken", {}, Body("GET", "x", status)).action == action


def test_a_cut_body_is_retried() -> None:
    """Ccxt raises its permanent class when the connection breaks inside a body."""
    error = venue.ExchangeError("x")
    error.__cause__ = aiohttp.ClientPayloadError("cut")
    assert failure(error, "kraken", {}).action == "retry"


def test_retry_after_is_kept() -> None:
    """What the venue asks for in seconds reaches the breaker; a date or nothing does not."""
    told = [
        failure(venue.RateLimitExceeded("x"), "k", {}, Body("GET", "x", 429, {"retry-after": text}))
        for text in ("7.5", "Wed")
    ]
    assert [getattr(one.error, "retry_after_seconds", 0) for one in told] == [7.5, None]


def test_no_secret_is_in_a_message() -> None:
    """Keys, secrets (URL-encoded too) and signed queries are blanked out, and the message stays short."""
    said = (
        "binance GET https://api.binance.com/api/v3/account?timestamp=1&signature=deadbeef AKIA-key-0001 "
        "s/ecret+of the desk== s%2Fecret%2Bof%20the%20desk%3D%3D signature=cafe" + " tail" * 200
    )
    text = redacted(said, CREDENTIALS)
    assert not any(word in text for word in ("AKIA", "ecret", "deadbeef", "cafe", "timestamp=1"))
    assert text.startswith("binance GET https://api.binance.com/api/v3/account?***")
    assert len(text) <= 303
