"""Which mapping a file is read by, whose rows it has, and how that was found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.errors import UsageError
from monitor.interchange.columns import NEEDED_COLUMNS
from monitor.interchange.foreign import header_of
from monitor.interchange.mapping import preset, read_mapping, recognised
from monitor.interchange.translate import Source

if TYPE_CHECKING:
    from collections.abc import Mapping as Read
    from pathlib import Path

    from monitor.interchange.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user said of a file: a preset, a mapping of his own, the account, the time zone; None for nothing."""

    preset: str | None = None
    mapping: Path | None = None
    account: str | None = None
    zone: str | None = None


def source_of(path: Path, choice: Choice, exchanges: Read[str, str], currency: str) -> Source | None:
    """Return how to read another program's export, None for an events file of our own.

    `exchanges` maps the accounts that are read from an exchange to its id: the only one of an export's exchange is
    taken for the account of its rows.

    Raises:
        UsageError: the choice means nothing, or the account is one of several.
        ImportRejected: the file is no text.
    """
    mapping = _mapping(path, choice)
    if mapping is None:
        if choice.account or choice.zone:
            raise UsageError(
                "--account and --timezone are for other programs' exports.", "An events file tells both in its rows."
            )
        return None
    if choice.account or "account" in mapping.columns:
        return Source(mapping, choice.account, choice.zone, currency)
    own = [account for account, exchange in exchanges.items() if exchange == mapping.exchange]
    if len(own) > 1:
        raise UsageError(
            f"{path} may be of {' or '.join(sorted(own))}, all of {mapping.exchange}.", "Name one with --account."
        )
    note = f"its rows are those of account {own[0]!r}, the only one of {mapping.exchange}." if own else ""
    return Source(mapping, own[0] if own else None, choice.zone, currency, note)


def _mapping(path: Path, choice: Choice) -> Mapping | None:
    """Return the mapping that was named, or the preset that the file's columns tell; None for an events file."""
    if choice.preset and choice.mapping:
        raise UsageError("--preset and --mapping exclude each other.", "A mapping can be like a preset.")
    if choice.preset:
        return preset(choice.preset)
    if choice.mapping:
        return read_mapping(choice.mapping)
    header = header_of(path)
    return None if not header or set(NEEDED_COLUMNS) <= set(header) else recognised(header)
