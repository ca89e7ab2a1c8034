"""Find the settings file, the database it names, and the files that travel with the package.

Read-only commands need no more than the database's path, so nothing here imports pydantic: a question about
turnover must not wait for a validator.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_NAME = "monitor.toml"
DEFAULT_DATABASE = "monitor.db"


def find_config(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the settings file to use, None if there is none.

    In order: the file given, `$MONITOR_CONFIG`, `./monitor.toml`, `~/.config/monitor/monitor.toml`
    (`$XDG_CONFIG_HOME/monitor/monitor.toml` where that is set).

    Raises:
        ConfigError: a file that was named explicitly does not exist.
    """
    named = given or (Path(environ["MONITOR_CONFIG"]) if environ.get("MONITOR_CONFIG") else None)
    if named:
        path = named.expanduser()
        if not path.is_file():
            remedy = "Name an existing file, or write one with: monitor init"
            raise ConfigError(f"There is no settings file {str(path)!r}.", remedy)
        return path
    home = Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    places = (Path(DEFAULT_NAME), home / "monitor" / DEFAULT_NAME)
    return next((place for place in places if place.is_file()), None)


def read_toml(path: Path) -> tuple[str, dict[str, object]]:
    """Return the text of a settings file and the tables in it.

    Raises:
        ConfigError: the file cannot be read, is no UTF-8 or no TOML; the message has line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        remedy = "Text needs quotes, lists need [ ], a table starts with [name]; see https://toml.io"
        raise ConfigError(f"{path} is not valid TOML: {error}.", remedy) from None


def database_path(written: str, config: Path) -> Path:
    """Return the database's path; a relative one counts from the folder of the settings file."""
    path = Path(written).expanduser()
    return path if path.is_absolute() else config.parent / path


def locate_database(config: Path) -> Path:
    """Return the path of the database a settings file names, checking nothing else in it.

    Raises:
        ConfigError: the file cannot be read, or `database` is no text.
    """
    written = read_toml(config)[1].get("database", DEFAULT_DATABASE)
    if not isinstance(written, str) or not written:
        raise ConfigError(f"{config}: database = {written!r} is no path.", 'Write database = "monitor.db".')
    return database_path(written, config)


def shipped_file(name: str) -> Path:
    """Return a file of the folder `config/`, in a clone as well as in an installed wheel.

    The wheel carries the folder as `monitor/config_files/`, because a name as plain as `config` at the top of
    site-packages would belong to everybody.
    """
    package = Path(__file__).resolve().parent.parent
    places = (package / "config_files" / name, package.parent / "config" / name)
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(f"The file {name!r} that ships with the monitor is missing.", "Install the package again.")
