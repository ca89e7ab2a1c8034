"""Prometheus Alertmanager, API v2: `alertmanager+http://host:9093`.

Alertmanager resolves by itself what is not posted again within minutes; `endsAt` far ahead keeps a firing alert up
until its own end is posted. Labels name the alert, so those of firing and resolved are the same.
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import DAY, MINUTE, iso
from monitor.delivery.post import post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.delivery.message import Channel, Message

# How long an alert stays up if its end never arrives. Missing data has no message of its end; a test is soon over.
STANDING = {"firing": 30 * DAY, "reminder": 30 * DAY, "no_data": DAY, "resolved": 0, "test": 5 * MINUTE}


def send(channel: Channel, message: Message, deadline: float) -> None:
    """Post the alert, or every alert of a digest.

    Raises:
        DeliveryError: Alertmanager did not accept it in time.
    """
    facts = message.parts or (message.facts,)
    post(f"{channel.address.rstrip('/')}/api/v2/alerts", [alert(one, message) for one in facts], {}, deadline)


def alert(facts: Mapping[str, object], message: Message) -> dict[str, object]:
    """Return one alert in Alertmanager's form from the facts of a notice."""
    kind = str(facts.get("kind", message.kind))
    labels = {
        "alertname": str(facts.get("rule", "monitor")),
        "subject": str(facts.get("subject", "")),
        "severity": str(facts.get("severity", message.severity)),
        "condition": "no_data" if kind == "no_data" else "breach",
    }
    annotations = {
        "summary": str(facts.get("title", message.title)),
        "description": str(facts.get("text", message.long)),
        "key": str(facts.get("key", message.key)),
        # No label: a rule may watch something else before its episode ends.
        "metric": str(facts.get("metric", "")),
    }
    decided = _instant(facts, "time")
    ends = decided + STANDING.get(kind, DAY)
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": iso(min(_instant(facts, "since"), ends)),
        "endsAt": iso(ends),
    }


def _instant(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0
