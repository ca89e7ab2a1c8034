"""The command line: a thin face over the jobs and the store."""

from monitor.cli.app import main

__all__ = ["main"]
