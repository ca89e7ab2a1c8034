"""The monitor as a person runs it: real processes, a database made by `import`, answers by `turnover -f json`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

# The calculator and the generator are modules of this folder; last, so that an installed monitor comes first.
sys.path.append(str(Path(__file__).parents[2]))

KEPT = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
Answer = dict[str, object]


@dataclass(frozen=True)
class Desk:
    """A folder with a database and files."""

    folder: Path

    def run(self, *arguments: object) -> str:
        """Return what a command prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "--db", "desk.db", *map(str, arguments)],
            cwd=self.folder,
            env={**KEPT, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def take(self, events: str, prices: str | None = None) -> Answer:
        """Import an events file, and a prices file where there is one."""
        (self.folder / "events.csv").write_text(events)
        more: list[object] = []
        if prices is not None:
            (self.folder / "prices.csv").write_text(prices)
            more = ["--prices", "prices.csv"]
        return cast("Answer", json.loads(self.run("import", "events.csv", *more, "-f", "json")))

    def turnover(self, start: object, end: object, *options: object) -> Answer:
        """Return the answer for a window."""
        return cast("Answer", json.loads(self.run("turnover", "--from", start, "--to", end, *options, "-f", "json")))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder."""
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A folder that the tests of one module share."""
    return Desk(tmp_path_factory.mktemp("desk"))
