"""Logs say what happened, in one line, without a secret in any of them."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from monitor.daemon.logs import configure

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "c4n4ry-s3cr3t"


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Leave no handler behind that writes to a closed stream."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def test_json_lines_carry_the_figures() -> None:
    """A log line is one object with level, event and the figures as they are."""
    stream = io.StringIO()
    configure("info", "json", [], stream)
    structlog.get_logger("t").info("fills", new=3)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["new"]) == ("fills", "info", 3)


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_secret_leaves_in_text_values_or_tracebacks(style: str) -> None:
    """A secret in an event, a nested value, a library's message or an exception is starred out."""
    stream = io.StringIO()
    configure("debug", style, [CANARY], stream)
    log = structlog.get_logger("t")
    event = f"url?apiKey={CANARY}"
    log.info(event, nested={"headers": [CANARY]})
    logging.getLogger("some.library").warning("sent %s", CANARY)
    try:
        int(CANARY)  # its ValueError quotes the text
    except ValueError:
        log.exception("failed")
    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count("***") >= 4


def test_talkative_libraries_stay_at_info() -> None:
    """Ccxt prints API keys at DEBUG, so it never gets there, whatever the level asked for."""
    configure("debug", "json", [], io.StringIO())
    assert logging.getLogger("ccxt.base.exchange").level == logging.INFO
