"""170 services through Apprise: `mailto://`, `tgram://`, `slack://`, `discord://` and so on.

See `apprise_call` for why each message gets a process of its own. https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import difflib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.delivery.message import Channel, Message

PROGRAM = Path(__file__).with_name("apprise_call.py")
# Addresses of mail: they get the long form, all others the short one.
MAIL = ("mailto", "mailtos", "sendgrid", "mailgun", "ses", "smtp2go", "sparkpost", "brevo", "o365", "resend")
KINDS = {"firing": "failure", "reminder": "failure", "resolved": "success", "no_data": "warning"}
CHECK_SECONDS = 60.0


def send(channel: Channel, message: Message, deadline: float) -> None:
    """Hand the message to the service.

    Raises:
        DeliveryError: the service did not take it, or did not say so within `deadline` seconds.
    """
    mail = channel.url.partition(":")[0].lower() in MAIL
    # The key travels with every message, so that who receives two can see that they are one.
    body = message.long if mail else f"{message.short.removeprefix(message.title).lstrip()}\n[{message.key}]"
    request = {"send": channel.url, "title": message.title, "body": body, "kind": KINDS.get(message.kind, "info")}
    try:
        reply = _call(request, deadline)
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"{channel.name}: no answer within {deadline:g} s.", "It is tried again.") from None
    if not reply.get("sent"):
        said = channel.redacted(str(reply.get("said") or "the service refused the message"))
        raise DeliveryError(f"{channel.name}: {said}.", "Check the channel with: monitor alerts test")


def complaints(channels: Sequence[Channel]) -> list[tuple[str, str, str]]:
    """Return (channel, what is wrong, remedy) for every address Apprise does not understand."""
    if not channels:
        return []
    try:
        reply = _call({"check": [channel.url for channel in channels]}, CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return [(channels[0].name, f"Apprise did not answer within {CHECK_SECONDS:g} s.", "Try again.")]
    known, schemas = reply.get("known"), reply.get("schemas")
    if not isinstance(known, list) or not isinstance(schemas, list):
        return [(channels[0].name, str(reply.get("said") or "Apprise did not start."), "Install the package again.")]
    return [
        (channel.name, *_wrong(channel, schemas)) for channel, fine in zip(channels, known, strict=True) if not fine
    ]


def _wrong(channel: Channel, schemas: Sequence[str]) -> tuple[str, str]:
    """Return what is wrong with an address, and what to write instead; the address itself stays unsaid."""
    scheme, colon, _ = channel.url.partition("://")
    if not colon:
        return "The address has no service in front.", "Write service://..., such as mailto:// or tgram://."
    if scheme.lower() in schemas:
        return f"The address after {scheme}:// is incomplete.", f"See https://appriseit.com/services/ for {scheme}."
    near = difflib.get_close_matches(scheme.lower(), [*schemas, "webhook+https", "alertmanager+http", "stdout"], n=1)
    meant = f'Did you mean "{near[0]}"?' if near else "See https://appriseit.com/services/ for all services."
    return f"There is no service {scheme!r}.", meant


def _call(request: Mapping[str, object], deadline: float) -> dict[str, object]:
    """Run one request in a process group of its own; all of it is killed at the deadline.

    -P keeps the program's own folder off the path, where a module's name could hide one of Python's.
    """
    with subprocess.Popen(  # noqa: S603 - this interpreter, our own file, nothing from outside in the arguments
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, complained = process.communicate(json.dumps(request), deadline)
        finally:
            # Its own children too: one that a plugin started would hold the pipes, and us, for as long as it lives.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    try:
        reply = json.loads(said)
    except json.JSONDecodeError:
        lines = complained.strip().splitlines()
        return {"sent": False, "said": lines[-1] if lines else f"Apprise ended with code {process.returncode}"}
    return reply if isinstance(reply, dict) else {}
