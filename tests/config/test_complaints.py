"""Every mistake in a settings file is told at once, each with line, key, value and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.config.load import load_settings, read_settings
from monitor.config.place import line_numbers
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.complaints import Complaint

ACCOUNT = '[[accounts]]\nname = "a"\nexchange = "kraken"\n'
MISTAKES: list[tuple[str, int, str, str | None, str]] = [
    # text, line, key, value, words of the message and the remedy
    ('databse = "x"', 1, "databse", None, 'Did you mean "database"?'),
    ("colour = 1", 1, "colour", None, "Known here: database, currency"),
    ('\n\ncurrency = "usd"', 3, "currency", '"usd"', 'For example: currency = "USD"'),
    ('method = "fifoo"', 1, "method", '"fifoo"', 'Did you mean "fifo"?'),
    ('method = "average"', 1, "method", '"average"', "this must be 'fifo', 'lifo', 'hifo', 'lofo' or 'wac'."),
    ("stale_after = 15", 1, "stale_after", "15", "text with a unit, not a number."),
    ('stale_after = "15 min"', 1, "stale_after", '"15 min"', "Write a number and a unit: 30s, 5m"),
    ('dust = "little"', 1, "dust", '"little"', "this must be a number, not text."),
    ("dust = -1", 1, "dust", "-1", "this must not be negative."),
    ("pegs = { USDT = 0 }", 1, "pegs.USDT", "0", "this must be greater than 0."),
    ('cash = "USD"', 1, "cash", '"USD"', "this must be a list in [ ], not text."),
    ("database = 5", 1, "database", "5", "this must be text in quotes, not a number."),
    ('[schedule]\nfill = "1m"', 2, "schedule.fill", None, 'Did you mean "fills"?'),
    ('[schedule]\nfills = "10ms"', 2, "schedule.fills", '"10ms"', "more than once a second."),
    ('[log]\nlevel = "loud"', 2, "log.level", '"loud"', "'debug', 'info', 'warning' or 'error'"),
    ("[channels.desk]", 1, "channels.desk.url", None, "this is required."),
    ('[channels.stdout]\nurl = "json://localhost"', 1, "channels.stdout", None, "is built in"),
    ('[[accounts]]\nexchange = "kraken"', 1, "accounts[0].name", None, "this is required."),
    ('[[accounts]]\nname = "a"\nexchange = "krakn"', 3, "accounts[0].exchange", '"krakn"', 'mean "kraken"?'),
    ('[[accounts]]\nname = "a"\nexchange = "Binance"', 3, "accounts[0].exchange", '"Binance"', 'mean "binance"?'),
    ('[[accounts]]\nname = "a b"\nexchange = "kraken"', 2, "accounts[0].name", '"a b"', "For example: name ="),
    (ACCOUNT + 'api_kye = "abc"', 4, "accounts[0].api_kye", None, 'Did you mean "api_key"?'),
    (ACCOUNT + "\n" + ACCOUNT, 6, "accounts[1].name", '"a"', "account 1 has this name already."),
    (ACCOUNT + 'books = ["spt"]', 4, "accounts[0].books[0]", '"spt"', 'Did you mean "spot"?'),
    (ACCOUNT + "books = []", 4, "accounts[0].books", None, "this list must not be empty."),
    (ACCOUNT + 'symbols = ["BTCUSD"]', 4, "accounts[0].symbols[0]", '"BTCUSD"', "is no market"),
    (ACCOUNT + 'start = "yesterday"', 4, "accounts[0].start", '"yesterday"', "is no instant"),
    (ACCOUNT + "start = 5", 4, "accounts[0].start", "5", "an instant is a date, not a number."),
    (ACCOUNT + 'endpoint = "https://x.com"', 4, "accounts[0].endpoint", '"https://x.com"', "on this machine"),
    (ACCOUNT + 'endpoint = "http://127.0.0.1.x.com"', 4, "accounts[0].endpoint", None, "on this machine"),
    (ACCOUNT + "secret = { evn = 'X' }", 4, "accounts[0].secret", None, 'Did you mean "env"?'),
    (ACCOUNT + "secret = { env = 'X', file = 'y' }", 4, "accounts[0].secret", None, "no source of a secret"),
    (ACCOUNT + "secret = 5", 4, "accounts[0].secret", None, "no source of a secret"),
    (ACCOUNT + "secret = { env = 'X' }", 4, "accounts[0].secret", None, "environment variable X is not set."),
    (ACCOUNT + 'allow_unverified = "no idea"', 4, "accounts[0].allow_unverified", None, "must be true or false"),
    (ACCOUNT + "[accounts.options]\nuta = true\n[shedule]", 6, "shedule", None, 'Did you mean "schedule"?'),
]


def complaints_about(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[Complaint, ...]:
    """Return what there is to say about a settings file with this text."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return read_settings(path, environ or {})[1]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake[0][-40:] for mistake in MISTAKES])
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, mistake: tuple[str, int, str, str | None, str]) -> None:
    """One mistake gives one complaint: its line, its key, its value unless secret, and what to write instead."""
    text, line, key, value, words = mistake
    (complaint,) = complaints_about(tmp_path, text)
    assert (complaint.line, complaint.key) == (line, key)
    assert value is None or complaint.value == value
    assert words in f"{complaint.message} {complaint.remedy}"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """A missing secret, a repeated name and wrong values appear together, in the order of the file."""
    text = f"dust = -1\n{ACCOUNT}secret = {{ env = 'X' }}\n{ACCOUNT}[log]\nlevel = 'loud'\n"
    keys = [complaint.key for complaint in complaints_about(tmp_path, text)]
    assert keys == ["dust", "accounts[0].secret", "accounts[1].name", "log.level"]


