"""`init`, `check`, `schema`: the settings file."""

# ruff: noqa: PLC0415 - pydantic is imported by the two commands that need it

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from monitor.cli.options import DeskCommand, choices_of, settings_file
from monitor.cli.output import emit, say
from monitor.config.locate import DEFAULT_NAME, shipped_file
from monitor.errors import ConfigError

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
@click.pass_context
def check(context: click.Context) -> int:
    r"""Check the settings file and say everything that is wrong with it; nothing is sent anywhere.

    \b
    Example: monitor -c desk/monitor.toml check
    """
    from monitor.jobs.rules import check_file

    choices = choices_of(context)
    path = settings_file(choices)
    settings, complaints = check_file(path, os.environ)
    wrong = settings is None
    if choices.format == "json":
        told = [{name: getattr(complaint, name) for name in complaint.__slots__} for complaint in complaints]
        emit(json.dumps({"file": str(path), "ok": not wrong, "complaints": told}, indent=2) + "\n")
    for complaint in complaints if choices.format != "json" else ():
        say(f"{complaint.severity.capitalize()}: {complaint}")
    if settings is not None and choices.format != "json":
        accounts = ", ".join(f"{account.name} ({account.exchange})" for account in settings.accounts) or "none"
        emit(f"{path} is good. Accounts: {accounts}. Rules: {len(settings.rules)}. Database: {settings.database}\n")
    return SETTINGS_WRONG if wrong else 0


@click.command(cls=DeskCommand)
def schema() -> None:
    r"""Print the JSON schema of the settings file, for completion and checks in your editor.

    \b
    Example: monitor schema > monitor.schema.json
    """
    from monitor.jobs.rules import settings_schema

    emit(json.dumps(settings_schema(), indent=2) + "\n")
