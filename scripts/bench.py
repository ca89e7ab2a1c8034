"""Measure how fast and how large the monitor is, beside what a desk would use instead, and print one table.

    python scripts/bench.py [--fills 1e5,1e6,1e7] [--only SECTION,...] [--database FILE] [--json FILE]

Machines are noisy: every figure is the median of some runs with their range, and what matters is the ratio to
something else in the same run. Nothing here fails on a slow day; the exit code is 0 whatever misses its target.
Databases are made in the folder for temporary files (TMPDIR): of 1e7 fills one of nine gigabytes, in a quarter of an
hour, and 1e5,1e6 alone is a matter of minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import bench_daemon
import bench_memory
import bench_peers
import bench_stored
from bench_data import make
from bench_rows import Report, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench_data import Desk
    from bench_stored import Stored

IN_MEMORY = {"recompute": bench_memory.full, "methods": bench_memory.methods, "peers": bench_peers.peers}
# In this order: `page` and `late` change the database. Each of them needs the import.
ON_DATABASE = {
    "query": bench_stored.questions,
    "process": bench_stored.processes,
    "series": bench_stored.lines,
    "explain": bench_stored.explained,
    "peak": bench_stored.peak,
    "late": bench_stored.late,
    "page": bench_stored.page,
}
IMPORT, DAEMON = "import", "daemon"
SECTIONS = (*IN_MEMORY, IMPORT, *ON_DATABASE, DAEMON)


def main() -> None:
    """Run the sections for each number of fills, then print the table."""
    chosen = _options()
    report, begun = Report(), perf_counter()
    try:
        _run(chosen, report)
    finally:
        # Whatever ends a run early, what was measured until then is told.
        about = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"
        print(table(report.rows), f"\n{about}, {perf_counter() - begun:.0f} s in all.", sep="\n")
        if chosen.json:
            chosen.json.write_text(json.dumps({"about": about, "rows": report.records()}, indent=2) + "\n")


def _run(chosen: argparse.Namespace, report: Report) -> None:
    if DAEMON in chosen.only:
        bench_daemon.daemon(report)
    with TemporaryDirectory(prefix="bench-") as folder:
        smallest: Stored | None = None
        for count in chosen.fills if chosen.only != {DAEMON} else ():
            print(f"{count:,} fills, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
            desk = make(count)
            bench_memory.warm_up(desk, report)
            for name, section in IN_MEMORY.items():
                if name in chosen.only:
                    section(desk, report)
            if chosen.only & {IMPORT, *ON_DATABASE}:
                stored = _stored(desk, chosen.database, Path(folder) / str(count), report)
                _on_database(stored, smallest, chosen.only, report)
                smallest = smallest or stored


def _stored(desk: Desk, database: Path | None, folder: Path, report: Report) -> Stored:
    if database is not None:
        return bench_stored.found(desk, database)
    folder.mkdir()
    return bench_stored.build(desk, folder, report)


def _on_database(stored: Stored, smallest: Stored | None, only: set[str], report: Report) -> None:
    if "query" in only and smallest:
        bench_stored.against(smallest, stored, report)
    for name, section in ON_DATABASE.items():
        if name in only:
            section(stored, report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--fills", type=_counts, default=_counts("1e5,1e6,1e7"), help="numbers of fills [default: %(default)s]"
    )
    parser.add_argument("--only", type=_sections, default=set(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="a database that the desk of this many fills (one number) was imported into before, instead of a new one;"
        " the sections late and page change it",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    chosen = parser.parse_args()
    if chosen.database and len(chosen.fills) > 1:
        parser.error(f"--database {chosen.database} holds the fills of one desk: name their number with --fills.")
    return chosen


def _counts(text: str) -> Sequence[int]:
    return [int(float(part)) for part in text.split(",")]


def _sections(text: str) -> set[str]:
    found = set(text.split(","))
    if unknown := sorted(found - set(SECTIONS)):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is no section; there are {', '.join(SECTIONS)}")
    return found


if __name__ == "__main__":
    main()
