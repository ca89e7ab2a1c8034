"""Whether a venue's endpoint answers with an object or with a list.

An empty list from an endpoint that answers with objects is a fault, not "nothing". What was seen is remembered for the
life of the process, for all accounts of a venue, because the shape is a fact of the endpoint. Until something was
seen, ccxt's own declaration counts: its generated list of endpoints says `Entry[_Dict]` or `Entry[_List]` for each.
That is erased when Python runs it, so it is read from the text of the module, once, and only when an empty list came.
"""

from __future__ import annotations

import inspect
import re
import sys
from functools import cache

# (api sections, method, path), as in allowlist.py.
Place = tuple[tuple[str, ...], str, str]
DECLARED = re.compile(r"Entry\[_(Dict|List)\]\('([^']*)', \[([^\]]*)\], '([A-Z]+)'")
# Declared as objects by ccxt 4.5.90, while recorded answers are lists.
LISTS = frozenset({
    ("gemini", (("private",), "POST", "v1/balances")),
    ("poloniex", (("private",), "GET", "accounts/balances")),
})  # fmt: skip
_seen: dict[tuple[str, Place], type] = {}


def in_kind(exchange: type, place: Place, value: object) -> bool:
    """Tell whether a body is of the kind that the endpoint answers with; remember the kind of one that holds something.

    `exchange`: the ccxt class. Only an empty body can be out of its kind: a full one shows what the kind is.
    """
    kind, name = type(value), (exchange.__name__, place)
    if value:
        _seen[name] = kind
        return True
    if not isinstance(value, list):
        return True  # {} and null never pass for "nothing": see bodies.py
    return name in LISTS or _seen.get(name, declared(exchange).get(place, list)) is list


@cache
def declared(exchange: type) -> dict[Place, type]:
    """Return what ccxt's generated modules say of every endpoint of a class; empty if their text is not there."""
    found: dict[Place, type] = {}
    for owner in exchange.__mro__:
        module = sys.modules.get(owner.__module__)
        if module is None or not owner.__module__.startswith("ccxt.abstract."):
            continue
        try:
            text = inspect.getsource(module)
        except OSError:
            continue
        for shape, path, sections, method in DECLARED.findall(text):
            place = (tuple(re.findall(r"'([^']*)'", sections)), method, path)
            found.setdefault(place, dict if shape == "Dict" else list)
    return found


def forget() -> None:
    """Forget what was seen."""
    _seen.clear()