def test_the_error_has_one_line_for_each_mistake(tmp_path: Path) -> None:
    """Who asks for settings only gets the whole list as one ConfigError, which ends a command with 2."""
    path = tmp_path / "monitor.toml"
    path.write_text("dust = -1\ncolour = 1\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert caught.value.exit_code == 2
    assert str(caught.value).splitlines()[0] == f"{path} has 2 mistakes:"
    assert len(str(caught.value).splitlines()) == 1 + 2


@pytest.mark.parametrize(
    "line",
    [
        "api_key = 'Canary1'",
        "api_kye = 'Canary1'",
        "secret = ['Canary1']",
        "secret = { file = 'Canary1', b = 1 }",
        "secret = 870011",
    ],
)
def test_no_complaint_repeats_a_secret(tmp_path: Path, line: str) -> None:
    """A key with a misspelt name, or of the wrong kind, is still a key."""
    complaints = complaints_about(tmp_path, f"{ACCOUNT}{line}\nbooks = []\n[channels.d]\nurl = 870011\n")
    told = " ".join(str(complaint) for complaint in complaints)
    assert "channels.d.url" in told
    assert "Canary1" not in told
    assert "870011" not in told


def test_an_inline_secret_works_with_a_warning(tmp_path: Path) -> None:
    """It is the desk's decision, but it hears about the better way."""
    path = tmp_path / "monitor.toml"
    path.write_text(ACCOUNT + "secret = 'abc'\n[channels.d]\nurl = 'tgram://token/chat'\n")
    settings = load_settings(path, {})
    assert settings.accounts[0].credentials == {"secret": "abc"}
    assert [(w.severity, w.key) for w in settings.warnings] == [
        ("warning", "accounts[0].secret"),
        ("warning", "channels.d.url"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a = ", "not valid TOML: Invalid value (at end of document)"), (b"\xff", "not UTF-8 text")],
)
def test_a_file_that_is_no_toml_is_one_clear_error(tmp_path: Path, content: bytes, words: str) -> None:
    """Tomllib's own line and column are passed on."""
    path = tmp_path / "monitor.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_settings(path, {})
    assert words in str(caught.value)


def test_lines_are_found_through_arrays_of_tables_and_quoted_keys() -> None:
    """A table inside an array of tables belongs to its last element."""
    text = 'a.b = 1\n[[x]]\nk = 1\n[[x]]\n"k" = 2\n[x.o]\nz = 1\n[c."d.e"]\n'
    assert line_numbers(text) == {
        ("a", "b"): 1,
        ("x", 0): 2,
        ("x", 0, "k"): 3,
        ("x", 1): 4,
        ("x", 1, "k"): 5,
        ("x", 1, "o"): 6,
        ("x", 1, "o", "z"): 7,
        ("c", "d.e"): 8,
    }
