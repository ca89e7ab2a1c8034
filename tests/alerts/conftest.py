"""A new database for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.store.database import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened
