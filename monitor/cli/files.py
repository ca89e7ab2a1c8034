"""`import`, `export`: events files, in and out."""

# ruff: noqa: PLC0415 - reading and writing files brings polars, checking an asset's name must not

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import figures, words
from monitor.cli.options import DeskCommand, choices_of, database_of, gathered, valuation_in_force
from monitor.cli.output import Listing, say, show
from monitor.cli.reading import reading
from monitor.clock import SystemClock

if TYPE_CHECKING:
    from monitor.jobs.interchange import ImportSummary

REFUSED = 1
# Enough to see what is wrong with a file; all of them are in the JSON answer.
SHOWN = 20
WRITABLE = click.Path(path_type=Path, dir_okay=False, writable=True)
READABLE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """The files, and what to do with rows that cannot be read."""

    events: Path | None
    prices: Path | None
    skip_bad: bool
    dry_run: bool


@click.command("import", cls=DeskCommand)
@click.argument("events", type=READABLE, required=False)
@click.option("--prices", type=READABLE, metavar="FILE", help="Prices file: time,asset,price.")
@click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be read, and store the rest.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; store nothing.")
@gathered(ImportChoices)
def import_events(context: click.Context, chosen: ImportChoices) -> int:
    r"""Read an EVENTS file (CSV or Parquet) and measure it; the same file twice adds nothing.

    Nothing is stored if a row cannot be read, unless --skip-bad is given.

    \b
    Examples:
      monitor --db desk.db import events.csv --prices prices.csv
      monitor import events.csv --dry-run
    """
    if chosen.events is None and chosen.prices is None:
        context.fail("Name an EVENTS file, --prices FILE, or both.")
    from monitor.jobs.interchange import Files
    from monitor.jobs.interchange import import_events as read_files
    from monitor.store.database import open_writer
    from monitor.store.settings import save_valuation

    choices = choices_of(context)
    valuation = valuation_in_force(choices)
    with open_writer(database_of(choices), holder="monitor import") as writer:
        if valuation:
            save_valuation(writer, valuation)
        summary = read_files(
            writer,
            Files(chosen.events, chosen.prices),
            SystemClock().now(),
            skip_bad=chosen.skip_bad,
            dry_run=chosen.dry_run,
        )
    show(_listing(summary), choices.format)
    _tell(summary, chosen)
    return 0 if summary.stored or (chosen.dry_run and not summary.rejected) else REFUSED


def _listing(summary: ImportSummary) -> Listing:
    """Return what became of the rows."""
    counts: dict[str, object] = {
        "accepted": summary.accepted,
        "duplicate": len(summary.duplicate),
        "revised": len(summary.revised),
        "rejected": len(summary.rejected),
        "prices": summary.prices,
        "prices_known": summary.prices_known,
        "stored": summary.stored,
    }
    rejected = [{"file": str(row.file), "line": row.line, "reason": row.reason} for row in summary.rejected]
    payload = counts | {"rejected": rejected, "notes": list(summary.notes)}
    columns = [figures(name, name.replace("_", " ")) for name in counts if name != "stored"] + [
        words("stored", "stored")
    ]
    return Listing("Import", columns, [counts], payload)


def _tell(summary: ImportSummary, chosen: ImportChoices) -> None:
    """Say on standard error which rows could not be read, and what that means."""
    for note in summary.notes:
        say(f"Note: {note}")
    for row in summary.rejected[:SHOWN]:
        say(f"{row.file}:{row.line}: {row.reason}")
    if len(summary.rejected) > SHOWN:
        say(f"... and {len(summary.rejected) - SHOWN} more; -f json lists all.")
    if chosen.dry_run:
        say("Nothing was stored: this was a dry run.")
    elif not summary.stored:
        say("Error: Nothing was stored. Mend these rows, or leave them out with --skip-bad.")


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """Where to write."""

    events: Path | None
    prices: Path | None


@click.command("export", cls=DeskCommand)
@click.argument("events", type=WRITABLE, required=False)
@click.option("--prices", type=WRITABLE, metavar="FILE", help="Also, or only, the prices.")
@gathered(ExportChoices)
def export_events(context: click.Context, chosen: ExportChoices) -> None:
    r"""Write the ledger as an EVENTS file, CSV or (ending in .parquet) Parquet, that `import` reads again.

    \b
    Example: monitor export events.csv --prices prices.csv
    """
    if chosen.events is None and chosen.prices is None:
        context.fail("Name an EVENTS file, --prices FILE, or both.")
    from monitor.jobs.interchange import Files
    from monitor.jobs.interchange import export_events as write_files

    with reading(context) as connection:
        events, prices = write_files(connection, Files(chosen.events, chosen.prices))
    say(f"Wrote {events} events and {prices} prices.")
