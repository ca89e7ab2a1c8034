"""A good settings file becomes frozen settings with the spec's defaults."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, MINUTE, SECOND
from monitor.config.load import load_settings, read_settings
from monitor.config.locate import find_config, locate_database
from monitor.config.settings import Grouping
from monitor.errors import ConfigError
from monitor.records import Account, CoinGecko, Valuation

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = """
[[accounts]]
name = "main"
exchange = "kraken"
api_key = { env = "KEY" }
secret = { env = "SECRET" }
"""
ENVIRONMENT = {"KEY": "the-key", "SECRET": "the-secret"}


def written(folder: Path, text: str) -> Path:
    """Write a settings file readable by its owner alone."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return path


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """Nothing written means the documented defaults, and a database beside the file."""
    settings = load_settings(written(tmp_path, ""), {})
    assert settings.database == tmp_path / "monitor.db"
    assert settings.valuation == Valuation()
    assert (settings.schedule.fills, settings.schedule.delivery) == (MINUTE, 10 * SECOND)
    assert (settings.accounts, settings.rules, settings.channels) == ((), (), {})


def test_an_account_carries_its_credentials_under_ccxts_names(tmp_path: Path) -> None:
    """api_key becomes apiKey; everything else keeps its default."""
    settings = load_settings(written(tmp_path, ACCOUNT), ENVIRONMENT)
    expected = Account("main", "kraken", {"apiKey": "the-key", "secret": "the-secret"})
    assert settings.accounts == (expected,)


def test_every_account_option_reaches_the_record(tmp_path: Path) -> None:
    """Books, symbols, start, options, endpoint and the opt-in arrive as records.Account wants them."""
    more = """
books = ["spot", "linear"]
symbols = ["BTC/USD", "BTC/USDT:USDT"]
start = 1970-01-02
options = { uta = true }
endpoint = "http://127.0.0.1:8790/"
allow_unverified = true
"""
    (account,) = load_settings(written(tmp_path, ACCOUNT + more), ENVIRONMENT).accounts
    assert account.books == ("spot", "linear")
    assert account.symbols == ("BTC/USD", "BTC/USDT:USDT")
    assert (account.start, account.options) == (DAY, {"uta": True})
    assert (account.endpoint, account.allow_unverified) == ("http://127.0.0.1:8790", True)


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    """Settings can be logged: neither keys nor channel addresses show."""
    channel = '[channels.desk]\nurl = { env = "URL" }\n'
    environ = ENVIRONMENT | {"URL": "tgram://bottoken/chat"}
    shown = repr(load_settings(written(tmp_path, ACCOUNT + channel), environ))
    assert not [secret for secret in environ.values() if secret in shown]


def test_settings_are_frozen(tmp_path: Path) -> None:
    """Nobody changes a setting while the desk runs."""
    settings = load_settings(written(tmp_path, ""), {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.database = tmp_path  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "pegs", "cash"),
    [
        ("", Valuation().pegs, {"USD"}),
        ('currency = "EUR"', {}, {"EUR"}),
        ('currency = "EUR"\ncash = ["USDT"]\npegs = { USDT = 0.9 }', {"USDT": Decimal("0.9")}, {"EUR", "USDT"}),
    ],
    ids=["dollar", "euro", "explicit"],
)
def test_dollar_pegs_hold_for_the_dollar_alone(
    tmp_path: Path, text: str, pegs: dict[str, Decimal], cash: set[str]
) -> None:
    """A dollar coin is not worth one euro; the reporting currency is always cash."""
    valuation = load_settings(written(tmp_path, text), {}).valuation
    assert valuation.pegs == pegs
    assert cash <= valuation.cash


def test_rules_stay_tables(tmp_path: Path) -> None:
    """Rules are the alerts' business: the settings hand them on as written."""
    settings = load_settings(written(tmp_path, '[[rules]]\nname = "r"\nbelow = 2.0\n'), {})
    assert settings.rules == ({"name": "r", "below": 2.0},)


def test_an_absolute_database_path_stays(tmp_path: Path) -> None:
    """Only relative paths count from the settings file."""
    assert load_settings(written(tmp_path, 'database = "/var/lib/m.db"'), {}).database.as_posix() == "/var/lib/m.db"


