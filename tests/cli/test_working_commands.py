"""The commands that work, as real processes: files in and out, venues that refuse, a database somebody else writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, SystemClock
from monitor.demo.desk import start_desk
from monitor.store.database import open_writer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Monitor

EVENTS = """\
time,account,kind,symbol,side,amount,price,fee,fee_asset,id
2026-01-01T00:00:00Z,a,trade,BTC/USD,buy,2,50000,,,1
2026-01-11T00:00:00Z,a,trade,BTC/USD,sell,1,60000,,,2
"""
WINDOW = ("--from", "2026-01-01", "--to", "2026-01-31", "-f", "json")


def test_an_events_file_answers_with_db_alone(monitor: Monitor, tmp_path: Path) -> None:
    """Import, ask, export, import again: no settings file anywhere, and nothing is added twice."""
    (tmp_path / "events.csv").write_text(EVENTS)
    assert monitor("--db", "x.db", "import", "events.csv").code == 0
    (asset,) = json.loads(monitor("--db", "x.db", "turnover", *WINDOW).out)["assets"]
    # 100,000 USD for ten days, then 50,000 for twenty.
    average = (100_000 * 10 + 50_000 * 20) / 30
    assert asset["average_inventory"] == pytest.approx(average, rel=1e-12)
    assert asset["turnover"] == pytest.approx(50_000 / average, rel=1e-12)
    assert monitor("--db", "x.db", "export", "out.csv").code == 0
    again = json.loads(monitor("--db", "x.db", "import", "out.csv", "-f", "json").out)
    assert (again["accepted"], again["duplicate"], again["stored"]) == (0, 2, True)


def test_a_bad_row_stores_nothing_and_names_its_line(monitor: Monitor, tmp_path: Path) -> None:
    """Exit 1, the line and the reason on standard error; --skip-bad stores the rest."""
    (tmp_path / "events.csv").write_text(EVENTS.replace(",sell,1,", ",sell,one,"))
    refused = monitor("--db", "x.db", "import", "events.csv")
    assert refused.code == 1
    assert "events.csv:3: " in refused.err
    assert "Nothing was stored" in refused.err
    assert json.loads(monitor("--db", "x.db", "fills", "-f", "json").out) == []
    assert monitor("--db", "x.db", "import", "events.csv", "--skip-bad").code == 0
    assert len(json.loads(monitor("--db", "x.db", "fills", "-f", "json").out)) == 1


KRAKEN = """\
"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"
"T1","O1","XXBTZUSD","2026-01-01 00:00:00.1234","buy","limit",50000.0,100000.0,0.0,2.0,0.0,"","L1,L2"
"T1","O1","XXBTZUSD","2026-01-01 00:00:00.1234","buy","limit",50000.0,100000.0,0.0,2.0,0.0,"","L1,L2"
"T2","O2","XXBTZUSD","2026-01-11 00:00:00","hold","limit",60000.0,60000.0,0.0,1.0,0.0,"","L3,L4"
"T3","O3","XXBTZUSD","2026-01-11 00:00:00","sell","limit",60000.0,60000.0,0.0,1.0,0.0,"","L5,L6"
"""


def test_a_dry_run_tells_every_line(monitor: Monitor, tmp_path: Path) -> None:
    """An export is known by its columns; what would become of each line is told, and nothing is stored."""
    (tmp_path / "trades.csv").write_text(KRAKEN)
    told = monitor("--db", "x.db", "import", "trades.csv", "--dry-run", "-f", "json")
    payload = json.loads(told.out)
    assert payload["lines"] == {"accepted": [2, 5], "duplicate": [3], "revised": [], "rejected": [4]}
    assert payload["rejected"][0]["reason"] == "side 'hold' is neither buy nor sell"
    assert (told.code, payload["stored"]) == (1, False)
    for line in ("Note: read as Kraken trades (kraken-trades).", "accepted: lines 2, 5", "rejected: lines 4"):
        assert line in told.err
    assert json.loads(monitor("--db", "x.db", "fills", "-f", "json").out) == []
    assert monitor("--db", "x.db", "import", "trades.csv", "--account", "main", "--skip-bad").code == 0
    assert len(json.loads(monitor("--db", "x.db", "fills", "-f", "json").out)) == 2


def test_the_presets_are_listed(monitor: Monitor) -> None:
    """Every preset with the columns it is known by, without a file or a database."""
    presets = json.loads(monitor("import", "--preset", "list", "-f", "json").out)["presets"]
    assert {"kraken-trades", "kraken-ledgers", "binance-trades", "koinly-universal"} < {
        one["preset"] for one in presets
    }


def test_an_import_takes_the_currency_of_the_settings_file(monitor: Monitor, tmp_path: Path) -> None:
    """And needs none of its secrets for that."""
    text = 'currency = "EUR"\n[[accounts]]\nname = "k"\nexchange = "kraken"\nsecret = { env = "NOT_SET" }\n'
    (tmp_path / "monitor.toml").write_text(text)
    (tmp_path / "events.csv").write_text(EVENTS.replace("BTC/USD", "BTC/EUR"))
    assert monitor("import", "events.csv").code == 0
    assert json.loads(monitor("turnover", *WINDOW).out)["currency"] == "EUR"


def test_a_database_somebody_writes_is_refused_by_name(monitor: Monitor, tmp_path: Path) -> None:
    """The second writer says who the first is; readers are not disturbed."""
    with open_writer(tmp_path / "x.db", holder="the first monitor"):
        ended = monitor("--db", "x.db", "rebuild")
        assert ended.code == 1
        assert "the first monitor" in ended.err
        assert "Traceback" not in ended.err
        assert monitor("--db", "x.db", "fills").code == 0


def test_a_wrong_key_ends_with_5(monitor: Monitor, tmp_path: Path) -> None:
    """The venue refuses the signature; one sentence says which account, and no byte of the secret."""
    now = SystemClock().now()
    with start_desk(1, (now - DAY) // DAY * DAY, SystemClock()) as running:
        account = next(account for account in running.accounts if account.exchange == "binance")
        (tmp_path / "monitor.toml").write_text(
            f'[[accounts]]\nname = "mine"\nexchange = "binance"\nendpoint = "{running.endpoint}"\n'
            f'api_key = "{account.credentials["apiKey"]}"\nsecret = "Canary5550123"\nsymbols = ["BTC/USDT"]\n'
        )
        ended = monitor("sync")
    assert ended.code == 5
    assert "mine" in ended.err
    assert "Traceback" not in ended.err
    assert "Canary5550123" not in ended.out + ended.err


def test_settings_with_mistakes_stop_every_working_command(monitor: Monitor, tmp_path: Path) -> None:
    """Before anything is opened or asked: exit 2 and the line."""
    (tmp_path / "monitor.toml").write_text('dust = "x"\n')
    for command in (["run"], ["sync"]):
        ended = monitor(*command)
        assert ended.code == 2
        assert "monitor.toml:1: dust" in ended.err
    assert not (tmp_path / "monitor.db").exists()
