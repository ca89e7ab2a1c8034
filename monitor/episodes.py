"""What an alert watches, remembers between evaluations and has to say: shared by machine, journal and jobs.

An *episode* is one stay in trouble of one subject under one rule, numbered from 1 per (rule, subject): from firing to
resolved, or from the notice that data is missing to its return. The numbers are never given twice, so that a message's
key (rule, subject, episode, kind, ordinal) names it for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from monitor.records import Severity

Phase = Literal["ok", "pending", "firing", "recovering"]
# Without data the phase stands still: what is shown is the blindness, what is kept is the phase.
Blindness = Literal["no_data", "error"]
Shown = Literal["ok", "pending", "firing", "recovering", "no_data", "error"]
Verdict = Literal["breach", "between", "clear"]
Kind = Literal["firing", "reminder", "resolved", "no_data"]
Facts = Mapping[str, str | float | int | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule, checked; durations in ms. `relative`: thresholds on the change or MADs from a median."""

    name: str
    metric: str
    assets: tuple[str, ...] = ()
    scope: Literal["asset", "portfolio"] = "asset"
    accounts: tuple[str, ...] = ()
    window: int = 7 * 86_400_000
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    hold: int = 0
    keep_firing: int = 0
    no_data_hold: int = 900_000
    repeat_every: int | None = None
    relative: Literal["change", "deviation"] | None = None
    baseline: int = 30 * 86_400_000
    min_inventory: float | None = None
    min_fills: int | None = None
    severity: Severity = "warning"
    notify: tuple[str, ...] = ("stdout",)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric of one subject, as a rule saw it; None, `exempt` and `failed` carry a `reason`."""

    rule: str
    subject: str
    time: int
    value: float | None
    reason: str | None = None
    inventory: float | None = None
    fills: int | None = None
    standing: Literal["measured", "exempt", "failed"] = "measured"
    context: dict[str, str | float | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertState:
    """Where one (rule, subject) stands. Instants and lengths in milliseconds; None where there is nothing to say.

    `since` is when the phase began, `evaluated` the last evaluation, `verdict` what that one said (None without data).
    `held` counts evaluated time the phase's condition has held. `counter` is the last episode number given, `episode`
    the firing one that is open. `breached` is when its breach began, `fired` when it fired, `told` when the last notice
    of it was decided. `worst` is the value furthest beyond the threshold in it. `blind_*` say the same of a spell
    without data; `blind_episode` is set once that was told.
    """

    rule: str
    subject: str
    since: int
    evaluated: int
    phase: Phase = "ok"
    verdict: Verdict | None = None
    held: int = 0
    counter: int = 0
    episode: int | None = None
    breached: int | None = None
    fired: int | None = None
    told: int | None = None
    reminders: int = 0
    value: float | None = None
    worst: float | None = None
    blind: Blindness | None = None
    blind_since: int | None = None
    blind_held: int = 0
    blind_episode: int | None = None
    reason: str | None = None

    @property
    def shown(self) -> Shown:
        """Return what a person is shown: the blindness if there is one, else the phase."""
        return self.blind or self.phase


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts of one message, without a word of text: the texts are made when it is sent.

    `since` is when the trouble began, `time` when the notice was decided. `value` and `threshold` are in `unit`.
    """

    rule: str
    subject: str
    episode: int
    kind: Kind
    time: int
    since: int
    ordinal: int = 0
    severity: Severity = "warning"
    metric: str = ""
    unit: str = ""
    window: int = 0
    side: Literal["below", "above"] = "below"
    value: float | None = None
    worst: float | None = None
    threshold: float | None = None
    clear: float | None = None
    held: int = 0
    reason: str | None = None
    context: Facts = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the name of the message, the same at every attempt: `btc-stalled/BTC/3/firing`."""
        counted = f"{self.kind}-{self.ordinal}" if self.ordinal else self.kind
        return f"{self.rule}/{self.subject}/{self.episode}/{counted}"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a (rule, subject); with a `notice` it is told on `channels`, without one only kept.

    `ended` is the episode that closed by it, None if none did.
    """

    rule: str
    subject: str
    time: int
    before: Shown
    after: Shown
    reason: str = ""
    notice: Notice | None = None
    channels: tuple[str, ...] = ()
    ended: int | None = None