def test_locating_the_database_agrees_with_loading(tmp_path: Path) -> None:
    """The quick way, which checks nothing else, finds the same file, even beside a mistake."""
    path = written(tmp_path, 'database = "data/desk.db"\nmethod = "fifoo"\n')
    assert locate_database(path) == tmp_path / "data" / "desk.db"
    path.write_text('database = "data/desk.db"\n')
    assert load_settings(path, {}).database == locate_database(path)


def test_the_settings_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, then $MONITOR_CONFIG, then ./monitor.toml, then the user's folder, then none."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "xdg"
    environ = {"XDG_CONFIG_HOME": str(home), "MONITOR_CONFIG": str(tmp_path / "named.toml")}
    places = [
        tmp_path / "given.toml",
        tmp_path / "named.toml",
        tmp_path / "monitor.toml",
        home / "monitor/monitor.toml",
    ]
    places[3].parent.mkdir(parents=True)
    for place in places:
        place.touch()
    without = {"XDG_CONFIG_HOME": str(home)}
    assert find_config(places[0], environ) == places[0]
    assert find_config(None, environ) == places[1]
    assert find_config(None, without) is not None
    places[2].unlink()
    assert find_config(None, without) == places[3]
    places[3].unlink()
    assert find_config(None, without) is None


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Falling back to another file would answer about another desk."""
    with pytest.raises(ConfigError, match=r"There is no settings file '.*nope\.toml'"):
        find_config(tmp_path / "nope.toml", {})


def test_a_public_id_or_a_rehearsal_key_may_stand_in_the_file(tmp_path: Path) -> None:
    """User ids are no secrets, and a key for a server on this machine opens nothing."""
    text = """
[[accounts]]
name = "a"
exchange = "kraken"
endpoint = "http://127.0.0.1:1"
secret = "x"
[[accounts]]
name = "b"
exchange = "kraken"
uid = "7"
"""
    settings, complaints = read_settings(written(tmp_path, text), {})
    assert settings is not None
    assert complaints == ()


def test_grouping_and_heartbeat(tmp_path: Path) -> None:
    """Messages leave singly and no switch is visited unless the file says so; the switch's address is a secret."""
    usual = load_settings(written(tmp_path, ""), {})
    assert (usual.grouping, usual.heartbeat) == (Grouping("none", 30 * SECOND), None)
    text = '[alerts]\ngroup_by = "rule"\ngroup_wait = "1m"\n[heartbeat]\nurl = { env = "BEAT" }\n'
    settings = load_settings(written(tmp_path, text), {"BEAT": "https://example.com/token"})
    assert settings.grouping == Grouping("rule", MINUTE)
    assert settings.heartbeat == "https://example.com/token"
    assert "https://example.com/token" in settings.secrets
    assert "token" not in repr(settings)


def test_coingecko_is_off_without_its_table_and_its_key_is_a_secret(tmp_path: Path) -> None:
    """The key shows in no repr and is on the list of what no log may hold."""
    assert load_settings(written(tmp_path, ""), {}).coingecko is None
    text = '[coingecko]\nkey = { env = "GECKO" }\nids = { WIF = "dogwifcoin" }\n'
    settings = load_settings(written(tmp_path, text), {"GECKO": "CG-key"})
    assert settings.coingecko == CoinGecko("CG-key", "demo", {"WIF": "dogwifcoin"})
    assert "CG-key" in settings.secrets
    assert "CG-key" not in repr(settings)


def test_a_coin_id_is_one_name(tmp_path: Path) -> None:
    """A list of coins for one asset would be a guess: it is refused, like a text that is no id."""
    for written_id in ('["dogwifcoin", "wif"]', '"dog wif"', '"a/../b"'):
        text = f'[coingecko]\nkey = {{ env = "GECKO" }}\nids = {{ WIF = {written_id} }}\n'
        settings, complaints = read_settings(written(tmp_path, text), {"GECKO": "CG-key"})
        assert settings is None
        assert ["coingecko.ids.WIF" in str(one) for one in complaints] == [True]


def test_a_heartbeat_that_is_no_web_address_is_refused(tmp_path: Path) -> None:
    """With its line, and without the address."""
    path = written(tmp_path, '\n[heartbeat]\nurl = { env = "BEAT" }\n')
    settings, complaints = read_settings(path, {"BEAT": "mailto://secret"})
    assert settings is None
    (told,) = map(str, complaints)
    assert told == f"{path}:3: heartbeat.url: a heartbeat goes to http:// or https://. Correct the address."
