"""Standard output: `stdout://` writes the message as text, `stdout://json` one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from typing import TextIO

    from monitor.delivery.message import Channel, Message, Send


def writer_to(stream: TextIO) -> Send:
    """Return a sender that writes to a stream."""

    def send(channel: Channel, message: Message, deadline: float) -> None:  # noqa: ARG001 - a stream knows no deadline
        as_json = channel.url.rstrip("/").endswith("json")
        line = json.dumps({"key": message.key, "title": message.title, **message.facts}) if as_json else message.short
        try:
            stream.write(f"{line}\n")
            stream.flush()
        except (OSError, ValueError) as error:
            cause = f"Standard output cannot be written: {error}."
            raise DeliveryError(cause, "Is the reading end of the pipe closed?") from None

    return send
