"""Transfers and conversions of one millisecond that hand the same coins on, whatever order their ids suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.turnover.chains import levels
from tests.turnover.conftest import opened

if TYPE_CHECKING:
    from tests.turnover.conftest import Desk

PLACES = ("main", "second", "third")
RING = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]


def chain(desk: Desk, *hops: tuple[str, str], asset: str = "BTC") -> None:
    """Write transfers of one coin at noon of the second day, in this order of their ids."""
    for source, target in hops:
        desk.move(2.5, "transfer", "1", asset, account=source, to_account=target, received="1")


def held(desk: Desk, method: str = "fifo") -> dict[str, tuple[str, float]]:
    """Return quantity and basis of every account's pool at the end, as both computations have them."""
    tracks = desk.tracks(method)
    exact = {key[0]: pool.steps[-1] for key, pool in desk.exact(method, "account").pools.items()}
    found = {}
    for key, pool in tracks.pools.items():
        if key.scope == "account":
            last = opened(pool.track).row(-1, named=True)
            found[key.account] = (last["quantity"], last["inventory_cost"])
            assert last["estimated_time"] == last["estimated_cost"] == 0
            step = exact[key.account]
            assert (float(last["quantity"]), last["inventory_cost"]) == (float(step.quantity), float(step.cost))
    assert not tracks.findings
    return found


@pytest.mark.parametrize("hops", [[(0, 1), (1, 2)], [(1, 2), (0, 1)]])
def test_what_leaves_waits_for_what_comes(desk: Desk, hops: list[tuple[int, int]]) -> None:
    """The coin goes from the first account through the second to the third; nobody is thought to have held one."""
    desk.fill(1, "buy", "1", "BTC/USD", "100", account="main")
    chain(desk, *((PLACES[source], PLACES[target]) for source, target in hops))
    assert held(desk) == {"main": ("0", 0), "second": ("0", 0), "third": ("1", 100)}


@pytest.mark.parametrize("method", ["lifo", "hifo", "wac"])
def test_a_chain_beside_what_was_there(desk: Desk, method: str) -> None:
    """Of two coins in the second account the method gives one on: 100 came, 300 was there."""
    desk.fill(1, "buy", "1", "BTC/USD", "100", account="main")
    desk.fill(2, "buy", "1", "BTC/USD", "300", account="second")
    chain(desk, ("second", "third"), ("main", "second"))
    given = {"lifo": 300, "hifo": 300, "wac": 200}[method]
    assert held(desk, method) == {"main": ("0", 0), "second": ("1", 400 - given), "third": ("1", given)}


def test_conversions_follow_one_another(desk: Desk) -> None:
    """Old to new and new to newest within a millisecond keep the basis, whichever has the smaller id."""
    desk.fill(1, "buy", "1", "OLD/USD", "100")
    desk.move(2, "convert", "10", "NEW", to_asset="NEWEST", received="5")
    desk.move(2, "convert", "1", "OLD", to_asset="NEW", received="10")
    last = desk.last("NEWEST")
    assert (last["quantity"], last["inventory_cost"], last["estimated_cost"]) == (5, 100, 0)
    assert float(desk.exact().pools["", "NEWEST", "spot"].steps[-1].cost) == 100


def test_a_ring_starts_with_its_first(desk: Desk) -> None:
    """Where everybody waits for somebody the order of ids decides, and the rest follows."""
    chain(desk, *RING)
    rows = [{"matched_account": None, "to_asset": None, "sequence": None, **row} for row in desk.movements]
    assert levels(rows) == {2: 1, 3: 2, 4: 2}


def test_what_does_not_depend_keeps_its_order(desk: Desk) -> None:
    """Transfers of other instants, of other coins and to oneself are no chain."""
    chain(desk, ("b", "c"))
    chain(desk, ("a", "b"), asset="ETH")
    chain(desk, ("a", "a"))
    desk.move(3.5, "transfer", "1", "BTC", account="a", to_account="b", received="1")
    rows = [{"matched_account": None, "to_asset": None, "sequence": None, **row} for row in desk.movements]
    assert levels(rows) == {}
