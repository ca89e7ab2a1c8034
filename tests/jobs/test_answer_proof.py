"""What is proven complete, and which numbers a hole makes partial."""

from __future__ import annotations

import pytest

from monitor.clock import MINUTE, Window
from monitor.jobs.proof import Hole, Proof, partial_findings

NOW = 1_000 * MINUTE
STALE_AFTER = 15 * MINUTE


def proof(**intervals: tuple[tuple[int, int], ...] | None) -> Proof:
    """Return a proof in which account `a` held BTC."""
    return Proof(intervals, {"BTC": {"a"}})


@pytest.mark.parametrize(
    ("ends", "as_of"),
    [
        ([NOW - 2 * MINUTE, NOW - 5 * MINUTE], NOW - 5 * MINUTE),
        ([NOW - 2 * MINUTE, NOW - 16 * MINUTE], NOW - 2 * MINUTE),
        ([NOW - 15 * MINUTE, NOW - 2 * MINUTE], NOW - 15 * MINUTE),
        ([NOW - 60 * MINUTE, NOW - 20 * MINUTE], NOW - 20 * MINUTE),
        ([NOW - 35 * MINUTE, NOW - 20 * MINUTE, NOW - 36 * MINUTE], NOW - 35 * MINUTE),
        ([NOW + MINUTE], NOW),
        ([], NOW),
    ],
)
def test_as_of(ends: list[int], as_of: int) -> None:
    """Numbers stand at the least fresh account read lately, or with none, read while the others last were."""
    accounts = {str(place): ((0, end),) for place, end in enumerate(ends)}
    assert Proof(accounts, {}).as_of(NOW, STALE_AFTER) == as_of


def test_files_stand_at_the_present() -> None:
    """An imported file is complete: alone it is good for now, beside an exchange it holds nothing back."""
    assert proof(paper=None).as_of(NOW, STALE_AFTER) == NOW
    assert proof(paper=None, a=((0, NOW - MINUTE),)).as_of(NOW, STALE_AFTER) == NOW - MINUTE
    assert proof(paper=None).holes(Window(0, NOW)) == []


def test_never_read_account_is_a_hole() -> None:
    """An account of which nothing is proven makes all of the window unproven, and is stale."""
    unread = proof(a=())
    assert unread.holes(Window(5, 9)) == [Hole("a", 5, 9, unread=True)]
    assert unread.stale(NOW, STALE_AFTER) == {"a": None}
    assert unread.complete_until(["a"], NOW) is None


def test_holes_are_what_intervals_leave_of_the_window() -> None:
    """Of proven 10-20 and 30-40 the window 5-45 leaves 5-10 (before all that was read), 20-30 and 40-45."""
    found = proof(a=((10, 20), (30, 40))).holes(Window(5, 45))
    assert found == [Hole("a", 5, 10, unread=True), Hole("a", 20, 30, unread=False), Hole("a", 40, 45, unread=False)]


@pytest.mark.parametrize("window", [Window(10, 20), Window(12, 15), Window(30, 40)])
def test_proven_window_has_no_hole(window: Window) -> None:
    """A window inside a proven interval is complete, ends included."""
    assert proof(a=((10, 20), (30, 40))).holes(window) == []


def test_lag_of_an_account_spares_assets_it_never_held() -> None:
    """A lagging account that never held BTC leaves BTC whole; what lies before its first reading does not."""
    lag, before = Hole("b", 20, 30, unread=False), Hole("b", 0, 10, unread=True)
    held = Hole("a", 20, 30, unread=False)
    assert proof(a=(), b=()).holes_of("BTC", [lag, before, held]) == [before, held]


def test_complete_until_is_the_least_account() -> None:
    """An asset is complete up to the account that was read least far, never beyond now."""
    found = proof(a=((0, NOW - 7),), b=((0, NOW + 7),), paper=None)
    assert found.complete_until(["a", "b", "paper"], NOW) == NOW - 7
    assert found.complete_until(["b"], NOW) == NOW


def test_partial_finding_names_the_spans() -> None:
    """One finding an account, with every span of it."""
    holes = [Hole("a", 0, 1_000, unread=True), Hole("a", 2_000, 3_000, unread=False)]
    (found,) = partial_findings(holes)
    assert (found.code, found.subject) == ("partial", "a")
    assert "1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z; 1970-01-01T00:00:02.000Z" in found.message
