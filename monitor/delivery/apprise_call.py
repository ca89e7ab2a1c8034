"""Apprise, in a process of its own: `python -P apprise_call.py` reads one request on standard input, answers, ends.

A hung service, a plugin that never returns or one that crashes takes this process with it and nothing else, and a
deadline kills it for certain. It imports nothing of the monitor; addresses travel on standard input, never in
arguments that `ps` would show.

Request {"check": [address, ...]} -> {"known": [true, ...], "schemas": [...]};
{"send": address, "title": ..., "body": ..., "kind": ...} -> {"sent": true, "said": "last words of the log"}.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING

import apprise

if TYPE_CHECKING:
    from collections.abc import Mapping


def answer(request: Mapping[str, object]) -> dict[str, object]:
    """Return the answer to one request."""
    checked = request.get("check")
    if isinstance(checked, list):
        known = [apprise.Apprise().add(str(address)) for address in checked]
        schemas = sorted({word for plugin in apprise.Apprise().details()["schemas"] for word in words(plugin)})
        return {"known": known, "schemas": schemas}
    heard = io.StringIO()
    logger = logging.getLogger("apprise")
    logger.addHandler(logging.StreamHandler(heard))
    logger.setLevel(logging.WARNING)
    service = apprise.Apprise()
    if not service.add(str(request["send"])):
        return {"sent": False, "said": "Apprise does not understand the channel's address"}
    sent = service.notify(
        title=str(request["title"]), body=str(request["body"]), notify_type=str(request["kind"]), body_format="text"
    )
    lines = heard.getvalue().strip().splitlines()
    return {"sent": bool(sent), "said": lines[-1] if lines else ""}


def words(plugin: Mapping[str, object]) -> set[str]:
    """Return the schemas of one Apprise plugin."""
    kinds = (plugin.get("protocols"), plugin.get("secure_protocols"))
    return {str(word) for kind in kinds if isinstance(kind, list | tuple) for word in kind}


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
