"""`init`, `check` and `schema`: a new user's first three commands."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import monitor as package
from monitor.config.locate import shipped_file

if TYPE_CHECKING:
    from tests.cli.conftest import Monitor

KEYS = {"KRAKEN_KEY": "k", "KRAKEN_SECRET": "s"}


def test_init_writes_a_private_file_and_never_over_another(monitor: Monitor, tmp_path: Path) -> None:
    """0600, because sooner or later somebody writes a key into it."""
    first, second = monitor("init", "desk/my.toml"), monitor("init", "desk/my.toml")
    assert (first.code, first.out) == (0, "")
    assert "monitor -c desk/my.toml check" in first.err
    assert stat.S_IMODE((tmp_path / "desk" / "my.toml").stat().st_mode) == 0o600
    assert second.code == 2
    assert "desk/my.toml exists already." in second.err


def test_the_written_file_passes_the_check_once_its_keys_are_set(monitor: Monitor) -> None:
    """Without them both are named, with their lines and the command that sets them."""
    monitor("init")
    bad, good = monitor("check"), monitor("check", environ=KEYS)
    assert bad.code == 2
    assert bad.err.count("is not set. Set it: export KRAKEN_") == 2
    assert (good.code, good.err) == (0, "")
    assert "kraken-main (kraken)" in good.out


def test_check_tells_settings_and_rules_at_once(monitor: Monitor, tmp_path: Path) -> None:
    """A wrong currency and a wrong metric in one answer, in the order of the file, as text and as JSON."""
    (tmp_path / "monitor.toml").write_text('currency = "usd"\n[[rules]]\nname = "r"\nmetric = "turnovr"\nbelow = 1\n')
    ended = monitor("check")
    assert ended.code == 2
    assert [line.split(":")[2] for line in ended.err.splitlines()] == ["1", "4"]
    assert "turnover" in ended.err.splitlines()[1]
    answer = json.loads(monitor("check", "-f", "json").out)
    assert answer["ok"] is False
    assert [complaint["line"] for complaint in answer["complaints"]] == [1, 4]


def test_a_rule_for_a_channel_that_does_not_exist_is_a_mistake(monitor: Monitor, tmp_path: Path) -> None:
    """An alert nobody receives is worse than none."""
    rule = '[[rules]]\nname = "r"\nmetric = "turnover"\nbelow = 1.0\nnotify = ["dsk"]\n'
    (tmp_path / "monitor.toml").write_text(rule + '[channels.desk]\nurl = "json://localhost"\n')
    ended = monitor("check")
    assert ended.code == 2
    assert "dsk" in ended.err
    assert "desk" in ended.err


def test_a_channel_that_can_never_send_is_a_mistake(monitor: Monitor, tmp_path: Path) -> None:
    """It is told when the file is read, not when the first alert is due; the address itself is not repeated."""
    (tmp_path / "monitor.toml").write_text("[channels.desk]\nurl = { env = 'URL' }\n")
    ended = monitor("check", environ={"URL": "nosuchservice://Canary880/chat"})
    assert ended.code == 2
    assert "monitor.toml:2: channels.desk.url: " in ended.err
    assert "Canary880" not in ended.err


def test_a_warning_does_not_fail_the_check(monitor: Monitor, tmp_path: Path) -> None:
    """An inline secret is told, and the file is good."""
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nexchange = "kraken"\nsecret = "Canary"\n')
    ended = monitor("check")
    assert ended.code == 0
    assert "Warning: " in ended.err
    assert "Canary" not in ended.err + ended.out


def test_installed_away_from_the_clone_init_works_too(monitor: Monitor, tmp_path: Path) -> None:
    """A wheel carries config/ as monitor/config_files/, and nothing beside the package."""
    source = Path(package.__file__).parent
    installed = tmp_path / "site" / "monitor"
    shutil.copytree(source, installed, ignore=shutil.ignore_patterns("__pycache__", "config_files"))
    examples = shipped_file("monitor.example.toml").parent
    shutil.copytree(examples, installed / "config_files")
    ended = monitor("init", environ={"PYTHONPATH": str(tmp_path / "site")})
    assert ended.code == 0
    assert (tmp_path / "monitor.toml").read_text() == (examples / "monitor.example.toml").read_text()


def test_the_schema_names_every_table(monitor: Monitor) -> None:
    """For editors: an object that allows nothing unknown."""
    schema = json.loads(monitor("schema").out)
    assert {"accounts", "schedule", "channels", "rules", "log", "database"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
    assert "turnover" in schema["properties"]["rules"]["items"]["properties"]["metric"]["enum"]
