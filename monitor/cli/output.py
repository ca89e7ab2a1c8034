"""Data on standard output, talk on standard error: one listing, shown as a table, as JSON or as CSV.

Only the table needs rich; JSON and CSV must not wait for it.
"""

# ruff: noqa: PLC0415 - rich is imported where a table is drawn

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

# As a shell reports a program that a closed pipe ended.
PIPE_CLOSED = 141
# The exit code of an answer whose data are stale or partial.
STALE_OR_PARTIAL = 4
# Findings of one kind that are told each by itself, and names told in one line.
EACH_BY_ITSELF = 3
LISTED = 10
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    `key` is the row's key, `title` the header with the unit, `figure` aligns right. `text` writes a value. `rank` above
    0 may be left out where the terminal is narrow, the highest first; CSV and JSON leave out nothing.
    """

    key: str
    title: str
    text: Callable[[Row], str]
    figure: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a command answers: `payload` for JSON, `rows` for CSV and for the table's columns.

    `total` is the table's last row, set apart. `in_table` are the table's rows where they are not those of the CSV.
    `empty` is said where there are no rows.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    payload: object
    total: Row | None = None
    in_table: Sequence[Row] | None = None
    empty: str = "Nothing here."

    @property
    def lines(self) -> Sequence[Row]:
        """Return the rows of the table."""
        return self.rows if self.in_table is None else self.in_table


def show(listing: Listing, form: str) -> None:
    """Write a listing to standard output in the form asked for."""
    if form == "json":
        emit(json.dumps(listing.payload, indent=2, ensure_ascii=False) + "\n")
    elif form == "csv":
        emit(csv_text(listing))
    elif not listing.lines and listing.total is None:
        say(listing.empty)
    else:
        from monitor.cli.tables import table_text

        emit(table_text(listing))


def csv_text(listing: Listing) -> str:
    """Return the rows as CSV: every field, nested ones as `opening_quantity`, missing empty."""
    flat = [dict(_flat(row)) for row in listing.rows]
    names = list(dict.fromkeys(name for row in flat for name in row)) or [column.key for column in listing.columns]
    lines = io.StringIO()
    writer = csv.DictWriter(lines, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return lines.getvalue()


def _flat(row: Row, before: str = "") -> list[tuple[str, object]]:
    """Return (name, value) pairs with tables inside tables joined by an underscore and lists as JSON."""
    pairs: list[tuple[str, object]] = []
    for name, value in row.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{before}{name}_")
        else:
            pairs.append((before + name, json.dumps(value) if isinstance(value, list | bool) else value))
    return pairs


def emit(text: str) -> None:
    """Write data; where the reader has gone (`| head`) stop without a word."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(PIPE_CLOSED) from None


def say(text: str) -> None:
    """Write talk, to standard error."""
    click.echo(text, err=True)


def say_findings(findings: Iterable[Mapping[str, str]]) -> None:
    """Say findings on standard error, a line each; more than three that differ in their subject alone are one line."""
    kinds: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for finding in findings:
        kinds.setdefault((finding["code"], finding["severity"], finding["remedy"]), []).append(finding)
    for (_, severity, remedy), alike in kinds.items():
        one_line = len(alike) > EACH_BY_ITSELF
        for finding in alike[:1] if one_line else alike:
            more = f"So it is with {len(alike) - 1} more: {_named(alike[1:])}." if one_line else ""
            say(" ".join(part for part in (f"{severity.capitalize()}: {finding['message']}", more, remedy) if part))


def _named(findings: Sequence[Mapping[str, str]]) -> str:
    """Return the subjects of findings, as many as a line takes."""
    names = [finding["subject"] for finding in findings]
    return ", ".join(names[:LISTED]) + (" and others" if len(names) > LISTED else "")
