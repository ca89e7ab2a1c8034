"""The table of `monitor turnover`: what is missing says why, and the portfolio stands last."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor.cli.cells import exact_text, moment_text, money_text, ratio_text
from monitor.cli.output import csv_text
from monitor.cli.tables import table_text
from monitor.cli.turnover import turnover_listing

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.cli.output import Row
    from tests.cli.conftest import Monitor


def row(asset: str, status: str, turnover: float | None, days: float | None) -> Row:
    """Return one row of an answer, as far as the table reads it."""
    return {
        "asset": asset,
        "book": "spot",
        "account": None,
        "status": status,
        "turnover": turnover,
        "days_inventory": days,
        "relieved_basis": 1_234_567.891,
        "average_inventory": 0.5,
        "realised_pnl": -3.0,
        "fills": 12,
        "closing": {"quantity": "1.50000000001", "basis": 2.0},
    }


ANSWER: dict[str, object] = {
    "currency": "USD",
    "method": "fifo",
    "window": {"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-31T00:00:00.000Z", "days": 30.0},
    "portfolio": row("", "ok", 4.0, 7.5),
    "assets": [
        row("BTC", "ok", 12.0, 2.5),
        row("STUCK", "idle", 0.0, None),
        row("NONE", "no_inventory", None, None),
        row("FAST", "instantaneous", None, 0.0),
        row("ODD", "unpriced", None, None),
    ],
}


def table_lines(by_row: str) -> list[str]:
    """Return the words of one line of the table."""
    text = table_text(turnover_listing(ANSWER, "asset", "spot"))
    return next(line for line in text.splitlines() if line.startswith(by_row)).split("  ")


@pytest.mark.parametrize(
    ("asset", "cells"),
    [
        ("BTC", ["12.00", "2.50", "ok"]),
        ("STUCK", ["0.00", "> 30 d", "idle"]),
        ("NONE", ["no inventory", "-", "no_inventory"]),
        ("FAST", ["instantaneous", "0.00", "instantaneous"]),
        ("ODD", ["unpriced", "-", "unpriced"]),
        ("portfolio", ["4.00", "7.50", "ok"]),
    ],
)
def test_a_missing_number_is_its_status(asset: str, cells: list[str]) -> None:
    """Idle inventory has more days than the window; nothing missing is ever shown as 0."""
    found = [cell.strip() for cell in table_lines(asset) if cell.strip()]
    assert [found[1], found[2], found[-1]] == cells


def test_the_title_names_the_window_and_the_headers_the_units() -> None:
    """Every figure can be read without asking what it is."""
    lines = table_text(turnover_listing(ANSWER, "asset", "spot")).splitlines()
    assert lines[0] == ("Inventory turnover over 30 days, 2026-01-01 00:00:00 to 2026-01-31 00:00:00 UTC, fifo, spot")
    assert " ".join(lines[2].split()) == "turnover days of relieved average realised closing"
    assert " ".join(lines[3].split()) == "asset x inventory d basis USD inventory USD pnl USD units fills status"
    assert "1,234,567.89" in lines[5]
    assert lines[-1].startswith("portfolio")


def test_csv_holds_the_assets_with_full_figures() -> None:
    """No total among the rows, which would be counted twice; tables inside become columns."""
    lines = csv_text(turnover_listing(ANSWER, "asset", "spot")).splitlines()
    assert len(lines) == 1 + 5
    assert lines[0].endswith("closing_quantity,closing_basis")
    assert lines[1].endswith("1234567.891,0.5,-3.0,12,1.50000000001,2.0")


def test_by_account_each_account_has_its_total() -> None:
    """The assets of an account, then the account together, then the portfolio."""
    accounts = [{**row("", "ok", 1.0, 7.0), "account": name} for name in ("a", "b")]
    assets = [{**row(asset, "ok", 1.0, 7.0), "account": name} for asset in ("BTC", "ETH") for name in ("a", "b")]
    answer = ANSWER | {"assets": assets, "accounts": [{k: v for k, v in a.items() if k != "asset"} for a in accounts]}
    text = table_text(turnover_listing(answer, "account", "spot"))
    assert [line.split()[:2] for line in text.splitlines()[5:-2]] == [
        *(["a", "BTC"], ["a", "ETH"], ["a", "together"]),
        *(["b", "BTC"], ["b", "ETH"], ["b", "together"]),
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (exact_text("12345.6789"), "12,345.6789"),
        (exact_text("-0.5"), "-0.5"),
        (exact_text("0.000000000000000001"), "0.000000000000000001"),
        (exact_text(None), "-"),
        (money_text(-1234.5), "-1,234.50"),
        (money_text(None), "-"),
        (ratio_text(0.001234), "0.00123"),
        (ratio_text(0.0), "0.00"),
        (ratio_text(1234.5), "1,234.50"),
        (moment_text("2026-01-31T08:00:00.123Z"), "2026-01-31 08:00:00"),
    ],
)
def test_values_are_written_for_people(written: str, expected: str) -> None:
    """Exact amounts keep every digit, money has two, small ratios three that count."""
    assert written == expected


def seen_on_a_terminal(desk: Path, columns: int, environ: dict[str, str]) -> str:
    """Return what `monitor fills` writes to a terminal of some width."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "monitor", "--db", str(desk), "fills"],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        | {"TERM": "xterm", "COLUMNS": str(columns), **environ},
        timeout=60,
        check=True,
    )
    os.close(theirs)
    text = os.read(ours, 65_536).decode()
    os.close(ours)
    return text


def test_a_narrow_terminal_loses_the_least_columns_and_no_rows(desk: Path) -> None:
    """The trade id goes first; the amounts stay whole."""
    wide, narrow = (seen_on_a_terminal(desk, columns, {}) for columns in (200, 80))
    assert "trade id" in wide
    assert "trade id" not in narrow
    assert narrow.count("2026-01-0") == 3
    assert "12,345.678" in narrow


def test_no_color_is_obeyed(desk: Path) -> None:
    """https://no-color.org: with NO_COLOR not one escape code, on a terminal too."""
    assert "\x1b" in seen_on_a_terminal(desk, 120, {})
    assert "\x1b" not in seen_on_a_terminal(desk, 120, {"NO_COLOR": "1"})


def test_turnover_json_is_the_answer_whole(monitor: Monitor, desk: Path) -> None:
    """The keys of the machine-readable contract, nothing on standard error."""
    ended = monitor("turnover", "--db", desk, "-f", "json", "--as-of", "2026-01-10", "--window", "7d")
    answer = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert {"currency", "method", "scope", "as_of", "window", "portfolio", "assets", "unpriced", "findings"} <= set(
        answer
    )
    assert answer["window"]["to"] == "2026-01-10T00:00:00.000Z"
    assert answer["window"]["days"] == 7.0


def test_turnover_with_exit_code_ends_with_4_on_incomplete_data(monitor: Monitor, desk: Path) -> None:
    """Without the option the same answer ends with 0; the reasons are told either way."""
    plain, strict = monitor("--db", desk, "turnover"), monitor("--db", desk, "turnover", "--exit-code")
    assert (plain.code, strict.code) == (0, 4)
    assert "Warning: " in strict.err


def test_an_unknown_asset_is_a_usage_error(monitor: Monitor, desk: Path) -> None:
    """Not an empty table: a typo must not look like an asset at rest."""
    ended = monitor("--db", desk, "turnover", "BTCC")
    assert ended.code == 2
    assert "'BTC'" in ended.err
