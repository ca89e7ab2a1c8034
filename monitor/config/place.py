"""Where a value stands in a TOML text: tomllib keeps no line numbers, so the headers and keys are walked once more.

That is enough to send a reader to the right line; a key inside an array that spans lines is found at the array's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a value stands: table names, positions in arrays of tables (from 0), the key.
Place = tuple[str | int, ...]

HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def key_text(place: Place) -> str:
    """Return a place as it is read aloud: `accounts[1].exchange`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text or "the file"


def line_numbers(text: str) -> dict[Place, int]:
    """Return the line (from 1) of every header and key of a TOML text."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    here: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            here = _opened(_parts(header[2]), counts, array=header[1] == "[[")
            lines.setdefault(here, number)
        elif key := KEY.match(line):
            lines.setdefault(here + _parts(key[1]), number)
    return lines


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """Return the line of a place, else of the nearest table around it, else None."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def _parts(dotted: str) -> Place:
    """Split a dotted TOML key, quotes respected and removed."""
    words = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)
    return tuple(word.strip("\"'") for word in words)


def _opened(names: Place, counts: dict[Place, int], *, array: bool) -> Place:
    """Return the place a header opens: tables inside an array belong to its last element."""
    here: Place = ()
    for position, name in enumerate(names):
        here = (*here, name)
        last = position == len(names) - 1
        if last and array:
            counts[here] = counts.get(here, -1) + 1
        if here in counts:
            here = (*here, counts[here])
    return here
