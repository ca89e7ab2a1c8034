"""Secrets come from where they are safe, and nothing else is accepted in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.core import load_keyring

from monitor.config.secrets import SecretSource, read_secret
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_environment_gives_a_secret(tmp_path: Path) -> None:
    """A newline left by a shell is no part of the key."""
    assert read_secret(SecretSource("env", "KEY"), {"KEY": "abc\n"}, tmp_path) == "abc"


def test_a_private_file_gives_a_secret(tmp_path: Path) -> None:
    """Relative to the settings file; inner newlines stay, because PEM keys have them."""
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN\nabc\n-----END\n")
    file.chmod(0o600)
    assert read_secret(SecretSource("file", "key.pem"), {}, tmp_path) == "-----BEGIN\nabc\n-----END"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """As ssh does with a private key; the remedy is the command."""
    file = tmp_path / "key"
    file.write_text("abc")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=rf"others can read .*mode {mode:04o}.* chmod 600 {file}"):
        read_secret(SecretSource("file", str(file)), {}, tmp_path)


def test_systemd_gives_a_credential(tmp_path: Path) -> None:
    """From $CREDENTIALS_DIRECTORY, whatever its modes: systemd guards it."""
    (tmp_path / "kraken").write_text("abc\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_secret(SecretSource("credential", "kraken"), environ, tmp_path) == "abc"


@pytest.mark.parametrize(
    ("kind", "name", "environ", "words"),
    [
        ("env", "KEY", {}, "KEY is not set. Set it: export KEY="),
        ("env", "KRAKEN_KEY", {"KRAKEN_KEYS": "x"}, 'Did you mean "KRAKEN_KEYS"?'),
        ("env", "KEY", {"KEY": " "}, "KEY is empty"),
        ("file", "none", {}, "none cannot be read: No such file"),
        ("credential", "k", {}, "no $CREDENTIALS_DIRECTORY"),
        ("credential", "k", {"CREDENTIALS_DIRECTORY": "/nonexistent"}, "LoadCredential=k:PATH"),
        ("keyring", "kraken", {}, "names no keyring entry"),
    ],
)
def test_a_missing_secret_names_the_way_to_it(
    tmp_path: Path, kind: str, name: str, environ: dict[str, str], words: str
) -> None:
    """What is missing, and the command or line that provides it."""
    with pytest.raises(ConfigError) as caught:
        read_secret(SecretSource(kind, name), environ, tmp_path)
    assert words in str(caught.value)


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    """An empty key would be refused by the venue, hours later and less clearly."""
    (tmp_path / "key").touch(mode=0o600)
    with pytest.raises(ConfigError, match="is empty"):
        read_secret(SecretSource("file", "key"), {}, tmp_path)


class Drawer(KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1
    held: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return what was put under both names."""
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""
        self.held[service, username] = password


@pytest.fixture
def keyrings() -> Iterator[None]:
    """Put the process's own keyring back afterwards."""
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("keyrings")
def test_a_keyring_gives_a_secret(tmp_path: Path) -> None:
    """The entry that `keyring set SERVICE USER` wrote; another one is missing, with the command that writes it."""
    keyring.set_keyring(Drawer())  # type: ignore[no-untyped-call]  # keyring's own __init__
    keyring.set_password("monitor", "kraken", "abc")
    assert read_secret(SecretSource("keyring", "monitor/kraken"), {}, tmp_path) == "abc"
    with pytest.raises(ConfigError, match=r"holds nothing for 'monitor/okx'.*keyring set monitor okx"):
        read_secret(SecretSource("keyring", "monitor/okx"), {}, tmp_path)


@pytest.mark.usefixtures("keyrings")
def test_a_machine_without_a_keyring_is_told(tmp_path: Path) -> None:
    """Most servers have none: one sentence, not the package's traceback."""
    keyring.set_keyring(load_keyring("keyring.backends.fail.Keyring"))
    with pytest.raises(ConfigError, match=r"cannot be read \(NoKeyringError\)"):
        read_secret(SecretSource("keyring", "monitor/kraken"), {}, tmp_path)
