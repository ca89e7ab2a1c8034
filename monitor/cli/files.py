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
    from collections.abc import Sequence

    from monitor.jobs.interchange import ImportSummary

REFUSED = 1
# Enough to see what is wrong with a file; all of them are in the JSON answer.
SHOWN = 20
WRITABLE = click.Path(path_type=Path, dir_okay=False, writable=True)
FOLDER = click.Path(path_type=Path, file_okay=False, writable=True)
READABLE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """The files, how to read the events, and what to do with rows that cannot be read."""

    events: Path | None
    prices: Path | None
    preset: str | None
    mapping: Path | None
    account: str | None
    timezone: str | None
    skip_bad: bool
    dry_run: bool


@click.command("import", cls=DeskCommand)
@click.argument("events", type=READABLE, required=False)
@click.option("--prices", type=READABLE, metavar="FILE", help="Prices file: time,asset,price.")
@click.option("--preset", metavar="NAME", help="Another program's export; `--preset list` names them.")
@click.option("--mapping", type=READABLE, metavar="FILE", help="A TOML file with a mapping of your own.")
@click.option("--account", metavar="NAME", help="Whose rows an export has, where it does not tell.")
@click.option("--timezone", metavar="ZONE", help="Of an export's times: UTC, UTC+7, Europe/Berlin.")
@click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be read, and store the rest.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; store nothing.")
@gathered(ImportChoices)
def import_events(context: click.Context, chosen: ImportChoices) -> int:
    r"""Read an EVENTS file (CSV or Parquet) and measure it; the same file twice adds nothing.

    Exports of Kraken, Binance, Koinly and CoinTracking are known by their columns; --mapping reads others.
    Nothing is stored if a row cannot be read, unless --skip-bad is given. A fill that an exchange told too is one fill.

    \b
    Examples:
      monitor --db desk.db import events.csv --prices prices.csv
      monitor import events.csv --dry-run
      monitor import trades.csv --account main         (a Kraken export, for one)
    """
    if chosen.preset == "list":
        return _list_presets(choices_of(context).format)
    if chosen.events is None and chosen.prices is None:
        context.fail("Name an EVENTS file, --prices FILE, or both.")
    from monitor.jobs.interchange import Choice, Files
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
            Files(
                chosen.events,
                chosen.prices,
                Choice(chosen.preset, chosen.mapping, chosen.account, chosen.timezone),
            ),
            SystemClock().now(),
            skip_bad=chosen.skip_bad,
            dry_run=chosen.dry_run,
        )
    show(_listing(summary), choices.format)
    _tell(summary, chosen)
    return 0 if summary.stored or (chosen.dry_run and not summary.rejected) else REFUSED


def _list_presets(style: str) -> int:
    """Show the presets and the columns by which each is known."""
    from monitor.jobs.interchange import known_presets

    rows: list[dict[str, object]] = [
        {"preset": one.name, "title": one.title, "columns": ",".join(one.needs)} for one in known_presets()
    ]
    columns = [words("preset", "preset"), words("title", "of"), words("columns", "known by")]
    show(Listing("Presets", columns, rows, {"presets": rows}), style)
    return 0


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
    payload = counts | {"rejected": rejected, "notes": list(summary.notes), "lines": _lines(summary)}
    columns = [figures(name, name.replace("_", " ")) for name in counts if name != "stored"] + [
        words("stored", "stored")
    ]
    return Listing("Import", columns, [counts], payload)


def _lines(summary: ImportSummary) -> dict[str, list[int]]:
    """Return the lines of the events file by what became of them; those that are accepted in a dry run only."""
    return {
        "accepted": list(summary.accepted_lines),
        "duplicate": list(summary.duplicate),
        "revised": list(summary.revised),
        "rejected": [row.line for row in summary.rejected],
    }


def _spans(lines: Sequence[int]) -> str:
    """Return lines as ranges, `2-5, 9`.

    >>> _spans([2, 3, 4, 9])
    '2-4, 9'
    """
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _tell(summary: ImportSummary, chosen: ImportChoices) -> None:
    """Say on standard error which rows could not be read, and what that means."""
    for note in summary.notes:
        say(f"Note: {note}")
    for row in summary.rejected[:SHOWN]:
        say(f"{row.file}:{row.line}: {row.reason}")
    if len(summary.rejected) > SHOWN:
        say(f"... and {len(summary.rejected) - SHOWN} more; -f json lists all.")
    if chosen.dry_run:
        for what, lines in _lines(summary).items():
            if lines:
                say(f"{what}: lines {_spans(lines)}")
        say("Nothing was stored: this was a dry run.")
    elif not summary.stored:
        say("Error: Nothing was stored. Mend these rows, or leave them out with --skip-bad.")


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """Where to write."""

    events: Path | None
    prices: Path | None
    partitioned: Path | None


@click.command("export", cls=DeskCommand)
@click.argument("events", type=WRITABLE, required=False)
@click.option("--prices", type=WRITABLE, metavar="FILE", help="Also, or only, the prices.")
@click.option("--partitioned", type=FOLDER, metavar="FOLDER", help="Also, or only, Parquet by asset and book.")
@gathered(ExportChoices)
def export_events(context: click.Context, chosen: ExportChoices) -> None:
    r"""Write the ledger as an EVENTS file, CSV or (ending in .parquet) Parquet, that `import` reads again.

    What such a file cannot tell is said: pending movements, when a transfer arrived, which venue a price is of.

    --partitioned writes FOLDER/asset=BTC/book=spot/{fills,movements,prices}.parquet: all that computing one of them
    takes.

    \b
    Example: monitor export events.csv --prices prices.csv
    """
    if chosen.events is None and chosen.prices is None:
        if chosen.partitioned is None:
            context.fail("Name an EVENTS file, --prices FILE, --partitioned FOLDER, or several.")
        _export_partitions(context, chosen.partitioned)
        return
    from monitor.jobs.interchange import Files
    from monitor.jobs.interchange import export_events as write_files

    if chosen.partitioned is not None:
        _export_partitions(context, chosen.partitioned)
    with reading(context) as connection:
        summary = write_files(connection, Files(chosen.events, chosen.prices))
    for note in summary.notes:
        say(f"Note: {note}")
    say(f"Wrote {summary.events} events and {summary.prices} prices.")


def _export_partitions(context: click.Context, folder: Path) -> None:
    from monitor.jobs.scatter import export_partitions

    with reading(context) as connection:
        say(f"Wrote {export_partitions(connection, folder)} partitions.")
