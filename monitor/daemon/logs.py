"""Structured logs on standard error: text for a person, one JSON object a line for a machine, never a secret.

Whatever is logged, by us or by a library, passes the same chain, and its last step but one replaces every credential
of the settings by `***`: an exception's text, a URL with a signature, a debug dump.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

Event = MutableMapping[str, object]
# Libraries that print request headers (and so API keys) at DEBUG.
TALKATIVE = ("ccxt", "ccxt.base.exchange", "urllib3", "aiohttp", "asyncio", "apprise", "apscheduler")
SHORTEST_SECRET = 4  # shorter texts occur by chance in ordinary words


def configure(level: str, style: str, secrets: Iterable[str], stream: TextIO = sys.stderr) -> None:
    """Send structlog and the standard library's logging to `stream`.

    `level`: debug, info, warning or error. `style`: text, json, or auto (text on a terminal).
    """
    least = logging.getLevelName(level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redaction(secrets),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer(style, stream)],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=least, force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(least, logging.INFO if name != "apscheduler" else logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def renderer(style: str, stream: TextIO) -> Processor:
    """Return the last step: JSON, or text with colours on a terminal."""
    if style == "json" or (style == "auto" and not stream.isatty()):
        return structlog.processors.JSONRenderer(sort_keys=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=24)


def redaction(secrets: Iterable[str]) -> Callable[[object, str, Event], Event]:
    """Return a step that replaces every secret in every value of an event, at any depth of text."""
    hidden = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)

    def clean(value: object) -> object:
        if isinstance(value, bool | int | float | None):
            return value
        text = value if isinstance(value, str) else repr(value)
        for secret in hidden:
            text = text.replace(secret, "***")
        return text

    def step(_logger: object, _method: str, event: Event) -> Event:
        return {key: value if key.startswith("_") else clean(value) for key, value in event.items()}

    return step
