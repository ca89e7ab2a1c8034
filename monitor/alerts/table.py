"""Read one table of a rules file: every mistake is noted with its remedy, and reading goes on."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.clock import DAY, SECOND, parse_duration
from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Metrics measured in these may have their thresholds written as durations.
LENGTHS = {"seconds": SECOND, "days": DAY}


@dataclass(frozen=True, slots=True)
class RuleComplaint:
    """One mistake in a rule: `position` counts the rules from 0, `key` is the path inside it (`levels[0].below`)."""

    position: int
    rule: str
    key: str
    value: object
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the sentence a person reads."""
        value = "" if self.value is None else f" = {self.value!r}"
        return f"rule {self.rule}: {self.key}{value}: {self.message} {self.remedy}".strip()


@dataclass
class Table:
    """A table being read, and the mistakes found in it."""

    position: int
    rule: str
    values: Mapping[str, object]
    prefix: str = ""
    complaints: list[RuleComplaint] = field(default_factory=list)

    def wrong(self, key: str, message: str, remedy: str = "") -> None:
        """Note a mistake at a key."""
        found = self.values.get(key)
        self.complaints.append(RuleComplaint(self.position, self.rule, self.prefix + key, found, message, remedy))

    def no_other(self, known: Collection[str]) -> None:
        """Note every key that does not exist."""
        for key in self.values:
            if key not in known:
                self.wrong(key, "There is no such key.", did_you_mean(key, known))

    def text(self, key: str, default: str, known: Collection[str] = ()) -> str:
        """Return a word, the default where it is missing or wrong; `known` empty: any word."""
        found = self.values.get(key, default)
        if not isinstance(found, str) or not found:
            self.wrong(key, "This must be a text.", f'Write {key} = "...".')
            return default
        if known and found not in known:
            self.wrong(key, f"{found!r} does not exist.", did_you_mean(found, known))
            return default
        return found

    def words(self, key: str) -> tuple[str, ...]:
        """Return a word or a list of words as a tuple, empty where it is missing or wrong."""
        found = self.values.get(key, ())
        listed = (found,) if isinstance(found, str) else found
        if not isinstance(listed, list | tuple) or not all(isinstance(word, str) and word for word in listed):
            self.wrong(key, "This must be a text or a list of texts.", f'Write {key} = "*" or {key} = ["A", "B"].')
            return ()
        return tuple(dict.fromkeys(listed))

    def length(self, key: str, default: int) -> int:
        """Return a duration in milliseconds; 0 may be written as a number."""
        found = self.values.get(key)
        if found is None or (found == 0 and not isinstance(found, bool | str)):
            return default if found is None else 0
        try:
            return parse_duration(found if isinstance(found, str) else repr(found))
        except UsageError as error:
            self.wrong(key, error.message, error.remedy)
            return default

    def number(self, key: str, unit: str = "") -> float | None:
        """Return a finite number, None where it is missing or wrong; units of time take durations too."""
        found = self.values.get(key)
        if found is None:
            return None
        if isinstance(found, str) and unit in LENGTHS:
            return self.length(key, 0) / LENGTHS[unit]
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            remedy = f"Write {key} = 2.0, without quotes." if isinstance(found, str) else "Write a number such as 2.0."
            self.wrong(key, "This must be a finite number.", remedy)
            return None
        return float(found)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return `Did you mean 'turnover'?`, else the known words."""
    near = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known)) or 'none'}."
