"""The README tells the truth: its commands exist, its settings are valid, its two commands are those that run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.jobs.rules import check_file

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the README stays in the clone; a wheel has none")


def test_every_command_of_the_readme_exists() -> None:
    """Each `monitor WORD` in the README is a command of `monitor --help`."""
    known = subprocess.run([sys.executable, "-m", "monitor", "--help"], capture_output=True, text=True, check=True)
    commands = set(re.findall(r"^  (\w+)  ", known.stdout, re.MULTILINE))
    told = set(re.findall(r"(?:^    |`|\$ )monitor (?:--db \S+ )?([a-z]+)", README.read_text(), re.MULTILINE))
    assert told
    assert told - commands == set()


def test_the_settings_in_the_readme_are_valid(tmp_path: Path) -> None:
    """The TOML block passes the same check as `monitor check`."""
    block = re.search(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    path = tmp_path / "monitor.toml"
    path.write_text(block[1])
    _, complaints = check_file(path, {"KRAKEN_KEY": "key", "KRAKEN_SECRET": "c2VjcmV0"})
    assert complaints == ()


def test_the_two_commands_are_those_of_the_script() -> None:
    """The README's two commands are known to scripts/try.py."""
    told = set(re.findall(r"python3 scripts/try\.py (\w+)", README.read_text()))
    assert told == {"demo", "test"}
    script = (ROOT / "scripts" / "try.py").read_text()
    assert all(f'"{command}"' in script for command in told)
