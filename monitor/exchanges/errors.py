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

from monitor.errors import (
    AccessBlocked,
    AnswerUnreadable,
    CallRejected,
    ClockSkew,
    CredentialsRefused,
    MarketUnknown,
    MonitorError,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from monitor.exchanges.library import errors as venue

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
    """What is done about a class of failure: how often one call is tried in all, and then `action`."""

    error: type[VenueError]
    action: Action
    tries: int


UNAVAILABLE = Treatment(VenueUnavailable, "retry", 5)
SLOW_DOWN = Treatment(RateLimited, "slow_down", 5)
MAINTENANCE = Treatment(VenueUnavailable, "maintenance", 1)
RESYNC = Treatment(ClockSkew, "resync", 2)
REFUSED = Treatment(CredentialsRefused, "pause_account", 1)
# Three such answers pause the account: whoever collects counts them over calls and runs.
BLOCKED = Treatment(AccessBlocked, "pause_account", 1)
GONE = Treatment(MarketUnknown, "archive", 1)
WRONG = Treatment(CallRejected, "disable", 1)
REJECTED = Treatment(CallRejected, "disable", 3)
MISREAD = Treatment(AnswerUnreadable, "quarantine", 1)

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

# Classes that say nothing but "no": ccxt raises them for every answer it has no entry for (Kraken's "EAPI:Invalid
# signature" is one). Only of these is the venue's own sentence read. The patterns are narrow on purpose: an ordinary
# refusal taken for a bad key would stop the whole account.
VAGUE = frozenset({venue.BaseError, venue.ExchangeError, venue.BadRequest, venue.OperationRejected})
_KEY = r"((api|access) ?(key|token|sign)s?|apikeys?|(api ?)?signature|passphrase|credentials?|accesskey)"
_BAD = (
    r"(invalid|illegal|incorrect|wrong|bad|expired|disabled|deleted|revoked|mismatch(ed)?"
    r"|not (valid|found|exist|match))"
)
SENTENCES: tuple[tuple[re.Pattern[str], Treatment], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (rf"\b{_BAD} (api )?{_KEY}\b(?! *(version|method|type|name|expiration))|\bfailed to find {_KEY}\b", REFUSED),
        (rf"\b{_KEY}('?s)?( for this request)?( is| was| has| does| do| error|:)*( been)? ?{_BAD}\b", REFUSED),
        (r"\bsignature (verification |check |validation )?(error|fail(ed|ure)?)\b", REFUSED),
        (r"\bEAPI:Invalid key\b|\binvalid key\s*([\"'.\]}]|$)|\binvalid (sign|public key)\b", REFUSED),
        (r"\bauth(enticat(e|ion)|orization)? (has )?fail(ed|ure)?\b|\bnot authenticated\b", REFUSED),
        (r"\bunauthori[sz]ed\s*([\"'.,:\]}]|$)", REFUSED),
        (
            r"\b(insufficient|no|not enough|lacks?|missing|without)( the)?( api)?( key)? (permission|privilege)s?\b",
            REFUSED,
        ),
        (r"\bpermission denied\b|\bapi ?key\b.{0,40}\bpermissions?\b|\baccess denied\b|\bhave permission\b", REFUSED),
        (r"\bIP( address)?\b.{0,40}\b(white ?list|not (allowed|permitted|authori[sz]ed|trusted|bound))", REFUSED),
        (r"\b(invalid|illegal|untrusted|forbidden) ip\b|\bip (mismatch|forbidden|blocked)\b|\bip white ?list", REFUSED),
        (r"\b(invalid|bad|expired) nonce\b|\b(outside|exceeds?) (of )?(the )?recv ?window\b", RESYNC),
        (r"\btoo many requests\b|\brate limit (is )?(exceeded|reached)\b", SLOW_DOWN),
    )
)
# A venue's words in a message: enough to recognise them, and no whole page.
TEXT_LIMIT = 120
# An answer that is kept: enough for any error and for a page of rows.
RAW_LIMIT = 65_536

