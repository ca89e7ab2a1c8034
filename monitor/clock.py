"""Instants, durations and windows.

Every instant is an integer of milliseconds since 1970-01-01 UTC, which is what exchanges send; every window is
half open, [start, end). Time comes in as an argument: only `SystemClock` reads the machine's clock.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from monitor.errors import UsageError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
# Digits that say a day, `20260131`, or, meant as a year or a month, no instant at all: never milliseconds.
DATE_DIGITS = re.compile(r"(19|20)\d{2}((0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?)?")
UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> int:
        """Return the present instant in milliseconds UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return the present instant in milliseconds UTC."""
        return time.time_ns() // 1_000_000


@dataclass
class FixedClock:
    """A clock that stands still until it is told otherwise: for tests and replays."""

    instant: int

    def now(self) -> int:
        """Return the instant it was set to."""
        return self.instant


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time [start, end) in milliseconds UTC, never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse an empty or reversed window."""
        if self.end <= self.start:
            raise UsageError(
                f"The window from {iso(self.start)} to {iso(self.end)} is empty.", "Give an end after its start."
            )

    @property
    def days(self) -> float:
        """Length in days of 86,400 seconds."""
        return (self.end - self.start) / DAY

    @property
    def milliseconds(self) -> int:
        """Length in milliseconds."""
        return self.end - self.start


def iso(instant: int) -> str:
    """Return an instant as ISO 8601 UTC with milliseconds, `2026-01-31T08:00:00.000Z`."""
    seconds, milliseconds = divmod(instant, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{milliseconds:03d}Z"


def parse_instant(text: str) -> int:
    """Read ISO 8601 (UTC unless it carries an offset) or epoch milliseconds.

    Fractions finer than a millisecond are cut, as exchanges do; eight digits that can be a day are one.

    Raises:
        UsageError: the text is neither.
    """
    text = text.strip()
    if re.fullmatch(r"-?\d+", text) and not DATE_DIGITS.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no instant.", "Write 2026-01-31, 2026-01-31T08:00:00Z or epoch milliseconds."
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond // 1_000


def parse_duration(text: str) -> int:
    """Read a duration such as 500ms, 30s, 5m, 12h, 7d or 2w into milliseconds (> 0).

    Raises:
        UsageError: the text is no positive number with one of these units.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*", text)
    if not match or (length := round(float(match[1]) * UNITS[match[2]])) <= 0:
        raise UsageError(f"{text!r} is no duration.", "Write a number and a unit: 30s, 5m, 12h, 7d, 2w.")
    return length


def duration_text(milliseconds: int) -> str:
    """Return the shortest exact writing of a duration: 90 minutes is `90m`, a week `7d`."""
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % UNITS[unit] == 0:
            return f"{milliseconds // UNITS[unit]}{unit}"
    return f"{milliseconds}ms"
