"""Inventory turnover of a crypto trading desk: how fast does it turn, and what is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.notebook.desk import open_desk as open  # noqa: A004  `monitor.open(database)` is how a notebook says it

__all__ = ["__version__", "open"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the notebook's door when it is asked for: frames must not slow a command down that draws none."""
    if name == "open":
        from monitor.notebook.desk import open_desk  # noqa: PLC0415  see above

        return open_desk
    raise AttributeError(f"module 'monitor' has no attribute {name!r}")
