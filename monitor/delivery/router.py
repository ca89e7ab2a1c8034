"""Which family sends for a channel, and what is wrong with a channel before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor.delivery import alertmanager, apprise_channel, stdout, webhook
from monitor.delivery.message import ALERTMANAGER, APPRISE, STDOUT, WEBHOOK, Channel, Message, Send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO


def sender(stream: TextIO) -> Send:
    """Return the function that sends on any channel; `stream` is where stdout channels write."""
    families: Mapping[str, Send] = {
        STDOUT: stdout.writer_to(stream),
        WEBHOOK: webhook.send,
        ALERTMANAGER: alertmanager.send,
        APPRISE: apprise_channel.send,
    }

    def send(channel: Channel, message: Message, deadline: float) -> None:
        families[channel.family](channel, message, deadline)

    return send


def complaints(channels: Sequence[Channel]) -> list[tuple[str, str, str]]:
    """Return (channel, what is wrong, remedy) for every channel that could never send; nothing is sent."""
    found = [(one.name, *wrong) for one in channels if (wrong := _wrong_web(one))]
    return found + apprise_channel.complaints([one for one in channels if one.family == APPRISE])


def _wrong_web(channel: Channel) -> tuple[str, str] | None:
    if channel.family not in {WEBHOOK, ALERTMANAGER}:
        return None
    parts = urlsplit(channel.address)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return None
    return f"A {channel.family} needs an address.", f"Write {channel.family}+https://host/path."
