"""Where settings, alert rules and channels meet: a file is good when all are, and all mistakes are told together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor.alerts.announce import unit_of
from monitor.alerts.figures import figure
from monitor.alerts.metrics import METRICS
from monitor.alerts.rules import KEYS, SEVERITIES, parse_rules
from monitor.alerts.verdict import clear_level, side, threshold
from monitor.config.complaints import Complaint, Page, refuse
from monitor.config.load import account_names, channel_names, read_settings, rule_tables
from monitor.config.mistakes import toml_text
from monitor.config.model import file_schema
from monitor.config.values import DURATION_SCHEMA
from monitor.errors import ConfigError
from monitor.jobs.deliver import check_channels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from monitor.alerts.table import RuleComplaint
    from monitor.config.place import Place
    from monitor.config.settings import Settings
    from monitor.episodes import Rule


def load_checked(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file whose rules are good too.

    Raises:
        ConfigError: the file cannot be used; the message has one line for each mistake.
    """
    settings, complaints = check_file(path, environ)
    refuse(complaints)
    if settings is None:
        raise ConfigError(f"{path} cannot be used.")
    return settings


def check_file(path: Path, environ: Mapping[str, str]) -> tuple[Settings | None, tuple[Complaint, ...]]:
    """Return the settings (None if there is an error) and every complaint in the order of the file.

    Rules and channels are part of it: a rule with a mistake, an address that can never send.

    Raises:
        ConfigError: the file cannot be read, or is no TOML at all.
    """
    settings, complaints = read_settings(path, environ)
    page, tables = rule_tables(path)
    _, mistakes = parse_rules(tables, channel_names(path), account_names(path))
    # An address that cannot send is told here, because Apprise would not say a word when an alert is due.
    unusable = [
        page.complaint(("channels", name, "url"), message, remedy)
        for name, message, remedy in (check_channels(settings.channels) if settings else ())
    ]
    told = sorted(
        (*complaints, *(_complaint(page, mistake) for mistake in mistakes), *unusable),
        key=lambda complaint: (complaint.line or 0, complaint.key),
    )
    return (None if mistakes or unusable else settings), tuple(told)


def file_rules(path: Path) -> tuple[tuple[Rule, ...], tuple[Complaint, ...]]:
    """Return the good rules of a settings file and every mistake in the others; no secret is needed for that.

    Raises:
        ConfigError: the file cannot be read, or is no TOML at all.
    """
    page, tables = rule_tables(path)
    rules, mistakes = parse_rules(tables, channel_names(path), account_names(path))
    told = (_complaint(page, mistake) for mistake in mistakes)
    return rules, tuple(sorted(told, key=lambda complaint: (complaint.line or 0, complaint.key)))


def threshold_text(rule: Rule) -> str:
    """Return in words when a rule fires and when it recovers, `below 0.5x, clear at 0.55x`."""
    unit = unit_of(rule)
    return f"{side(rule)} {figure(threshold(rule), unit)}, clear at {figure(clear_level(rule), unit)}"


def alert_rules(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of settings that were checked before.

    Raises:
        ConfigError: they were not, and one of them is wrong.
    """
    rules, mistakes = parse_rules(settings.rules, settings.channel_names)
    if mistakes:
        raise ConfigError("; ".join(str(mistake) for mistake in mistakes))
    return rules


def settings_schema() -> dict[str, object]:
    """Return the JSON schema of a settings file, rules included."""
    schema = file_schema()
    durations = ("window", "baseline", "for", "keep_firing_for", "no_data_for", "repeat_every")
    known: dict[str, dict[str, object]] = {
        "metric": {"enum": list(METRICS)},
        "severity": {"enum": list(SEVERITIES)},
        "scope": {"enum": ["asset", "portfolio"]},
        **{key: dict(DURATION_SCHEMA) for key in durations},
    }
    properties = schema["properties"]
    if isinstance(properties, dict):
        properties["rules"]["items"] = {
            "type": "object",
            "properties": {key: known.get(key, {}) for key in sorted(KEYS)},
            "required": ["name", "metric"],
            "additionalProperties": False,
        }
    return schema


def _complaint(page: Page, mistake: RuleComplaint) -> Complaint:
    """Return a mistake in a rule as a complaint at its line."""
    inside: Place = tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", mistake.key))
    shown = toml_text(mistake.value) if isinstance(mistake.value, str | int | float) else None
    return page.complaint(("rules", mistake.position, *inside), mistake.message, mistake.remedy, shown)
