"""The file `monitor init` writes is true: it loads, it names every option, and its defaults are the defaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.rules import KEYS
from monitor.config.load import load_settings
from monitor.config.locate import shipped_file
from monitor.config.model import (
    AccountTable,
    AlertsTable,
    ChannelTable,
    CoinGeckoTable,
    FileTable,
    HeartbeatTable,
    LogTable,
    ScheduleTable,
    Table,
)
from monitor.config.settings import Schedule
from monitor.jobs.rules import alert_rules, check_file, load_checked
from monitor.records import Valuation

if TYPE_CHECKING:
    from pathlib import Path

TABLES: dict[str, type[Table]] = {
    "": FileTable,
    "accounts": AccountTable,
    "schedule": ScheduleTable,
    "channels": ChannelTable,
    "alerts": AlertsTable,
    "heartbeat": HeartbeatTable,
    "coingecko": CoinGeckoTable,
    "log": LogTable,
}
ENVIRONMENT = {
    **{name: f"value of {name}" for name in ("KRAKEN_KEY", "KRAKEN_SECRET", "OKX_PASSPHRASE")},
    "DESK_CHANNEL": "json://localhost",
    "COINGECKO_KEY": "value of COINGECKO_KEY",
    "HEARTBEAT_URL": "https://example.com/beat",
}
OPTION = re.compile(r"^(?:# )?(\w+) = ")


def example() -> str:
    """Return the text of the example file."""
    return shipped_file("monitor.example.toml").read_text()


def sections() -> dict[str, list[str]]:
    """Return the options each table of the example names, commented ones included."""
    found: dict[str, list[str]] = {"": []}
    here = ""
    for line in example().splitlines():
        if header := re.match(r"^(?:# )?\[+(\w+)", line):
            here = header[1]
            found.setdefault(here, [])
        elif option := OPTION.match(line):
            found[here].append(option[1])
    return found


def uncommented(folder: Path) -> str:
    """Return the example with every commented option in force, and the files it names in place."""
    (folder / "secrets").mkdir()
    for name in ("secrets/token", "secrets/twofa", "wallet"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o600)
    return re.sub(r"^# (?=\w+ = |\[)", "", example(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", TABLES)
def test_the_example_names_every_option(name: str) -> None:
    """An option nobody can find does not exist; nothing is named twice, nothing unknown."""
    expected = [field for field in TABLES[name].model_fields if name or field not in {*TABLES, "rules"}]
    assert sorted(sections()[name]) == sorted(expected)


def test_the_example_names_every_option_of_a_rule() -> None:
    """The same for rules, which may say a thing in several ways."""
    text = example()
    assert not [key for key in KEYS if not re.search(rf"\b{key}\b", text)]


def test_the_example_loads_and_says_the_defaults(tmp_path: Path) -> None:
    """What the example shows as default is what an empty file means."""
    path = tmp_path / "monitor.toml"
    path.write_text(example())
    settings = load_settings(path, ENVIRONMENT)
    assert settings.valuation == Valuation()
    assert settings.schedule == Schedule()
    assert [account.name for account in settings.accounts] == ["kraken-main"]
    assert settings.warnings == ()


def test_every_commented_option_of_the_example_is_right(tmp_path: Path) -> None:
    """Uncommenting a line must never be a mistake; the shown defaults are still the defaults."""
    path = tmp_path / "monitor.toml"
    path.write_text(uncommented(tmp_path))
    settings, complaints = check_file(path, ENVIRONMENT | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert complaints == ()
    assert settings is not None
    (account,) = settings.accounts
    assert len(account.credentials) == 10
    assert settings.valuation == Valuation()
    assert settings.channels == {"desk": "json://localhost"}
    assert [rule.name for rule in alert_rules(settings)] == [
        *("stalled", "slower-than-usual", "desk-slow:warning", "desk-slow:critical", "job-fails")
    ]


def test_the_demo_settings_load() -> None:
    """The demo desk's file needs no environment."""
    settings = load_checked(shipped_file("demo.toml"), {})
    assert settings.accounts == ()
    assert alert_rules(settings)
