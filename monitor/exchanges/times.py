"""The instant that a venue's own row states, in whatever unit or spelling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.clock import SECOND
from monitor.errors import AmountError
from monitor.exact import exact

if TYPE_CHECKING:
    from collections.abc import Mapping

# Before Bitcoin's first block, or after 2100: not an instant of a trade.
EARLIEST, LATEST = 1_230_768_000_000, 4_102_444_800_000
TIME_FIELDS = (
    "timestamp", "time", "ts", "executedAt", "tradeTime", "trade_time", "createTime", "create_time", "created_at",
    "createdAt", "created_time", "createdTime", "insertTime", "applyTime", "initiated_time", "event_time", "date",
    "datetime", "confirmed_at", "filledTime", "filledTm", "updated_at", "updatedAt", "finishTime",
)  # fmt: skip
# Whole units per second of a plain number, by its number of digits: seconds, milli-, micro- and nanoseconds.
UNITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}


def milliseconds(value: object, info: Mapping[str, object]) -> int | None:
    """Return the time of a row: ccxt's `value`, else the first that the venue's own row states; None without one."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Some of ccxt's classes hand on seconds as they are; as milliseconds they would lie in January 1970.
        return value * SECOND if EARLIEST <= value * SECOND < LATEST else value
    return next((time for field in TIME_FIELDS if (time := stated_time(info.get(field))) is not None), None)


def stated_time(value: object) -> int | None:
    """Return milliseconds of a number in seconds to nanoseconds, or of an ISO text with its zone; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        figure = exact(value)
    except AmountError:
        return _iso(str(value))
    unit = UNITS.get(len(str(int(abs(figure)))))
    return int(figure * SECOND / unit) if unit else None


def _iso(text: str) -> int | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without a zone it could be any hour of the day.
    return None if time.tzinfo is None else round(time.astimezone(UTC).timestamp() * SECOND)
