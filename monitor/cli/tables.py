"""Tables a desk reads: figures to the right, units in the header, plain text where no terminal looks on."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from rich.box import Box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.cli.output import Column, Listing

# A rule under the header and above the total, nothing else; ASCII, so that it survives every terminal and mail.
RULED = Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)
# Wide enough for any line: text for a file or a pipe is never cut.
UNLIMITED = 10_000


def table_text(listing: Listing) -> str:
    """Return the listing as text, plain unless it is for a terminal and NO_COLOR is not set."""
    terminal = Console(file=sys.stdout)
    columns = list(listing.columns)
    table = _table(listing, columns)
    while terminal.is_terminal and _width(table) > terminal.width and (spare := _spare(columns)):
        columns.remove(spare)
        table = _table(listing, columns)
    lines = io.StringIO()
    console = Console(
        file=lines,
        width=UNLIMITED,
        force_terminal=terminal.is_terminal and not terminal.no_color,
        highlight=False,
        emoji=False,
    )
    console.print(Text(f"{listing.title}\n", style="bold"))
    console.print(table, crop=False, no_wrap=True)
    return "\n".join(line.rstrip() for line in lines.getvalue().splitlines()) + "\n"


def _table(listing: Listing, columns: Sequence[Column]) -> Table:
    """Return the table of some columns; cells are Text, so that brackets in data are no markup."""
    table = Table(
        box=RULED, show_footer=listing.total is not None, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in columns:
        table.add_column(
            Text(column.title),
            Text(column.text(listing.total)) if listing.total is not None else "",
            justify="right" if column.figure else "left",
            no_wrap=True,
            vertical="bottom",
        )
    for row in listing.lines:
        table.add_row(*(Text(column.text(row)) for column in columns))
    return table


def _width(table: Table) -> int:
    """Return how wide a table wants to be, in characters."""
    return Measurement.get(Console(width=UNLIMITED), Console(width=UNLIMITED).options, table).maximum


def _spare(columns: Sequence[Column]) -> Column | None:
    """Return the column to leave out first, None if all must stay."""
    return max((column for column in columns if column.rank), key=lambda column: column.rank, default=None)
