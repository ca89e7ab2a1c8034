"""Fills without ids that two imported files of one account may both tell: they would count twice.

The same rows of the same export are known by their digest. Another program's export of the same time cuts the times or
rounds the fees, so that nothing tells whether two fills alike and within a minute are one: a person has to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import MINUTE, iso
from monitor.records import Finding
from monitor.store.findings import raise_finding, resolve

if TYPE_CHECKING:
    from monitor.store.database import Writer

CODE = "exports_overlap"
REMEDY = "Import one export for each stretch of time, or exports that tell the exchange's own ids."
COUNT = """
SELECT count(DISTINCT f.id), min(f.time_ms) FROM imports later
JOIN imports earlier ON earlier.account = later.account AND earlier.last_fill < later.first_fill
CROSS JOIN fills f ON f.id BETWEEN later.first_fill AND later.last_fill
CROSS JOIN fills o ON o.time_ms BETWEEN f.time_ms - ?2 AND f.time_ms + ?2
    AND o.id BETWEEN earlier.first_fill AND earlier.last_fill
WHERE later.account = ?1 AND f.account = ?1 AND o.account = ?1 AND f.trade_id IS NULL AND o.trade_id IS NULL
    AND f.source = 'file' AND o.source = 'file' AND o.book = f.book AND o.symbol = f.symbol AND o.side = f.side
    AND o.amount = f.amount AND o.price = f.price
"""


def check_exports(writer: Writer, account: str, now: int) -> int:
    """Raise, or take back, the finding about fills that two files may both tell; return how many of the later file."""
    count, first = writer.connection.execute(COUNT, [account, MINUTE]).fetchone()
    if not count:
        resolve(writer, CODE, account, now)
        return 0
    what = f"{count} fills of {account} without ids are like fills of an earlier import, within a minute;"
    message = f"{what} the first is of {iso(first)}. They may count twice."
    raise_finding(writer, Finding(CODE, account, message, REMEDY), now)
    return int(count)
