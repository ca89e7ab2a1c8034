"""What the shell sees: data on standard output, talk on standard error, the promised exit codes, no traceback."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor.cli.app import COMMANDS
from monitor.cli.app import monitor as root
from monitor.cli.demo import FAULTS
from monitor.demo import faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Monitor

MISTAKES = [
    # arguments, exit code, words on standard error
    (["turnovr"], 2, "There is no command 'turnovr'. Did you mean \"turnover\"?"),
    (["turnover", "--windw", "7d"], 2, "No such option '--windw'"),
    (["turnover", "--window", "7 days"], 2, "'7 days' is no duration."),
    (["turnover", "--from", "yesterday"], 2, "'yesterday' is no instant."),
    (["fills", "-f", "xml"], 2, "'xml' is not one of 'table', 'json', 'csv'."),
    (["demo", "--fault", "none"], 2, "'none' is not one of"),
    (["fills"], 2, "There is neither a database nor a settings file."),
    (["check"], 2, "There is no settings file. Write one with `monitor init`"),
    (["-c", "no.toml", "fills"], 2, "There is no settings file 'no.toml'."),
    (["--db", "no.db", "fills"], 1, "There is no database at no.db."),
    (["--db", "/dev/null/x.db", "fills"], 1, "There is no database"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), MISTAKES, ids=[" ".join(m[0]) for m in MISTAKES])
def test_a_mistake_is_one_sentence_with_its_exit_code(
    monitor: Monitor, arguments: list[str], code: int, words: str
) -> None:
    """On standard error, with the remedy, and nothing on standard output."""
    ended = monitor(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_verbose_shows_where_a_failure_came_from(monitor: Monitor) -> None:
    """Before the command or after it; the sentence is still the last line."""
    for arguments in (["-v", "--db", "no.db", "fills"], ["--db", "no.db", "fills", "-v"]):
        ended = monitor(*arguments)
        assert "Traceback" in ended.err
        assert ended.err.splitlines()[-1].startswith("Error: There is no database at no.db.")


def test_a_database_of_another_program_is_refused(monitor: Monitor, tmp_path: Path) -> None:
    """A text file is no database: one sentence, exit 1."""
    (tmp_path / "notes.db").write_text("these are notes, not a database, and long enough to look like one" * 20)
    ended = monitor("--db", "notes.db", "fills")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_a_closed_pipe_ends_without_a_word(desk: Path) -> None:
    """`monitor fills | head -1` must not complain about head."""
    reader = subprocess.run([sys.executable, "-c", "pass"], check=True)
    assert reader.returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "--db", str(desk), "fills", "-f", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=30), told) == (141, b"")


def test_every_command_has_help_with_an_example() -> None:
    """The list of commands, which is written down to spare imports, leads to real commands."""
    context = root.make_context("monitor", ["schema"], resilient_parsing=True)
    for name, (place, _) in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None, place
        assert command.help
        assert "Example" in command.help, f"{name} has no example"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_global_options(name: str) -> None:
    """-c, --db, -f and -v work after every command."""
    context = root.make_context("monitor", ["schema"], resilient_parsing=True)
    command = root.get_command(context, name)
    assert command is not None
    options = {option for parameter in command.get_params(context) for option in parameter.opts}
    assert {"-c", "--config", "--db", "-f", "--format", "-v", "--verbose"} <= options


def test_the_demo_knows_the_faults_of_the_demo_desk() -> None:
    """The list is repeated so that `--help` does not start a server's imports."""
    assert set(FAULTS) == set(faults.FAULTS)


def test_version_and_help_end_well(monitor: Monitor) -> None:
    """Both answer on standard output."""
    assert monitor("--version").out.startswith("monitor 0.")
    ended = monitor("turnover", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "--window LENGTH" in ended.out
