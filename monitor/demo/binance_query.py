"""How Binance reads a query, and the words in which it refuses one."""

from __future__ import annotations

from monitor.clock import HOUR
from monitor.demo.markets import BY_ID, Market
from monitor.demo.wire import Query, Refused


def error(code: int, message: str, status: int = 400) -> Refused:
    """Return a refusal in Binance's shape."""
    return Refused(status, {"code": code, "msg": message})


def market_asked(query: Query) -> Market:
    """Return the market a query names."""
    if not query.get("symbol"):
        raise error(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    market = BY_ID.get(("binance", query["symbol"]))
    if market is None:
        raise error(-1121, "Invalid symbol.")
    return market


def number(query: Query, name: str) -> int | None:
    """Return an integer parameter, None if it was not sent."""
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise error(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def page(query: Query, usual: int = 500, most: int = 1000) -> int:
    """Return how many rows were asked for; more than the most is the most."""
    return min(number(query, "limit") or usual, most)


def span(query: Query, longest: int, now: int) -> tuple[int, int]:
    """Return the first and the last instant asked for; one that was not sent is as far from the other as allowed."""
    start, end = number(query, "startTime"), number(query, "endTime")
    if start is None:
        end = now if end is None else end
        return end - longest, end
    if end is not None and end - start > longest:
        raise error(-1127, f"More than {longest // HOUR} hours between startTime and endTime.")
    return start, start + longest if end is None else end
