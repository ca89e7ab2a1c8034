"""A new database for each test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import monitor
from monitor.records import Account
from monitor.store.database import open_writer
from monitor.store.ledger import register_account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    """Yield a writer with the accounts `main` (kraken), `other` (binance) and `paper` (imported files)."""
    with open_writer(path, holder="test") as opened:
        register_account(opened, Account("main", "kraken"), 1)
        register_account(opened, Account("other", "binance"), 1)
        register_account(opened, Account("paper", "file"), 1)
        yield opened


@pytest.fixture
def plain_user(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder of a user whom permissions bind (they do not bind root), and be that user meanwhile."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    # pytest's own folders are closed to others on the way down.
    for folder in (tmp_path, *(one for one in tmp_path.parents if one.name.startswith(("pytest-", "popen-")))):
        folder.chmod(0o755)
    os.chown(tmp_path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        if not os.access(monitor.__file__, os.R_OK, effective_ids=True):
            pytest.skip("the package lies in a folder that only root can read")
        yield tmp_path
    finally:
        os.seteuid(0)
