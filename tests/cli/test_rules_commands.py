"""`rules list|check|backtest` as real processes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Monitor

# No secret of it is set: rules can be looked at anywhere.
GOOD = """\
[[accounts]]
name = "k"
exchange = "kraken"
secret = { env = "NOT_SET" }

[[rules]]
name = "still"
metric = "turnover"
asset = "*"
window = "2d"
below = 0.01
for = "6h"
keep_firing_for = "3h"

[[rules]]
name = "slow"
metric = "days_inventory"
scope = "portfolio"
window = "60d"
[[rules.levels]]
severity = "warning"
above = 10
[[rules.levels]]
severity = "critical"
above = 30

[[rules]]
name = "quiet"
metric = "stale"
"""
# Held from the 2nd, sold on the 4th and the 12th: in a window of two days it stands still in between.
EVENTS = """\
time,account,kind,symbol,side,amount,price,fee,fee_asset,id
2024-01-02T00:00:00Z,a,trade,BTC/USD,buy,3,100,,,1
2024-01-04T00:00:00Z,a,trade,BTC/USD,sell,1,110,,,2
2024-01-12T00:00:00Z,a,trade,BTC/USD,sell,1,110,,,3
"""


def test_list_says_when_each_rule_fires(monitor: Monitor, tmp_path: Path) -> None:
    """A rule with levels is one rule a level; the default clear is 10 % beyond: 0.011 and 9."""
    (tmp_path / "monitor.toml").write_text(GOOD)
    rows = json.loads(monitor("rules", "list", "-f", "json").out)
    assert [(row["name"], row["fires"]) for row in rows] == [
        ("still", "below 0.01x, clear at 0.011x"),
        ("slow:warning", "above 10 days, clear at 9 days"),
        ("slow:critical", "above 30 days, clear at 27 days"),
        ("quiet", "above 15m, clear at 13m 30s"),
    ]
    assert (rows[0]["for"], rows[1]["subjects"]) == ("6h", "portfolio")
    table = list(csv.DictReader(monitor("rules", "list", "-f", "csv").out.splitlines()))
    assert [row["severity"] for row in table] == ["warning", "warning", "critical", "warning"]
    assert "below 0.01x" in monitor("rules", "list").out


def test_check_names_file_line_and_the_near_word(monitor: Monitor, tmp_path: Path) -> None:
    """Every mistake at once, exit 2; the good file is good without its secrets."""
    (tmp_path / "monitor.toml").write_text(GOOD)
    good = monitor("rules", "check")
    assert (good.code, good.out) == (0, "monitor.toml has 4 good rules.\n")
    (tmp_path / "monitor.toml").write_text(GOOD.replace('"turnover"', '"turnovr"').replace("window", "windw", 1))
    wrong = monitor("rules", "check")
    assert wrong.code == 2
    lines = wrong.err.splitlines()
    assert 'monitor.toml:8: rules[0].metric = "turnovr"' in lines[0]
    assert "Did you mean 'turnover'?" in lines[0]
    assert "monitor.toml:10: rules[0].windw" in lines[1]
    told = json.loads(monitor("rules", "check", "-f", "json").out)
    assert (told["ok"], [one["line"] for one in told["complaints"]]) == (False, [8, 10])


@pytest.fixture
def history(monitor: Monitor, tmp_path: Path) -> Path:
    """Return the folder of a settings file and a database with three fills."""
    (tmp_path / "monitor.toml").write_text(GOOD)
    (tmp_path / "events.csv").write_text(EVENTS)
    assert monitor("--db", "monitor.db", "import", "events.csv").code == 0
    return tmp_path


def test_backtest_tells_when_each_rule_would_have_fired(monitor: Monitor, history: Path) -> None:
    """Nothing relieved first on the 2nd, the 6th and the 14th at 01:00; held for six hours.

    A sale and three hours end it.
    """
    assert history.is_dir()
    arguments = ("rules", "backtest", "--to", "2024-01-20", "--days", "19", "--rule", "still", "--rule", "quiet")
    ended = monitor(*arguments, "-f", "json")
    answer = json.loads(ended.out)
    assert [(one["subject"], one["began"][:13], (one["ended"] or "")[:13]) for one in answer["episodes"]] == [
        ("BTC", "2024-01-02T07", "2024-01-04T04"),
        ("BTC", "2024-01-06T07", "2024-01-12T04"),
        ("BTC", "2024-01-14T07", ""),
    ]
    assert (answer["evaluations"], answer["messages"], answer["left_out"]) == (19 * 24, {"still": 5}, ["quiet"])
    # From the 2nd 07:00 to the 4th 04:00 are 45 hours, from the 6th 07:00 to the 12th 04:00 are 141.
    mean = (45 + 141) / 2
    assert ended.err.splitlines() == [
        f"still: fired 3 times, {mean:.1f} hours on average where it ended; messages on each of its channels: 5.",
        "quiet: left out, it watches the monitor itself, which has no history.",
    ]
    rows = list(csv.DictReader(monitor(*arguments, "-f", "csv").out.splitlines()))
    assert [row["hours"] for row in rows] == ["45.0", "141.0", ""]
    assert "2024-01-06 07:00:00" in monitor(*arguments).out


def test_backtest_refuses_what_it_cannot_do(monitor: Monitor, history: Path) -> None:
    """An unknown rule with the near one, a step longer than the days."""
    assert history.is_dir()
    unknown = monitor("rules", "backtest", "--rule", "stil")
    assert (unknown.code, 'Did you mean "still"?' in unknown.err) == (2, True)
    step = monitor("rules", "backtest", "--days", "1", "--step", "2d")
    assert (step.code, "A step of 2d does not fit" in step.err) == (2, True)


def test_looking_at_alerts_imports_nothing_heavy() -> None:
    """Neither pydantic nor what counts: a person who is paged must not wait."""
    code = "import monitor.cli.alerts, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pydantic", "polars", "numpy", "numba", "ccxt", "sqlite_utils", "apprise"}.isdisjoint(loaded)
