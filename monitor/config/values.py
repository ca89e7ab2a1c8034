"""The kinds of values a settings file may hold, each with the sentence that refuses a wrong one.

A validator raises ValueError with what is wrong; the field's example in `monitor.config.model` says what is right.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from monitor.clock import parse_duration, parse_instant
from monitor.config.complaints import did_you_mean
from monitor.config.secrets import KINDS, SecretSource, secret_source
from monitor.config.venues import known_exchanges
from monitor.errors import UsageError

# Where a wrong value stands in TOML, by the Python type tomllib makes of it.
TOML_NAMES = {str: "text", bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "a table"}


def _duration(written: object) -> int:
    """Return milliseconds of `5m`, `12h`, `7d`; a bare number has no unit and is refused."""
    if not isinstance(written, str):
        raise ValueError(f"a duration is text with a unit, not {toml_name(written)}.")  # noqa: TRY004 - pydantic collects ValueErrors only
    try:
        return parse_duration(written)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _interval(written: object) -> int:
    """Return a duration that a job can be repeated by: a second or more."""
    milliseconds = _duration(written)
    if milliseconds < 1_000:  # noqa: PLR2004 - the second named in the message
        raise ValueError("a job cannot run more than once a second.")
    return milliseconds


def _instant(written: object) -> int:
    """Return milliseconds UTC of a TOML date, a date-time or their text."""
    text = written.isoformat() if isinstance(written, date | datetime) else written
    if not isinstance(text, str):
        raise ValueError(f"an instant is a date, not {toml_name(written)}.")  # noqa: TRY004 - pydantic collects ValueErrors only
    try:
        return parse_instant(text)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _exchange(written: str) -> str:
    """Return a ccxt id; where ccxt cannot be found any text passes, and the first connection tells."""
    known = known_exchanges()
    if known and written not in known:
        raise ValueError(f"ccxt knows no exchange of this name. {did_you_mean(written, known)}".strip())
    return written


def _symbol(written: str) -> str:
    """Return a market as ccxt writes it."""
    if not re.fullmatch(r"[^/\s:]+/[^/\s:]+(:\S+)?", written):
        raise ValueError(f"{written!r} is no market: base and quote with a slash between them.")
    return written


def _endpoint(written: str) -> str:
    """Return the address of a server on this machine: keys must never be sent to a stranger's host."""
    if not re.fullmatch(r"https?://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/\S*)?", written):
        raise ValueError("an endpoint is on this machine (127.0.0.1, localhost, [::1]): it is sent the account's key.")
    return written.rstrip("/")


def toml_name(written: object) -> str:
    """Return what a value is called in TOML: text, a number, a list, a table."""
    return TOML_NAMES.get(type(written), "a date")


DURATION_SCHEMA = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*$"}
SECRET_SCHEMA = {
    "anyOf": [
        {"type": "string", "description": "The secret itself: works, with a warning."},
        *(
            {"type": "object", "properties": {k: {"type": "string"}}, "required": [k], "additionalProperties": False}
            for k in KINDS
        ),
    ]
}

Duration = Annotated[int, BeforeValidator(_duration), WithJsonSchema(DURATION_SCHEMA)]
Interval = Annotated[int, BeforeValidator(_interval), WithJsonSchema(DURATION_SCHEMA)]
Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema({"type": "string"})]
Secret = Annotated[SecretSource, BeforeValidator(secret_source), WithJsonSchema(SECRET_SCHEMA)]
Exchange = Annotated[str, AfterValidator(_exchange)]
Symbol = Annotated[str, AfterValidator(_symbol)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Method = Literal["fifo", "lifo", "hifo", "lofo", "wac"]
