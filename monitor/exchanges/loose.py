"""The one name for what ccxt does not type: its arguments, and dictionaries of whatever a venue sent."""

from __future__ import annotations

from typing import Any, TypeAlias

# Everything that comes out of it is checked before it is used: see fields.py and bodies.py.
Loose: TypeAlias = Any
