"""The command `monitor`: which commands there are, and what a failure looks like.

A command's module is imported when the command runs, so that `monitor --help` is as quick as click itself and a
question about turnover never waits for an exchange library.
"""

# ruff: noqa: PLC0415 - what only a failure needs is imported when something fails

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn, cast

import click

from monitor import __version__
from monitor.cli.options import Choices, DeskGroup
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
# Command: where it is, and the line `--help` shows for it without importing it.
COMMANDS = {
    "demo": ("demo:demo", "A desk with a known answer, synced and measured before your eyes."),
    "init": ("setup:init", "Write a commented settings file."),
    "check": ("setup:check", "Check the settings file; every mistake at once."),
    "run": ("running:run", "Watch the desk: collect, measure, alert, deliver."),
    "sync": ("running:sync", "Read what is new from every account, once."),
    "plan": ("plan:plan", "What the next sync would read, and how long it takes."),
    "turnover": ("turnover:turnover", "How fast each asset turns over."),
    "inventory": ("inventory:inventory", "What is held: basis, mark, pnl, age."),
    "stuck": ("inventory:stuck", "What the money waits in, and why."),
    "series": ("series:series", "A metric as a rolling line."),
    "explain": ("explain:explain", "A number taken apart, down to its fills."),
    "fills": ("ledger:fills", "The stored fills, newest first."),
    "balances": ("ledger:balances", "What each account holds."),
    "accounts": ("ledger:accounts", "The accounts and how complete they are."),
    "alerts": ("alerts:alerts", "What is firing, and what was."),
    "rules": ("rules:rules", "The alert rules: list, check, back-test."),
    "status": ("health:status", "Whether everything is fresh and complete."),
    "findings": ("health:findings", "What a person must know about the data."),
    "gaps": ("health:gaps", "Spans in which fills may be missing."),
    "reconcile": ("reconcile:reconcile", "Whether the ledger equals the balances, exactly."),
    "import": ("files:import_events", "Read an events file, a prices file, or both."),
    "export": ("files:export_events", "Write the ledger as an events file."),
    "rebuild": ("running:rebuild", "Work out every derived number again from the ledger."),
    "schema": ("setup:schema", "The JSON schema of the settings file, for editors."),
}
EPILOG = """\b
Examples:
  monitor demo
  monitor init && monitor check && monitor run
  monitor turnover BTC --window 7d -f json
  monitor --db desk.db import events.csv && monitor --db desk.db turnover

\b
Exit codes: 0 ok, 1 failure, 2 usage or settings, 3 threshold breached,
4 stale or partial, 5 credentials refused.

Completion in your shell: eval "$(_MONITOR_COMPLETE=bash_source monitor)", also zsh_source and fish_source.
"""


class LazyGroup(DeskGroup):
    """The commands of `monitor`, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a new user meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None if there is none of the name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        return cast("click.Command", getattr(importlib.import_module(f"monitor.cli.{module}"), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from COMMANDS alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one name the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from monitor.config.complaints import did_you_mean

            ctx.fail(f"There is no command {args[0]!r}. {did_you_mean(args[0], COMMANDS)}".strip())
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="monitor", message="%(prog)s %(version)s")
def monitor() -> None:
    """Inventory turnover of a crypto trading desk: how fast does it turn, and what is stuck?

    -c, --db, -f and -v may stand before the command or after it.
    """


def outcome(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; a failure is one sentence on standard error."""
    choices = Choices()
    try:
        code = monitor.main(args=arguments, prog_name="monitor", standalone_mode=False, obj=choices)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except MonitorError as error:
        if choices.verbose:
            import traceback

            traceback.print_exc()
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Run the command line this process was started with."""
    # The allocator of polars would keep what was freed: half of a great computation's memory, until the process ends.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
    sys.exit(outcome())
