"""The kernel is compiled once for a machine, not once for a process."""

from __future__ import annotations

import subprocess
import sys

from monitor.turnover.warm import warm

# How often numba took compiled code from its cache, and how often it had to compile.
COUNT = (
    "from monitor.turnover import lots, warm; warm.warm();"
    "stats = lots.compiled_run.stats; print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))"
)


def test_a_second_process_compiles_nothing() -> None:
    """After warming, a fresh interpreter finds the kernel in the cache; the purchase makes a pool for each scope."""
    assert warm() == 2
    fresh = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert fresh.stdout.split() == ["1", "0"]
