"""Reading must be quick: what is heavy to import stays out of commands that only read."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("polars", "ccxt", "numba", "numpy", "pydantic", "aiohttp", "apprise", "apscheduler", "sqlite_utils", "rich")
# Runs the command line as the console script does, then says which heavy packages came with it.
PROBE = f"""
import sys
from monitor.cli.app import outcome
code = outcome(sys.argv[1:])
print("\\n" + ",".join(name for name in {HEAVY!r} if name in sys.modules))
sys.exit(code)
"""


def imported(*arguments: str) -> list[str]:
    """Return which heavy packages a command line imports; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return [name for name in done.stdout.splitlines()[-1].split(",") if name]


@pytest.mark.parametrize(
    "command",
    ["turnover BTC --window 7d", "fills BTC", "balances", "accounts", "findings", "gaps", "alerts list"],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_reading_commands_import_nothing_heavy(desk: Path, command: str, form: str) -> None:
    """Neither validators nor frames nor exchanges, nor tables where none is drawn."""
    assert imported("--db", str(desk), *command.split(), "-f", form) == []


def test_a_table_imports_rich_and_nothing_else(desk: Path) -> None:
    """The probe sees what it looks for."""
    assert imported("--db", str(desk), "fills") == ["rich"]


@pytest.mark.parametrize("arguments", [["--help"], ["turnover", "--help"], ["run", "--help"], ["demo", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help for the heaviest command is as light as the rest."""
    assert imported(*arguments) == []


def test_a_settings_file_does_not_bring_its_validator_along(desk: Path, tmp_path: Path) -> None:
    """The database's place is read with tomllib alone."""
    path = tmp_path / "monitor.toml"
    path.write_text(f'database = "{desk}"\n')
    assert imported("-c", str(path), "turnover", "-f", "json") == []
