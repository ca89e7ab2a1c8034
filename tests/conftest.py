"""What every test shares: hypothesis draws the same examples each time, so that a red run can be repeated.

Many tests wait for another process or a server, so there is a worker more than cores; the tests that take longest begin
first, so that none of them is what all the others wait for at the end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

# HYPOTHESIS_PROFILE=explore draws new ones: for a long search by hand.
settings.register_profile("house", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

LONGEST = ("desk", "jobs", "independent", "daemon", "cli")


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders with the longest tests first, in the order of `LONGEST`."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(rank)))
