"""How the columns of another program's export become events: presets of the package, and mappings a user writes.

A mapping is a TOML file; `like` names a preset it builds on. Nothing in it is code: it names the export's columns,
its forms of time, its spellings of assets, and what its words for kinds mean here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from monitor.errors import UsageError
from monitor.interchange.columns import KINDS, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping as Read
    from collections.abc import Sequence
    from pathlib import Path

SHAPES = {
    "fills": ("time", "side", "amount", "price"),
    "sides": ("time", "sent", "sent_asset", "received", "received_asset"),
    "ledger": ("time", "id", "type", "asset", "amount"),
}
COLUMNS = (
    "time", "account", "id", "order_id", "symbol", "base", "quote", "side", "amount", "price", "total", "fee",
    "fee_asset", "margin", "type", "subtype", "asset", "booked", "sent", "sent_asset", "received", "received_asset",
    "value", "value_asset",
)  # fmt: skip
LISTS = ("needs", "ignores", "times", "empty", "digits", "suffixes", "quotes", "legacy")
ZONES = ("UTC", "name", "account")
# Besides the kinds: moves within the account, which change nothing.
MEANINGS = (*KINDS, "inside")


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a mapping file says. `columns` are the export's names by ours; `@quote` as a fee's asset is the quote.

    `needs` are the columns by which an export is recognised, `ignores` others it may have. `zone` is that of the times:
    `UTC`, `name` (in the file's name) or `account` (unknown to the file). `legacy` quotes count only behind a base that
    `assets` lists.
    """

    name: str
    title: str
    shape: str
    needs: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    exchange: str | None = None
    account: str | None = None
    ignores: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    zone: str = "UTC"
    fees: str = "apart"
    empty: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    legacy: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    assets: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def presets() -> dict[str, Mapping]:
    """Return the presets of the package by name."""
    folder = resources.files("monitor.interchange").joinpath("presets")
    names = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    return {name: _mapping(name, _merged(_text(name), name), name) for name in names}


def preset(name: str) -> Mapping:
    """Return one preset.

    Raises:
        UsageError: there is none of that name.
    """
    known = presets()
    if name not in known:
        raise UsageError(f"There is no preset {name!r}{did_you_mean(name, tuple(known))}.", _choices(known))
    return known[name]


def read_mapping(path: Path) -> Mapping:
    """Read a mapping a user wrote.

    Raises:
        UsageError: it cannot be read, or something in it means nothing.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "A mapping is a TOML file in UTF-8.") from None
    return _mapping(path.stem, _merged(said, str(path)), str(path))


def recognised(header: Sequence[str]) -> Mapping | None:
    """Return the preset whose columns a header has; of several the one that needs most of them."""
    fitting = [one for one in presets().values() if set(one.needs) <= set(header)]
    return max(fitting, key=lambda one: len(one.needs), default=None)


def _text(name: str) -> dict[str, Any]:
    file = resources.files("monitor.interchange").joinpath("presets", f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _merged(said: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a mapping on top of the preset it is `like`: tables are joined, everything else is replaced."""
    like = said.pop("like", None)
    if like is None:
        return said
    if like not in (known := presets_named()):
        raise UsageError(f"{where}: like {like!r} is no preset{did_you_mean(str(like), known)}.", _choices(known))
    ground = _merged(_text(like), like)
    tables = {name: ground[name] | said[name] for name in said if isinstance(said[name], dict) and name in ground}
    if "shape" in said and said["shape"] != ground["shape"]:
        tables.pop("columns", None)
    return ground | said | tables


def presets_named() -> tuple[str, ...]:
    """Return the presets' names, without reading them."""
    folder = resources.files("monitor.interchange").joinpath("presets")
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


def _mapping(name: str, said: Read[str, Any], where: str) -> Mapping:
    """Return what a mapping says, checked word by word."""
    told = {**said, **said.get("pairs", {})}
    told.pop("pairs", None)
    known = tuple(one.name for one in fields(Mapping) if one.name != "name")
    _known(where, told, known, "is unknown")
    columns = {ours: _listed(theirs) for ours, theirs in told.get("columns", {}).items() if theirs}
    _known(where, columns, COLUMNS, "in [columns] is no column of ours")
    shape = told.get("shape", "fills")
    _known(where, [shape], tuple(SHAPES), "is no shape")
    _known(where, [told.get("zone", "UTC")], ZONES, "is no zone")
    _known(where, told.get("kinds", {}).values(), MEANINGS, "in [kinds] is no kind")
    if missing := [column for column in SHAPES[shape] if column not in columns]:
        raise UsageError(f"{where}: [columns] has no {', '.join(missing)}.", f"The shape {shape!r} needs it.")
    lists = {one: tuple(told[one]) for one in LISTS if one in told}
    kinds = {word.lower(): kind for word, kind in told.get("kinds", {}).items()}
    needs = lists.pop("needs", tuple(dict.fromkeys(column for names in columns.values() for column in names[:1])))
    rest = {one: told[one] for one in ("exchange", "account", "zone", "fees", "assets") if one in told}
    title = str(told.get("title", name))
    return Mapping(name, title, shape, _real(needs), columns, kinds=kinds, **rest, **lists)  # type: ignore[arg-type]


def _listed(theirs: object) -> tuple[str, ...]:
    """Return the columns that are tried for one of ours, in order."""
    return (theirs,) if isinstance(theirs, str) else tuple(cast("Sequence[str]", theirs))


def _real(needs: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in needs if not name.startswith("@"))


def _known(where: str, words: object, known: tuple[str, ...], fault: str) -> None:
    """Refuse a word that means nothing, with the closest one that does."""
    for word in cast("Sequence[str]", words):
        if word not in known:
            raise UsageError(
                f"{where}: {word!r} {fault}{did_you_mean(str(word), known)}.", f"Known are {', '.join(known)}."
            )


def _choices(names: object) -> str:
    return f"The presets are {', '.join(cast('Sequence[str]', names))}."
