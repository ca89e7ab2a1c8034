"""A pool's tables in pieces: the rows of the whole tables, in their order, be the partition great or small."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from monitor.turnover import results
from monitor.turnover.track import PoolKey, recompute, recompute_by_part

if TYPE_CHECKING:
    from tests.turnover.conftest import Desk

TABLES = ("track", "segments", "lots", "reliefs")
# So many events make three segments of a pool, and of two pools at least as many.
EVENTS = 5_000


@pytest.mark.parametrize("moved", [False, True], ids=["one pool", "two pools"])
def test_pieces_are_the_tables(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, moved: bool) -> None:
    """Cut after 700 rows and one segment, the pieces of every table put together are the table."""
    for number in range(EVENTS):
        side, account = ("sell" if number % 3 == 2 else "buy"), "main" if number % 2 else "other"
        desk.fill(number, side, "1", "BTC/USD", "100", account=account)
    if moved:
        desk.move(0.5, "transfer", "1", "BTC", account="other", to_account="main", received="1", arrived_ms=86_400_000)
    monkeypatch.setattr(results, "PIECE", 700)
    monkeypatch.setattr(results, "SOME_SEGMENTS", 1)
    monkeypatch.setattr("monitor.turnover.track.PORTION", 1)  # every partition is a great one
    whole = recompute(*desk.frames(), desk.valuation).pools
    found = {
        key: pool for part in recompute_by_part(*desk.frames(), desk.valuation) for key, pool in part.pools.items()
    }
    assert set(found) == set(whole)
    assert PoolKey("account", "main", "BTC", "spot", "fifo") in found
    for key, pool in found.items():
        for table in TABLES:
            expected = getattr(whole[key], table)
            assert [*chain.from_iterable(pool.rows(table))] == expected.rows(), (key, table)
