"""What every family of channels takes: a channel, a message, and a deadline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# The part of a channel's address before `://` decides the family; what is none of ours belongs to Apprise.
STDOUT, WEBHOOK, ALERTMANAGER, APPRISE = "stdout", "webhook", "alertmanager", "apprise"


@dataclass(frozen=True, slots=True)
class Channel:
    """One way out. The address usually holds a token: it is never shown, logged or stored."""

    name: str
    url: str = field(repr=False)

    @property
    def family(self) -> str:
        """Return which family sends: `webhook+https://...` is webhook, `mailto://...` is apprise."""
        scheme = self.url.partition(":")[0].partition("+")[0].lower()
        return scheme if scheme in {STDOUT, WEBHOOK, ALERTMANAGER} else APPRISE

    @property
    def address(self) -> str:
        """Return the address without the family's prefix: `https://...`."""
        return self.url.partition("+")[2] if self.family in {WEBHOOK, ALERTMANAGER} else self.url

    def redacted(self, text: str) -> str:
        """Return a text with every part of the address that could be a secret taken out."""
        parts = urlsplit(self.address)
        pieces = {self.url, self.address, *parts.netloc.split("@")[0].split(":"), *parts.path.split("/")}
        pieces |= {piece for pair in parts.query.split("&") for piece in (pair, pair.partition("=")[2])}
        for piece in sorted(pieces, key=len, reverse=True):
            if len(piece) >= SHORTEST_SECRET:
                text = text.replace(piece, "***")
        return text


# Shorter words of an address (a port, "api") are no secrets, and taking them out would make the reason unreadable.
SHORTEST_SECRET = 5


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in words and as facts. `key` is the same at every attempt, so a duplicate can be recognised."""

    key: str
    kind: str
    severity: str
    title: str
    short: str
    long: str
    facts: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[Mapping[str, object], ...] = ()


# Raises DeliveryError if the message did not leave, or may not have, within `deadline` seconds.
Send = Callable[[Channel, Message, float], None]
