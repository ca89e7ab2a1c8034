"""The exchanges ccxt knows, without importing ccxt: its folder has one file for each.

Importing ccxt takes a second and 105 MB; a misspelt exchange must not cost that.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path


@cache
def known_exchanges() -> frozenset[str]:
    """Return ccxt's exchange ids; empty if ccxt is not where it is expected."""
    package = importlib.util.find_spec("ccxt")
    if package is None or package.origin is None:
        return frozenset()
    folder = Path(package.origin).parent / "async_support"
    return frozenset(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
