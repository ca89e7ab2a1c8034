"""What other programs' exports write for numbers, assets, pairs and times, read exactly or refused.

An amount may carry its asset (`0.5BTC`), a pair may have no separator (BTCUSDT, XXBTZUSD), an asset may be a venue's
code (XXBT), a time may name no zone. Whatever can be read in two ways is refused: a guess would be a wrong row.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.clock import SECOND, parse_instant
from monitor.errors import MonitorError, UsageError
from monitor.interchange.symbols import ASSET
from monitor.interchange.values import LAST_INSTANT, decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from monitor.interchange.mapping import Mapping

GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
WITH_UNIT = re.compile(r"(?P<number>[+-]?[0-9][0-9,]*\.?[0-9]*)\s*(?P<unit>[^\s0-9.,+-].*)")
OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?P<sign>[+-]{1,2})(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2}))?")
# `Binance-Spot-Trade-History-202604201027(UTC+7).csv`; a minus is doubled there.
ZONE_IN_NAME = re.compile(r"\((UTC[^)]*)\)")
BONDED = re.compile(r"(?P<asset>[A-Z]+?)[0-9]{2}")
HAS_ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")


class Unclear(Exception):
    """A row that cannot be read; its text is the reason."""


def number(text: str, name: str) -> Decimal:
    """Return a number; commas are accepted only where they group thousands.

    Raises:
        Unclear: it is none.
    """
    plain = text.replace(",", "") if GROUPED.fullmatch(text) else text
    exact = decimal_text(plain)
    if exact is None:
        raise Unclear(f"{name} {text!r} is no decimal number")
    return Decimal(exact)


def with_unit(text: str, name: str, mapping: Mapping, expected: tuple[str, ...] = ()) -> tuple[Decimal, str | None]:
    """Return a number and the asset written behind it, None where there is none; `expected` assets are tried first.

    Raises:
        Unclear: it is no number, with or without an asset.
    """
    for unit in (*expected, *mapping.digits):
        if text.endswith(unit) and len(text) > len(unit) and (bare := text.removesuffix(unit).strip()):
            return number(bare, name), unit
    found = WITH_UNIT.fullmatch(text)
    if found is None or decimal_text(text) is not None:
        return number(text, name), None
    return number(found["number"], name), found["unit"].strip()


def asset(text: str, mapping: Mapping) -> str:
    """Return the asset a venue's code stands for.

    Raises:
        Unclear: it is no name of an asset.
    """
    code = mapping.assets.get(text, text)
    for suffix in mapping.suffixes:
        if code == text and text.endswith(suffix):
            whole = text.removesuffix(suffix)
            bonded = BONDED.fullmatch(whole)
            bare = bonded["asset"] if bonded else whole
            code = mapping.assets.get(bare, bare)
    if not re.fullmatch(ASSET, code):
        raise Unclear(f"{text!r} is no asset")
    return code


def pair(text: str, mapping: Mapping, units: tuple[str, str] = ("", "")) -> tuple[str, str]:
    """Return the assets of a pair, with or without separator, as the venue codes them.

    `units` are the amount and the total as written: where they carry their assets, these decide.

    Raises:
        Unclear: it can be cut in no way, or in several.
    """
    for separator in ("/", "-", "_"):
        base, found, quote = text.partition(separator)
        if found and base and quote and separator not in quote:
            return base, quote
    if units[0][-1:].isalpha() and units[1][-1:].isalpha():
        cuts = [(text[:at], text[at:]) for at in range(1, len(text)) if units[0].endswith(text[:at])]
        fitting = [cut for cut in cuts if all(_carries(*both) for both in zip(units, cut, strict=True))]
    else:
        fitting = _cuts(text, mapping)
    if len(fitting) != 1:
        ways = " or ".join("/".join(cut) for cut in fitting)
        raise Unclear(f"pair {text!r} can be {ways}" if ways else f"pair {text!r} has no quote asset that is known")
    return fitting[0]


def _carries(text: str, unit: str) -> bool:
    """Tell whether an amount is written in a unit."""
    return text.endswith(unit) and decimal_text(text.removesuffix(unit).strip().replace(",", "")) is not None


def _cuts(text: str, mapping: Mapping) -> list[tuple[str, str]]:
    """Return the ways to cut a pair; those that leave a listed asset come before all others."""
    every = [(text.removesuffix(quote), quote) for quote in mapping.quotes if text.endswith(quote) and text != quote]
    old = [(text.removesuffix(quote), quote) for quote in mapping.legacy if text.endswith(quote) and text != quote]
    listed = [cut for cut in (*every, *old) if cut[0] in mapping.assets]
    return listed or every


def moment(text: str, mapping: Mapping, zone: tzinfo) -> int:
    """Return an instant in one of the export's forms of time, in its zone; an ISO time with its own zone always.

    Raises:
        Unclear: it has none of these forms, or falls into the hour that clocks repeat.
    """
    for form in mapping.times:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007  the zone is put beside it below
        except ValueError:
            continue
        return _in_zone(read, UTC if form.endswith(("Z", "UTC")) else zone, text)
    if HAS_ZONE.search(text):
        try:
            return parse_instant(text)
        except MonitorError:
            pass
    raise Unclear(f"time {text!r} has none of the forms of {mapping.title}")


def _in_zone(read: datetime, zone: tzinfo, text: str) -> int:
    """Return an instant of a zone's clock."""
    early, late = (read.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early != late:
        raise Unclear(f"time {text!r} comes twice, or never, where clocks are changed; write it with its offset")
    instant = int(early.replace(microsecond=0).timestamp()) * SECOND + early.microsecond // 1_000
    if not 0 <= instant <= LAST_INSTANT:
        raise Unclear(f"time {text!r} is no instant of this age")
    return instant


def zone_of(text: str) -> tzinfo:
    """Return the zone a text names: `UTC`, `UTC+7`, `+05:30`, `Europe/Berlin`.

    Raises:
        UsageError: it names none.
    """
    if text.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    if found := OFFSET.fullmatch(text):
        shift = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
        if shift < timedelta(days=1):
            return timezone(-shift if "-" in found["sign"] else shift)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{text!r} is no time zone.", "Write UTC, UTC+7 or Europe/Berlin.") from None


def zones_in(name: str) -> Iterator[str]:
    """Yield the zones a file's name tells."""
    yield from ZONE_IN_NAME.findall(name)
