"""The commands that read: `--db FILE` alone is enough, and each form holds what the database holds."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import MINUTE
from monitor.records import Account, Batch, Quarantined, StreamKey
from monitor.store import streams
from monitor.store.database import open_writer
from monitor.store.ledger import commit_batch, register_account
from monitor.store.refusals import keep_answer
from monitor.store.runs import finish_run, start_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Monitor


def test_fills_are_exact_and_newest_first(monitor: Monitor, desk: Path) -> None:
    """Amounts are the stored text, fees each with their asset."""
    ended = monitor("--db", desk, "fills", "-f", "json")
    rows = json.loads(ended.out)
    assert [row["key"] for row in rows] == ["3", "2", "1"]
    assert rows[0]["amount"] == "12345.678"
    assert rows[0]["time"] == "2026-01-03T00:00:00.000Z"
    assert rows[1]["fees"] == [{"asset": "BTC", "amount": "0.00001"}]
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["ETH"], ["3"]),
        (["BTC"], ["3", "2", "1"]),
        (["ETH", "BTC", "--limit", "2"], ["3", "2"]),
        (["--from", "2026-01-02", "--to", "2026-01-03"], ["2"]),
        (["--account", "other"], []),
    ],
)
def test_fills_are_chosen_by_asset_time_and_account(
    monitor: Monitor, desk: Path, arguments: list[str], keys: list[str]
) -> None:
    """An asset matches as base and as quote; the end is exclusive; the limit keeps the newest."""
    ended = monitor("--db", desk, "fills", *arguments, "-f", "json")
    assert [row["key"] for row in json.loads(ended.out)] == keys


def test_csv_has_one_row_each_and_fees_as_in_an_events_file(monitor: Monitor, desk: Path) -> None:
    """A header, then rows; several fees would be joined by semicolons."""
    rows = list(csv.DictReader(monitor("fills", "--db", desk, "-f", "csv").out.splitlines()))
    assert [(row["fee"], row["fee_asset"]) for row in rows] == [("0.1", "BNB"), ("0.00001", "BTC"), ("0.1", "USD")]


def test_a_table_is_plain_where_no_terminal_looks_on(monitor: Monitor, desk: Path) -> None:
    """No escape codes, figures right-aligned and grouped, nothing cut however long the lines are."""
    ended = monitor("--db", desk, "fills")
    assert "\x1b" not in ended.out
    assert "12,345.678" in ended.out
    lines = ended.out.splitlines()
    ends = {line.index(word) + len(word) for line, word in zip(lines[4:7], ["12,345.678", "0.5", " 2"], strict=True)}
    assert len(ends) == 1


def test_global_options_work_before_and_after_the_command(monitor: Monitor, desk: Path) -> None:
    """`monitor -f json fills` and `monitor fills -f json` are the same; the last word wins."""
    before = monitor("-f", "json", "--db", desk, "fills")
    after = monitor("fills", "-f", "json", "--db", desk)
    both = monitor("-f", "csv", "--db", "elsewhere.db", "fills", "-f", "json", "--db", desk)
    assert before.out == after.out == both.out


def test_the_settings_file_names_the_database(monitor: Monitor, desk: Path, tmp_path: Path) -> None:
    """-c, or ./monitor.toml; its secrets are not needed to read, and not looked at."""
    text = f'database = "{desk}"\n[[accounts]]\nname = "a"\nexchange = "kraken"\nsecret = {{ env = "NOT_SET" }}\n'
    (tmp_path / "monitor.toml").write_text(text)
    assert len(json.loads(monitor("fills", "-f", "json").out)) == 3
    assert monitor("-c", "monitor.toml", "fills").code == 0
    assert monitor("fills", environ={"MONITOR_CONFIG": str(tmp_path / "monitor.toml")}).code == 0


def test_balances_say_when_they_were_true(monitor: Monitor, desk: Path) -> None:
    """Units exact, missing parts null, the instant of the look."""
    (row,) = json.loads(monitor("--db", desk, "balances", "-f", "json").out)
    assert row == {
        "account": "main",
        "asset": "BTC",
        "total": "1.5",
        "free": None,
        "used": None,
        "as_of": "2026-01-04T00:00:00.000Z",
    }


def test_accounts_findings_and_gaps(monitor: Monitor, desk: Path) -> None:
    """Each says what the store knows."""
    (account,) = json.loads(monitor("--db", desk, "accounts", "-f", "json").out)
    assert (account["account"], account["exchange"], account["tier"], account["open_gaps"]) == (
        "main",
        "kraken",
        "proven",
        1,
    )
    assert "proven" in monitor("--db", desk, "accounts").out
    (finding,) = json.loads(monitor("--db", desk, "findings", "-f", "json").out)
    assert (finding["code"], finding["remedy"]) == ("depeg", "Set a peg.")
    (gap,) = json.loads(monitor("--db", desk, "gaps", "-f", "json").out)
    assert (gap["account"], gap["from"]) == ("main", "2026-01-05T00:00:00.000Z")
    assert "a full page" in monitor("--db", desk, "gaps").out


def test_the_answers_that_stopped_a_stream_are_shown(monitor: Monitor, tmp_path: Path) -> None:
    """What a venue said, and rows that could not be read; `status` names the disabled stream and ends with 4."""
    stream = StreamKey("main", "fills", "spot", "BTC/USD")
    with open_writer(tmp_path / "a.db", holder="tests") as writer:
        register_account(writer, Account("main", "kraken"), 1)
        streams.mark(writer, stream, "paused", "EGeneral:Odd", 2)
        keep_answer(writer, stream, ("EGeneral:Odd", '{"error":["EGeneral:Odd"]}'), 2)
        odd = Quarantined(stream, "price is missing", '{"id":"7"}')
        commit_batch(writer, Batch(stream, quarantined=(odd,)), 3)
    told = json.loads(monitor("--db", tmp_path / "a.db", "findings", "--answers", "-f", "json").out)
    assert [(one["reason"], one["raw"]) for one in told] == [
        ("EGeneral:Odd", '{"error":["EGeneral:Odd"]}'),
        ("price is missing", '{"id":"7"}'),
    ]
    ended = monitor("--db", tmp_path / "a.db", "status")
    assert (ended.code, "1 disabled stream" in ended.err) == (4, True)


def test_status_ends_with_4_if_something_is_stale_or_missing(monitor: Monitor, desk: Path) -> None:
    """The account was last read long ago and has a gap: both are told, one line each."""
    ended = monitor("--db", desk, "status")
    assert ended.code == 4
    assert "Problem: account main was last read" in ended.err
    assert "Problem: account main has 1 gap in" in ended.err
    answer = json.loads(monitor("--db", desk, "status", "-f", "json").out)
    assert (answer["ok"], answer["fills"], len(answer["problems"])) == (False, 3, 2)


def test_status_tells_a_service_that_runs_and_does_nothing(monitor: Monitor, tmp_path: Path) -> None:
    """It holds the database, and its job last ended in 1970; once it is gone nothing says when it should run again."""
    database = tmp_path / "desk.db"
    with open_writer(database, holder="monitor run") as writer:
        for start in (0, MINUTE):
            finish_run(writer, start_run(writer, "alerts", start), start)
        ended = monitor("--db", database, "status")
        assert ended.code == 4
        assert "Problem: job alerts has ended no run for " in ended.err
        assert "(monitor run, since " in ended.err
    assert monitor("--db", database, "status").code == 0


def test_nothing_to_list_is_said_on_standard_error(monitor: Monitor, desk: Path) -> None:
    """A table without rows is no data; JSON is an empty list, CSV a header."""
    ended = monitor("--db", desk, "fills", "--account", "other")
    assert (ended.code, ended.out, ended.err) == (0, "", "No fills.\n")
    assert monitor("--db", desk, "fills", "--account", "other", "-f", "json").out == "[]\n"
    assert monitor("--db", desk, "fills", "--account", "other", "-f", "csv").out.startswith("time,account,symbol,")


def test_alerts_list_what_is_not_in_order(monitor: Monitor, desk: Path) -> None:
    """With --all the rest too; firing ends with 3 where a script asks for it."""
    (row,) = json.loads(monitor("--db", desk, "alerts", "list", "-f", "json").out)
    assert (row["state"], row["rule"], row["subject"], row["value"]) == ("firing", "stalled", "BTC", 0.4)
    assert row["since"] == "2026-01-01T00:00:00.000Z"
    everything = monitor("alerts", "--db", desk, "list", "--all", "-f", "json")
    assert [row["subject"] for row in json.loads(everything.out)] == ["BTC", "ETH"]
    assert everything.code == 0
    assert monitor("--db", desk, "alerts", "list", "--exit-code").code == 3
