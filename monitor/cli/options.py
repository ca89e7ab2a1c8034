"""The options every command has, before its name or after it, and how a command finds its settings and its database."""

# ruff: noqa: PLC0415 - what reads settings imports pydantic, which a question to the database must not wait for

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from monitor.clock import parse_duration, parse_instant
from monitor.config.locate import find_config, locate_database
from monitor.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config.settings import Settings
    from monitor.records import Valuation

FORMATS = ("table", "json", "csv")
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Choices:
    """What the global options say; the same object through a whole command line, so the last word wins."""

    config: Path | None = None
    database: Path | None = None
    format: str = "table"
    verbose: bool = False


def _keep(context: click.Context, parameter: click.Parameter, value: T | None) -> None:
    """Store a global option where it was given; one that was not given leaves what stands."""
    if value is not None and parameter.name:
        setattr(context.ensure_object(Choices), parameter.name, value)


def global_options() -> list[click.Parameter]:
    """Return the options that work before a command as well as after it."""
    path = click.Path(path_type=Path)
    config = "Settings file; else $MONITOR_CONFIG, ./monitor.toml, ~/.config/monitor/monitor.toml."
    database = "Database file; no settings file is needed then."
    return [
        click.Option(["-c", "--config"], metavar="FILE", type=path, callback=_keep, expose_value=False, help=config),
        click.Option(
            ["--db", "database"], metavar="FILE", type=path, callback=_keep, expose_value=False, help=database
        ),
        click.Option(
            ["-f", "--format"],
            type=click.Choice(FORMATS),
            callback=_keep,
            expose_value=False,
            help="How to answer [default: table].",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            default=None,
            callback=_keep,
            expose_value=False,
            help="Tell more; show the traceback of a failure.",
        ),
    ]


class DeskCommand(click.Command):
    """A command that takes the global options too."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring; its backslash-b, two characters in a raw text, keeps the lines of a paragraph apart."""
        self.help = (self.help or "").replace(r"\b", "\b")
        super().format_help_text(ctx, formatter)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters, then the global ones."""
        own = super().get_params(ctx)
        return [*own[:-1], *global_options(), *own[-1:]]


class DeskGroup(click.Group):
    """A group of commands that takes the global options too."""

    command_class = DeskCommand

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters, then the global ones."""
        own = super().get_params(ctx)
        return [*own[:-1], *global_options(), *own[-1:]]


class Duration(click.ParamType[int]):
    """A length of time: 30s, 5m, 12h, 7d, 2w."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds."""
        try:
            return value if isinstance(value, int) else parse_duration(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Instant(click.ParamType[int]):
    """A point in time: ISO 8601, UTC unless it has an offset, or epoch milliseconds."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds UTC."""
        try:
            return value if isinstance(value, int) else parse_instant(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


def settings_file(choices: Choices) -> Path:
    """Return the settings file in force.

    Raises:
        ConfigError: there is none.
    """
    if path := find_config(choices.config, os.environ):
        return path
    raise ConfigError("There is no settings file.", "Write one with `monitor init`, or name one with -c FILE.")


def settings_of(choices: Choices) -> Settings:
    """Return the checked settings, rules included; `--db` replaces the database they name.

    Raises:
        ConfigError: there is no settings file, or it has mistakes.
    """
    from dataclasses import replace

    from monitor.jobs.rules import load_checked

    settings = load_checked(settings_file(choices), os.environ)
    for warning in settings.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return replace(settings, database=choices.database) if choices.database else settings


def database_of(choices: Choices) -> Path:
    """Return the database to read: `--db`, else the one the settings file names, which is not checked further.

    Raises:
        ConfigError: there is neither.
    """
    if choices.database:
        return choices.database
    if path := find_config(choices.config, os.environ):
        return locate_database(path)
    raise ConfigError(
        "There is neither a database nor a settings file.",
        "Name a database with --db FILE, a settings file with -c FILE, or write one with `monitor init`.",
    )


def valuation_in_force(choices: Choices) -> Valuation | None:
    """Return the valuation the settings file makes; None where `--db` alone is given: the database knows its own.

    Raises:
        ConfigError: the settings file has mistakes.
    """
    if choices.database and not choices.config:
        return None
    from monitor.config.load import valuation_of

    return valuation_of(settings_file(choices))


def choices_of(context: click.Context) -> Choices:
    """Return what the global options say."""
    return context.ensure_object(Choices)


def gathered(question: Callable[..., T]) -> Callable[[Callable[[click.Context, T], R]], Callable[..., R]]:
    """Hand the context and all parameters of a command over as two: the context and one record of the rest."""

    def decorate(function: Callable[[click.Context, T], R]) -> Callable[..., R]:
        @click.pass_context
        @wraps(function)
        def call(context: click.Context, /, **parameters: object) -> R:
            return function(context, question(**parameters))

        return call

    return decorate
