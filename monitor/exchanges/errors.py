"""What every failure of ccxt means to us, and what is done about it.

The class alone is no retry policy: ccxt maps HTTP 403 and 451 to a retryable class, and a cut body to a permanent one.
So the class, the HTTP status and the cause are judged together, here, and nowhere else. Texts of ccxt carry signed
addresses, so every message is redacted and the original exception is not chained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import quote

import aiohttp
from ccxt.base import errors as venue

from monitor.errors import (
    CallRejected,
    ClockSkew,
    CredentialsRefused,
    MarketUnknown,
    MonitorError,
    RateLimited,
    VenueError,
    VenueUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.exchanges.bodies import Body

# retry: after a pause. slow_down: every account of the venue waits. resync: set the clock, once. pause_account: stop
# this account. archive: the stream's market is gone. disable: the stream cannot work. quarantine: keep the raw body.
Action: TypeAlias = Literal[
    "retry", "slow_down", "maintenance", "resync", "pause_account", "archive", "disable", "quarantine"
]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done about a class of failure: how often the call is tried in all, and then `action`."""

    error: type[VenueError]
    action: Action
    tries: int


UNAVAILABLE = Treatment(VenueUnavailable, "retry", 5)
SLOW_DOWN = Treatment(RateLimited, "slow_down", 5)
MAINTENANCE = Treatment(VenueUnavailable, "maintenance", 1)
RESYNC = Treatment(ClockSkew, "resync", 2)
REFUSED = Treatment(CredentialsRefused, "pause_account", 1)
BLOCKED = Treatment(CredentialsRefused, "pause_account", 3)
GONE = Treatment(MarketUnknown, "archive", 1)
WRONG = Treatment(CallRejected, "disable", 1)
REJECTED = Treatment(CallRejected, "disable", 3)
MISREAD = Treatment(VenueUnavailable, "quarantine", 1)

TREATMENTS: dict[type[BaseException], Treatment] = {
    venue.BaseError: REJECTED,
    venue.ExchangeError: REJECTED,
    venue.AuthenticationError: REFUSED,
    venue.RestrictedLocation: REFUSED,
    venue.ArgumentsRequired: WRONG,
    venue.BadRequest: WRONG,
    venue.BadSymbol: GONE,
    venue.NotSupported: WRONG,
    venue.InvalidProxySettings: WRONG,
    venue.ExchangeClosedByUser: Treatment(VenueUnavailable, "retry", 1),
    venue.OperationFailed: UNAVAILABLE,
    venue.NetworkError: UNAVAILABLE,
    venue.DDoSProtection: SLOW_DOWN,
    venue.RateLimitExceeded: SLOW_DOWN,
    venue.OnMaintenance: MAINTENANCE,
    venue.InvalidNonce: RESYNC,
    # transport, below ccxt; our own deadline is a TimeoutError
    TimeoutError: UNAVAILABLE,
    aiohttp.ClientError: UNAVAILABLE,
    OSError: UNAVAILABLE,
}
TOO_MANY = frozenset({418, 429})
NOT_LET_IN = frozenset({403, 404, 451})
TEXT_LIMIT = 300

REMEDIES: dict[Action, str] = {
    "retry": "It will be tried again.",
    "slow_down": "Every account there waits.",
    "maintenance": "It is asked again in some minutes.",
    "resync": "Check this machine's clock (NTP).",
    "pause_account": "Check the key, its permissions and its address list at the venue.",
    "archive": "The market is no longer read.",
    "disable": "This kind of data is no longer asked for.",
    "quarantine": "The answer is kept for a look; please report it.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call: the error to raise, and what is done about it."""

    error: VenueError
    action: Action
    tries: int


def treatment(error: BaseException, status: int = 0) -> Treatment:
    """Return what is done about an exception, given the HTTP status of the answer (0: none)."""
    if status in TOO_MANY:
        return SLOW_DOWN
    if status in NOT_LET_IN:
        return BLOCKED
    cause = error.__cause__
    if type(error) is venue.ExchangeError and isinstance(cause, aiohttp.ClientError):
        return UNAVAILABLE  # a cut body
    for parent in type(error).__mro__:
        if parent in TREATMENTS:
            return TREATMENTS[parent]
    return MISREAD


def failure(error: Exception, exchange: str, secrets: Mapping[str, str], body: Body | None = None) -> Failure:
    """Translate an exception into ours, with the value and the remedy and without secrets."""
    if isinstance(error, VenueUnavailable):  # an implausible answer
        return Failure(error, "retry", UNAVAILABLE.tries)
    if isinstance(error, VenueError):
        return Failure(error, "disable", 1)
    if isinstance(error, MonitorError):
        return Failure(VenueUnavailable(f"{exchange}: {error.message}", REMEDIES["quarantine"]), "quarantine", 1)
    status = body.status if body else 0
    what = treatment(error, status)
    said = redacted(str(error) or "no answer in time", secrets)
    kind = type(error).__name__
    text = f"{exchange}: {kind}{f' (HTTP {status})' if status else ''}: {said}"
    if what.error is RateLimited:
        return Failure(
            RateLimited(text, REMEDIES[what.action], _retry_after(body.headers if body else {})),
            what.action,
            what.tries,
        )
    return Failure(what.error(text, REMEDIES[what.action]), what.action, what.tries)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # absent, or a date: our own doubling is used


def redacted(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text fit to show: no credential, no query of an address, no more than 300 characters.

    `secrets` are an account's credentials; each is looked for as written, in pieces of several lines and URL-encoded.
    """
    for secret in secrets.values():
        for piece in {secret, quote(secret, safe=""), *secret.split("\n"), *secret.split("\\n")}:
            if len(piece) >= 4:  # noqa: PLR2004 - shorter pieces would blank out ordinary words
                text = text.replace(piece, "***")
    text = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1?***", text)
    text = re.sub(r"(?i)\b(signature|sign|apikey|api_key|nonce|timestamp|recvwindow)=[^&\s'\"]+", r"\1=***", text)
    text = " ".join(text.split())
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}..."
