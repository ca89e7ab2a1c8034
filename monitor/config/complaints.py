"""A mistake in the settings file, told so that it can be mended: where, what stands there, what to write instead."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from monitor.config.place import Place, key_text, line_of
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake (`error`), or one doubtful habit (`warning`), in the settings file.

    `key` is the dotted path, `accounts[0].exchange`. `value` is as written, None where it may be a secret.
    """

    file: str
    line: int | None
    key: str
    message: str
    remedy: str = ""
    value: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Return one line, file and line first as editors and compilers write it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f"{self.key} = {self.value}" if self.value is not None else self.key
        return f"{where}: {what}: {self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Page:
    """The file being read, and the line of every header and key in it."""

    path: Path
    lines: Mapping[Place, int]

    def complaint(self, place: Place, message: str, remedy: str = "", value: str | None = None) -> Complaint:
        """Return an error at a place of this file."""
        return Complaint(str(self.path), line_of(place, self.lines), key_text(place), message, remedy, value)

    def warning(self, place: Place, message: str, remedy: str = "") -> Complaint:
        """Return a warning at a place of this file."""
        line = line_of(place, self.lines)
        return Complaint(str(self.path), line, key_text(place), message, remedy, severity="warning")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean "kraken"?`, or nothing if no known word is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    if not near:
        near = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return f'Did you mean "{near[0]}"?' if near else ""


def refuse(complaints: Sequence[Complaint]) -> None:
    """Raise every error among the complaints as one ConfigError; warnings alone pass.

    Raises:
        ConfigError: at least one complaint is an error; the message has one line for each.
    """
    errors = [complaint for complaint in complaints if complaint.severity == "error"]
    if len(errors) == 1:
        raise ConfigError(str(errors[0]))
    if errors:
        told = "\n".join(f"  {complaint}" for complaint in errors)
        raise ConfigError(f"{errors[0].file} has {len(errors)} mistakes:\n{told}")
