"""What a response body says by itself, before ccxt interprets it.

ccxt reads a maintenance page, `{}` or an unknown envelope as "no rows" on most exchanges. So every body is decoded
strictly here, its rows are counted here, and "nothing" is believed only where the body holds an explicitly empty
container that the parser looked at. Numbers keep the text the venue sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

# None stands for JSON null; numbers with a point arrive as text, whole numbers as int, which is exact.
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

# Lists and objects that say something about the call, not rows of it.
ENVELOPE_NAMES = frozenset(
    {"error", "errors", "warning", "warnings", "ext", "retExtInfo", "pagination", "paging", "meta", "pageInfo"}
)
ENVELOPE_DEPTH = 4
# One for all rows: json.dumps would make one for each.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def decode(text: str) -> Json:
    """Return the JSON value of a body: numbers with a point or exponent stay text, NaN is refused.

    Raises:
        ValueError: the text is not one JSON object or array.
    """
    if not text.startswith(("{", "[")):
        raise ValueError("the body is neither a JSON object nor an array")
    try:
        value: Json = json.loads(text, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    return value


def canonical(value: object) -> str:
    """Return the one text of a JSON value: sorted keys, no spaces. Equal rows have equal texts."""
    return CANONICAL.encode(value)


@dataclass(slots=True)
class Body:
    """One decoded body and what the parser looked for in it.

    `found_empty`: the parser read a list or object of the envelope and it was empty. `missed`: how often it looked for
    one that was not there, or was something else. `in_kind`: an object where the endpoint answers with objects, a list
    where it answers with lists (see shapes.py).
    """

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    value: Json = None
    envelope: frozenset[int] = frozenset()
    found_empty: bool = False
    missed: int = 0
    in_kind: bool = True

    def open(self, value: Json) -> None:
        """Take the decoded value; remember which of its containers are the envelope."""
        self.value = value
        self.envelope = frozenset(id(node) for node in _envelope(value, ENVELOPE_DEPTH))

    def forget(self) -> None:
        """Let go of what was received: the connection it came over may keep this object for hours."""
        self.text, self.value, self.envelope = "", None, frozenset()

    @property
    def rows(self) -> list[Json]:
        """The raw rows, as the body lists them."""
        return rows(self.value)

    @property
    def says_nothing(self) -> bool:
        """True only if the body states explicitly that there is nothing."""
        if not self.in_kind:
            return False
        if not self.value:
            return isinstance(self.value, list) and not self.missed
        return has_empty_container(self.value) and (self.found_empty or not self.missed)


def _envelope(value: Json, depth: int) -> list[Json]:
    if not isinstance(value, dict | list):
        return []
    nodes: list[Json] = [value]
    if depth and isinstance(value, dict):
        for child in value.values():
            nodes += _envelope(child, depth - 1)
    return nodes


def has_empty_container(value: Json, depth: int = ENVELOPE_DEPTH) -> bool:
    """Tell whether an empty list or object stands in the envelope (error lists do not count)."""
    if isinstance(value, list):
        return not value or all(has_empty_container(child, depth - 1) for child in value if depth)
    if not isinstance(value, dict) or depth == 0:
        return False
    children = [child for name, child in value.items() if name not in ENVELOPE_NAMES and isinstance(child, dict | list)]
    return any(not child or has_empty_container(child, depth - 1) for child in children)


def rows(value: Json) -> list[Json]:
    """Return the rows of a body: all of its outermost lists of rows, else its largest table of alike objects.

    A table is an object whose values are objects with a common key (Kraken keys trades by id). A body without either
    has no rows; whether that means "nothing" is for `Body.says_nothing`.
    """
    level: list[Json] = [value]
    tables: list[list[Json]] = []
    for _ in range(ENVELOPE_DEPTH):
        lists = [node for node in level if isinstance(node, list) and _holds_rows(node)]
        if lists:
            return [row for node in lists for row in node]
        objects = [node for node in level if isinstance(node, dict)]
        tables += [list(node.values()) for node in objects if _alike(node)]
        level = [child for node in objects for name, child in node.items() if name not in ENVELOPE_NAMES]
    return max(tables, key=len, default=[])


def _holds_rows(node: list[Json]) -> bool:
    return bool(node) and all(isinstance(row, dict | list) for row in node)


def _alike(node: dict[str, Json]) -> bool:
    values = list(node.values())
    if not values or not all(isinstance(child, dict) for child in values):
        return False
    rows = [child for child in values if isinstance(child, dict)]
    common = set.intersection(*(set(row) for row in rows))
    return any(all(not isinstance(row[name], dict | list) for row in rows) for name in common)
