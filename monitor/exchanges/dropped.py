"""Which rows of an answer ccxt made nothing of: each raw row must be accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from monitor.exchanges.bodies import canonical
from monitor.exchanges.fields import Row, raw
from monitor.records import Quarantined

if TYPE_CHECKING:
    from monitor.exchanges.normalise import Origin


def dropped(listed: Sequence[object], parsed: Sequence[Row], origin: Origin) -> list[Quarantined]:
    """Return the raw rows of this stream that ccxt made nothing of."""
    return [
        Quarantined(origin.stream, "ccxt dropped the row", canonical(row))
        for row in unaccounted(listed, parsed)
        if not (isinstance(row, Mapping) and any(str(row.get(name)) in values for name, values in origin.others))
    ]


def unaccounted(listed: Sequence[object], parsed: Iterable[Row]) -> list[object]:
    """Return the raw rows that no parsed row came from (ccxt may add fields to a row, never take them)."""
    infos = [raw(row) for row in parsed]
    known = {id(info) for info in infos}
    left = [row for row in listed if id(row) not in known]
    if not left:
        return []
    texts = {canonical(info) for info in infos}
    left = [row for row in left if canonical(row) not in texts]
    named = [info for info in infos if isinstance(info, Mapping)]
    return [
        row
        for row in left
        if not any(_inside(row, info) for info in named) and not _grouped(row, texts) and not _wrapped(row, texts)
    ]


def _inside(row: object, info: Row) -> bool:
    return isinstance(row, Mapping) and bool(row) and all(info.get(name) == value for name, value in row.items())


def _grouped(row: object, texts: set[str]) -> bool:
    """Tell whether a row is a group whose own rows were parsed (Binance's dust conversions)."""
    lists = [child for child in row.values() if isinstance(child, list)] if isinstance(row, Mapping) else []
    return any(inner and all(canonical(part) in texts for part in inner) for inner in lists)


def _wrapped(row: object, texts: set[str]) -> bool:
    """Tell whether a row is a wrapper around one that was parsed (One Trading: the trade beside its fee)."""
    inner = [child for child in row.values() if isinstance(child, dict)] if isinstance(row, Mapping) else []
    return any(child and canonical(child) in texts for child in inner)
