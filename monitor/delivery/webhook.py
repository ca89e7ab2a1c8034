"""A plain JSON webhook: `webhook+https://host/path`, the key in the body and in the `Idempotency-Key` header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.delivery.post import post

if TYPE_CHECKING:
    from monitor.delivery.message import Channel, Message


def send(channel: Channel, message: Message, deadline: float) -> None:
    """Post the message.

    Raises:
        DeliveryError: the server did not accept it in time.
    """
    body = {
        "key": message.key,
        "kind": message.kind,
        "severity": message.severity,
        "title": message.title,
        "text": message.long,
        **({"facts": dict(message.facts)} if message.facts else {}),
        **({"alerts": [dict(part) for part in message.parts]} if message.parts else {}),
    }
    post(channel.address, body, {"Idempotency-Key": message.key}, deadline)
