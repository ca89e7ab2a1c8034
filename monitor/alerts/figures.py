"""How the numbers of a message are written: with their unit, in as many digits as decide something."""

from __future__ import annotations

from monitor.clock import DAY, HOUR, MINUTE, SECOND, iso

UNKNOWN = "unknown"
WHOLE_FROM = 1_000
SUFFIXES = {"turns": "x", "turns a year": "x a year", "share": " %", "count": "", "units": ""}


def plain_number(value: float) -> str:
    """Return a number: whole from a thousand on, two digits after the point from 1, three significant ones below."""
    if abs(value) >= WHOLE_FROM:
        return f"{value:,.0f}"
    if abs(value) >= 1 or value == 0:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.3g}"


def figure(value: float | None, unit: str, currency: str = "") -> str:
    """Return a value with its unit, `1.42x`, `12,300 USD`, `35 %`; `unknown` for None."""
    if value is None:
        return UNKNOWN
    if unit == "seconds":
        return span(round(value * SECOND))
    suffix = f" {currency}" if unit == "money" else SUFFIXES.get(unit, f" {unit}")
    number = plain_number(100 * value if unit == "share" else value)
    return f"{number}{suffix.rstrip('s') if number == '1' else suffix}".rstrip()


def span(milliseconds: int) -> str:
    """Return a length in its two greatest units, `2d 4h`, `35s`."""
    rest, words = milliseconds, []
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        count, rest = divmod(rest, length)
        if count:
            words.append(f"{count}{unit}")
        elif words:
            break
    return " ".join(words[:2]) or "0s"


def moment(instant: int) -> str:
    """Return an instant to the second, `2026-01-31 08:00:00 UTC`."""
    return f"{iso(instant)[:19].replace('T', ' ')} UTC"
