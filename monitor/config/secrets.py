"""Where a secret comes from: never the settings file itself without a warning.

`{env = "NAME"}`, `{file = "PATH"}`, `{credential = "NAME"}` (a systemd credential) and
`{keyring = "service/user"}` (with the extra `keyring`). What was read never enters a message, a log or a repr.
"""

from __future__ import annotations

import importlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from monitor.config.complaints import did_you_mean
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("env", "file", "credential", "keyring")
REMEDY = 'Write { env = "NAME" }, { file = "PATH" }, { credential = "NAME" } or { keyring = "service/user" }.'


class Keyring(Protocol):
    """The one function of the package `keyring` that is used."""

    def get_password(self, service_name: str, username: str) -> str | None:
        """Return the stored secret, None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class SecretSource:
    """One way to a secret: `kind` is one of KINDS, or `inline` with the secret itself in `name`."""

    kind: str
    name: str = field(repr=False)


def secret_source(written: object) -> SecretSource:
    """Return what the settings file wrote as a source.

    Raises:
        ValueError: neither text nor a table with exactly one known key; the text never repeats the value.
    """
    if isinstance(written, SecretSource):
        return written
    if isinstance(written, str) and written:
        return SecretSource("inline", written)
    if isinstance(written, dict) and len(written) == 1:
        kind, name = next(iter(written.items()))
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no source of secrets. {did_you_mean(str(kind), KINDS)} {REMEDY}")
        if isinstance(name, str) and name:
            return SecretSource(kind, name)
    raise ValueError(f"this is no source of a secret. {REMEDY}")


def read_secret(source: SecretSource, environ: Mapping[str, str], folder: Path) -> str:
    """Return the secret; relative files count from `folder`, the settings file's.

    Raises:
        ConfigError: the source does not exist, is empty, or others can read it.
    """
    if source.kind == "inline":
        return source.name
    if source.kind == "env":
        return _from_environment(source.name, environ)
    if source.kind == "keyring":
        return _from_keyring(source.name)
    if source.kind == "file":
        return _from_file(folder / Path(source.name).expanduser())
    return _from_credential(source.name, environ)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if secret := environ.get(name, "").strip():
        return secret
    state = "empty" if name in environ else "not set"
    near = "" if name in environ else did_you_mean(name, environ)
    raise ConfigError(f"the environment variable {name} is {state}.", f"{near} Set it: export {name}=...".strip())


def _from_file(path: Path) -> str:
    try:
        facts = path.stat()
        # As ssh does with private keys: what others can read is no secret any more.
        if stat.S_IMODE(facts.st_mode) & 0o077:
            mode = f"{stat.S_IMODE(facts.st_mode):04o}"
            raise ConfigError(f"others can read the secrets file {path} (mode {mode}).", f"chmod 600 {path}")
        if facts.st_uid not in {os.geteuid(), 0}:
            raise ConfigError(f"the secrets file {path} belongs to another user.", f"chown {os.geteuid()} {path}")
        return _content(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"the secrets file {path} cannot be read: {reason}.", "Check the path.") from None


def _content(path: Path) -> str:
    """Return a file's text without the newline an editor adds; inner newlines stay, keys in PEM need them."""
    if secret := path.read_text(encoding="utf-8").strip():
        return secret
    raise ConfigError(f"the secrets file {path} is empty.", "Write the secret into it.")


def _from_credential(name: str, environ: Mapping[str, str]) -> str:
    # systemd itself guards this folder (0500, the service's user), so the modes are not looked at again.
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        remedy = f"Start the monitor as a systemd service with LoadCredential={name}:PATH."
        raise ConfigError("there is no $CREDENTIALS_DIRECTORY.", remedy)
    try:
        return _content(Path(folder) / name)
    except (OSError, UnicodeDecodeError):
        remedy = f"Add LoadCredential={name}:PATH to the service."
        raise ConfigError(f"systemd passed no readable credential {name!r}.", remedy) from None


def _from_keyring(name: str) -> str:
    service, slash, user = name.partition("/")
    if not slash:
        raise ConfigError(f"{name!r} names no keyring entry.", 'Write { keyring = "service/user" }.')
    try:
        # An extra: imported only where the settings ask for it.
        keyring = cast("Keyring", importlib.import_module("keyring"))
        refused = cast("type[Exception]", importlib.import_module("keyring.errors").KeyringError)
    except ImportError:
        remedy = "pip install 'inventory-turnover-monitor[keyring]'"
        raise ConfigError("the package keyring is not installed.", remedy) from None
    try:
        secret = keyring.get_password(service, user)
    except refused as error:
        # Locked, or no backend at all, as on most servers: only the class is told, a backend's text is not ours.
        raise ConfigError(f"the keyring cannot be read ({type(error).__name__}).", "keyring diagnose") from None
    if secret:
        return secret
    raise ConfigError(f"the keyring holds nothing for {name!r}.", f"keyring set {service} {user}")
