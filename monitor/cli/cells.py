"""How one value is written in a table: thousands grouped, money with two digits, instants in UTC, missing as a dash."""

from __future__ import annotations

from monitor.cli.output import Column

MISSING = "-"
SMALLEST = 0.01


def words(key: str, title: str, rank: int = 0) -> Column:
    """Return a column of text."""
    return Column(key, title, lambda row: word_text(row.get(key)), rank=rank)


def figures(key: str, title: str, rank: int = 0) -> Column:
    """Return a column of exact numbers, thousands separated, every digit kept."""
    return Column(key, title, lambda row: exact_text(row.get(key)), figure=True, rank=rank)


def money(key: str, title: str, rank: int = 0) -> Column:
    """Return a column of money, two digits after the point."""
    return Column(key, title, lambda row: money_text(row.get(key)), figure=True, rank=rank)


def instants(key: str, title: str, rank: int = 0) -> Column:
    """Return a column of instants to the second; the rows hold ISO 8601."""
    return Column(key, title, lambda row: moment_text(row.get(key)), rank=rank)


def word_text(value: object) -> str:
    """Return a text, yes or no of a truth value, a dash for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return MISSING if value is None else str(value)


def exact_text(value: object) -> str:
    """Return `12,345.678` of an exact decimal text; no digit is added or lost."""
    if value is None or value == "":
        return MISSING
    whole, point, rest = str(value).partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.strip("-").isdigit() and whole != "-0" else str(value)


def money_text(value: object) -> str:
    """Return `12,345.68`."""
    return f"{value:,.2f}" if isinstance(value, int | float) else MISSING


def ratio_text(value: object) -> str:
    """Return a ratio with two digits, three significant ones below 0.01."""
    if not isinstance(value, int | float):
        return MISSING
    return f"{value:,.2f}" if value == 0 or abs(value) >= SMALLEST else f"{value:.3g}"


def span_text(seconds: object) -> str:
    """Return a length of time in the unit that suits it: `12.00 s`, `3.50 min`, `7.25 h`, `69.03 d`."""
    if not isinstance(seconds, int | float):
        return MISSING
    for unit, length, most in (("s", 1, 60), ("min", 60, 3_600), ("h", 3_600, 86_400)):
        if seconds < most:
            return f"{ratio_text(seconds / length)} {unit}"
    return f"{seconds / 86_400:,.2f} d"


def moment_text(value: object) -> str:
    """Return `2026-01-31 08:00:00` of an ISO 8601 instant."""
    return str(value).replace("T", " ")[:19] if value else MISSING