REMEDIES: dict[Action, str] = {
    "retry": "It will be tried again.",
    "slow_down": "Every account there waits.",
    "maintenance": "It is asked again in some minutes.",
    "resync": "Check this machine's clock (NTP).",
    "pause_account": "Check the key, its permissions and its address list at the venue.",
    "archive": "The market is no longer read.",
    "disable": "Its stream is disabled and asked again with the nightly reading; see `monitor findings`.",
    "quarantine": "The answer is kept for a look; please report it.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call: the error to raise, with the venue's own answer in it, and what is done about it."""

    error: VenueError
    action: Action
    tries: int

    @property
    def raw(self) -> str:
        """The venue's own answer, without secrets."""
        return self.error.raw


def treatment(error: BaseException, status: int = 0) -> Treatment:
    """Return what is done about an exception, given the HTTP status of the answer (0: none)."""
    if status in TOO_MANY:
        return SLOW_DOWN
    if status in NOT_LET_IN:
        return BLOCKED
    cause = error.__cause__
    if type(error) is venue.ExchangeError and isinstance(cause, aiohttp.ClientError):
        return UNAVAILABLE  # a cut body
    if type(error) in VAGUE and (told := meaning(str(error))):
        return told
    for parent in type(error).__mro__:
        if parent in TREATMENTS:
            return TREATMENTS[parent]
    return MISREAD


def meaning(said: str) -> Treatment | None:
    """Return what a venue's own sentence plainly says of key, clock or pace; None for any other."""
    # INVALID_SIGNATURE, InvalidSignature and "invalid-signature" are the same words.
    words = re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", plain_words(said))
    return next((what for sentence, what in SENTENCES if sentence.search(words)), None)


def failure(error: Exception, exchange: str, secrets: Mapping[str, str], body: Body | None = None) -> Failure:
    """Translate an exception into ours, with the value, the remedy and the venue's answer, and without secrets."""
    found = _translated(error, exchange, secrets, body)
    found.error.raw = veiled(body.text, secrets)[:RAW_LIMIT] if body else ""
    return found


def _translated(error: Exception, exchange: str, secrets: Mapping[str, str], body: Body | None) -> Failure:
    if isinstance(error, VenueUnavailable):  # an implausible answer
        return Failure(error, "retry", UNAVAILABLE.tries)
    if isinstance(error, VenueError):
        return Failure(error, "disable", 1)
    if isinstance(error, MonitorError):
        misread = AnswerUnreadable(f"{exchange}: {error.message}", REMEDIES["quarantine"])
        return Failure(misread, "quarantine", 1)
    status = body.status if body else 0
    what = treatment(error, status)
    said = redacted(str(error) or "no answer in time", secrets)
    kind = type(error).__name__
    text = f"{exchange}: {kind}{f' (HTTP {status})' if status else ''}: {said}"
    if what.error is RateLimited:
        wait = _retry_after(body.headers if body else {})
        return Failure(RateLimited(text, REMEDIES[what.action], wait), what.action, what.tries)
    return Failure(what.error(text, REMEDIES[what.action]), what.action, what.tries)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # absent, or a date: our own doubling is used


def plain_words(text: str) -> str:
    """Return a text without the tags, styles and scripts of an error page, on one line."""
    text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)", " ", text)
    return " ".join(re.sub(r"(?s)<[!/?a-zA-Z][^>]*(>|$)", " ", text).split())


def veiled(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text whole, but without credentials and without the queries of addresses.

    `secrets` are an account's credentials; each is looked for as written, in pieces of several lines and URL-encoded.
    """
    for secret in secrets.values():
        for piece in {secret, quote(secret, safe=""), *secret.split("\n"), *secret.split("\\n")}:
            if len(piece) >= 4:  # noqa: PLR2004 - shorter pieces would blank out ordinary words
                text = text.replace(piece, "***")
    text = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1?***", text)
    text = re.sub(r"(?i)(\"(signature|sign|api_?key|secret|passphrase)\"\s*:\s*)\"[^\"]*\"", r'\1"***"', text)
    return re.sub(r"(?i)\b(signature|sign|apikey|api_key|nonce|timestamp|recvwindow)=[^&\s'\"]+", r"\1=***", text)


def redacted(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text fit to show: no credential, no query of an address, no page; 120 characters after the address."""
    text = plain_words(veiled(text, secrets))
    address = re.match(r"(\S+ )?(GET|POST) https?://\S{1,150}", text)
    limit = TEXT_LIMIT + (address.end() if address else 0)
    return text if len(text) <= limit else f"{text[:limit]}..."
