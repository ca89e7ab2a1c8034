"""`init`, `check`, `schema`: the settings file."""

# ruff: noqa: PLC0415 - pydantic and ccxt are imported by the commands that need them

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import DeskCommand, choices_of, settings_file
from monitor.cli.output import emit, say
from monitor.config.locate import DEFAULT_NAME, shipped_file
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.config.complaints import Complaint
    from monitor.config.settings import Settings
    from monitor.jobs.online import Verdict

SETTINGS_WRONG = 2


@click.command(cls=DeskCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path(DEFAULT_NAME))
def init(file: Path) -> None:
    r"""Write a commented settings file, ./monitor.toml unless you name another.

    \b
    Example: monitor init desk/monitor.toml
    """
    text = shipped_file("monitor.example.toml").read_text(encoding="utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # 0600 from the start: sooner or later somebody writes a key into it.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(f"{file} exists already.", "Name another file, or move it away.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from None
    say(f"Wrote {file}. Name your accounts in it, then: monitor -c {file} check")


@click.command(cls=DeskCommand)
@click.option("--online", is_flag=True, help="Also ask every venue whether its key is accepted and can only read.")
@click.pass_context
def check(context: click.Context, *, online: bool) -> int:
    r"""Check the settings file and say everything that is wrong with it; without --online nothing is sent anywhere.

    \b
    Example: monitor -c desk/monitor.toml check --online
    """
    from monitor.jobs.rules import check_file

    choices = choices_of(context)
    path = settings_file(choices)
    settings, complaints = check_file(path, os.environ)
    verdicts = _ask_venues(settings) if online and settings is not None else []
    if choices.format == "json":
        told = [{name: getattr(complaint, name) for name in complaint.__slots__} for complaint in complaints]
        answer: dict[str, object] = {"file": str(path), "ok": settings is not None, "complaints": told}
        if online:
            answer |= {"keys": [dataclasses.asdict(one) for one in verdicts]}
        emit(json.dumps(answer, indent=2) + "\n")
    else:
        _tell(path, settings, complaints, verdicts)
    return SETTINGS_WRONG if settings is None else max((one.exit_code for one in verdicts), default=0)


def _ask_venues(settings: Settings) -> list[Verdict]:
    """Return what the venues say of every account's key."""
    import asyncio

    from monitor.daemon.logs import configure
    from monitor.jobs.online import prove_all

    configure("warning", settings.log.format, settings.secrets)
    return asyncio.run(prove_all(settings.accounts))


def _tell(path: Path, settings: Settings | None, complaints: Sequence[Complaint], verdicts: Sequence[Verdict]) -> None:
    for complaint in complaints:
        say(f"{complaint.severity.capitalize()}: {complaint}")
    if settings is not None:
        accounts = ", ".join(f"{account.name} ({account.exchange})" for account in settings.accounts) or "none"
        emit(f"{path} is good. Accounts: {accounts}. Rules: {len(settings.rules)}. Database: {settings.database}\n")
    for one in verdicts:
        emit(f"{one.account} ({one.exchange}): {'ok' if one.ok else 'not ok'}. {one.message}\n")


@click.command(cls=DeskCommand)
def schema() -> None:
    r"""Print the JSON schema of the settings file, for completion and checks in your editor.

    \b
    Example: monitor schema > monitor.schema.json
    """
    from monitor.jobs.rules import settings_schema

    emit(json.dumps(settings_schema(), indent=2) + "\n")
