"""Answers must come at once: reading them loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"polars", "ccxt", "numba", "numpy", "pydantic", "sqlite_utils", "apprise", "asyncio"}


@pytest.mark.parametrize("module", ["monitor.jobs.answer", "monitor.store.answers", "monitor.turnover.portfolio"])
def test_light_imports(module: str) -> None:
    """A fresh interpreter that imports the module has loaded none of them."""
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
