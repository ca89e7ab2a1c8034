"""Read the settings file: everything wrong with it in one answer, or frozen Settings.

(file, environment) -> (settings or None, complaints): a mistake is no exception here, so that a person sees all ten at
once; `load_settings` is the short way for who only wants to go on or stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import ValidationError

from monitor.config.complaints import Complaint, Page, refuse
from monitor.config.locate import database_path, read_toml
from monitor.config.mistakes import mistake, told_twice
from monitor.config.model import CREDENTIALS, PUBLIC, AccountTable, CoinGeckoTable, FileTable
from monitor.config.place import Place, line_numbers
from monitor.config.secrets import SecretSource, read_secret, secret_source
from monitor.config.settings import BUILT_IN_CHANNELS, Grouping, Log, Schedule, Settings
from monitor.errors import ConfigError
from monitor.records import Account, CoinGecko, Valuation

if TYPE_CHECKING:
    from pathlib import Path

HEARTBEAT: Place = ("heartbeat", "url")
COINGECKO: Place = ("coingecko", "key")
Secrets = Mapping[Place, str]
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file.

    Raises:
        ConfigError: the file cannot be used; the message has one line for each mistake.
    """
    settings, complaints = read_settings(path, environ)
    refuse(complaints)
    if settings is None:
        raise ConfigError(f"{path} cannot be used.")
    return settings


def read_settings(path: Path, environ: Mapping[str, str]) -> tuple[Settings | None, tuple[Complaint, ...]]:
    """Return the settings (None if there is an error) and everything there is to complain about.

    Raises:
        ConfigError: the file cannot be read, or is no TOML at all.
    """
    text, tables = read_toml(path)
    page = Page(path, line_numbers(text))
    secrets, complaints = _secrets(tables, page, environ)
    complaints += _repeated_names(tables, page)
    if (url := secrets.get(HEARTBEAT)) is not None and not url.startswith(("http://", "https://")):
        complaints.append(page.complaint(HEARTBEAT, "a heartbeat goes to http:// or https://.", "Correct the address."))
    try:
        table = FileTable.model_validate(tables)
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [mistake(page, detail) for detail in details if not told_twice(detail)]
        return None, _in_order([*found, *complaints])
    if any(complaint.severity == "error" for complaint in complaints):
        return None, _in_order(complaints)
    return _settings(table, secrets, path, _in_order(complaints)), _in_order(complaints)


def valuation_of(path: Path) -> Valuation:
    """Return the assumptions behind the numbers that a file makes; its secrets are not needed for that.

    Raises:
        ConfigError: the file cannot be used; the message has one line for each mistake.
    """
    text, tables = read_toml(path)
    try:
        return _valuation(FileTable.model_validate(tables))
    except ValidationError as error:
        page = Page(path, line_numbers(text))
        refuse([mistake(page, detail) for detail in error.errors(include_url=False) if not told_twice(detail)])
        raise ConfigError(f"{path} cannot be used.") from None


def rule_tables(path: Path) -> tuple[Page, list[dict[str, object]]]:
    """Return the tables under [[rules]] of a file as they stand, and the page to complain on."""
    text, tables = read_toml(path)
    rules = tables.get("rules")
    found = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return Page(path, line_numbers(text)), found


def channel_names(path: Path) -> frozenset[str]:
    """Return the channels a rule of a file may notify, whatever else is wrong with them."""
    channels = read_toml(path)[1].get("channels")
    return BUILT_IN_CHANNELS | (frozenset(channels) if isinstance(channels, dict) else frozenset())


def account_names(path: Path) -> frozenset[str]:
    """Return the accounts a file has read from venues, whatever else is wrong with them."""
    accounts = read_toml(path)[1].get("accounts")
    listed = accounts if isinstance(accounts, list) else []
    return frozenset(name for one in listed if isinstance(one, dict) and isinstance(name := one.get("name"), str))


def _settings(table: FileTable, secrets: Secrets, path: Path, warnings: tuple[Complaint, ...]) -> Settings:
    """Return the checked tables as the records the rest of the program knows."""
    return Settings(
        database=database_path(table.database, path),
        accounts=tuple(_account(account, secrets, place) for place, account in enumerate(table.accounts)),
        valuation=_valuation(table),
        schedule=Schedule(**dict(table.schedule)),
        channels={name: secrets["channels", name, "url"] for name in table.channels},
        rules=table.rules,
        grouping=Grouping(table.alerts.group_by, table.alerts.group_wait),
        heartbeat=secrets.get(HEARTBEAT),
        log=Log(**dict(table.log)),
        coingecko=_coingecko(table.coingecko, secrets.get(COINGECKO)),
        origin=path,
        warnings=warnings,
    )


def _account(table: AccountTable, secrets: Secrets, position: int) -> Account:
    """Return one account with its credentials under ccxt's names."""
    read = {ours: secrets.get(("accounts", position, ours)) for ours in CREDENTIALS}
    return Account(
        name=table.name,
        exchange=table.exchange,
        credentials={CREDENTIALS[ours]: secret for ours, secret in read.items() if secret is not None},
        books=table.books,
        symbols=table.symbols,
        start=table.start,
        options=table.options,
        endpoint=table.endpoint,
        allow_unverified=table.allow_unverified,
    )


def _coingecko(table: CoinGeckoTable | None, key: str | None) -> CoinGecko | None:
    if table is None or key is None:
        return None
    return CoinGecko(key, table.plan, table.ids, table.endpoint)


def _valuation(table: FileTable) -> Valuation:
    """Return the assumptions behind the numbers; the reporting currency is always cash.

    The usual pegs say that a dollar coin is worth a dollar, so they hold for USD alone: another reporting currency has
    only the pegs written down.
    """
    usual = Valuation().pegs if table.currency == "USD" else dict[str, Decimal]()
    return Valuation(
        currency=table.currency,
        cash=frozenset(table.cash) | {table.currency},
        pegs=dict(table.pegs) if table.pegs is not None else usual,
        dust_value=table.dust,
        method=table.method,
        stale_after=table.stale_after,
    )


def _secrets(
    tables: Mapping[str, object], page: Page, environ: Mapping[str, str]
) -> tuple[dict[Place, str], list[Complaint]]:
    """Read every secret of the raw tables, so that a missing one is told even if something else is wrong too."""
    secrets: dict[Place, str] = {}
    complaints: list[Complaint] = []
    for place, written in _secret_places(tables):
        try:
            source = secret_source(written)
        except ValueError:
            continue  # the model complains about it
        try:
            secrets[place] = read_secret(source, environ, page.path.parent)
        except ConfigError as error:
            complaints.append(page.complaint(place, error.message, error.remedy))
        if source.kind == "inline" and not _harmless(place, source, tables):
            remedy = 'Better: { env = "NAME" } or { file = "PATH" }.'
            complaints.append(page.warning(place, "this secret stands in the settings file itself.", remedy))
    return secrets, complaints


def _secret_places(tables: Mapping[str, object]) -> Iterator[tuple[Place, object]]:
    """Yield what is written under every key that may hold a secret."""
    accounts, channels = tables.get("accounts"), tables.get("channels")
    for position, account in enumerate(accounts if isinstance(accounts, list) else []):
        for key in CREDENTIALS:
            if isinstance(account, dict) and key in account:
                yield ("accounts", position, key), account[key]
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        if isinstance(channel, dict) and "url" in channel:
            yield ("channels", name, "url"), channel["url"]
    heartbeat = tables.get("heartbeat")
    if isinstance(heartbeat, dict) and "url" in heartbeat:
        yield HEARTBEAT, heartbeat["url"]
    coingecko = tables.get("coingecko")
    if isinstance(coingecko, dict) and "key" in coingecko:
        yield COINGECKO, coingecko["key"]


def _harmless(place: Place, source: SecretSource, tables: Mapping[str, object]) -> bool:
    """Tell whether a text may stand in the file: a public id, a key for a server on this machine, a local channel."""
    if place[0] in {"channels", "heartbeat"}:
        return "@" not in source.name and any(f"://{host}" in source.name for host in LOCAL)
    if place == COINGECKO:
        coingecko = tables.get("coingecko")
        return isinstance(coingecko, dict) and "endpoint" in coingecko
    accounts = tables["accounts"]
    account = accounts[place[1]] if isinstance(accounts, list) and isinstance(place[1], int) else {}
    return place[-1] in PUBLIC or "endpoint" in account


def _repeated_names(tables: Mapping[str, object], page: Page) -> list[Complaint]:
    """Complain about two accounts of one name, and about a channel that takes the name of a built-in one."""
    complaints: list[Complaint] = []
    accounts, channels = tables.get("accounts"), tables.get("channels")
    seen: dict[object, int] = {}
    for position, account in enumerate(accounts if isinstance(accounts, list) else []):
        name = account.get("name") if isinstance(account, dict) else None
        if isinstance(name, str) and seen.setdefault(name, position) != position:
            message = f"account {seen[name] + 1} has this name already."
            complaints.append(page.complaint(("accounts", position, "name"), message, "Names are unique.", f'"{name}"'))
    for name in BUILT_IN_CHANNELS.intersection(channels if isinstance(channels, dict) else ()):
        message = "a channel of this name is built in."
        complaints.append(page.complaint(("channels", name), message, "Give yours another name."))
    return complaints


def _in_order(complaints: list[Complaint]) -> tuple[Complaint, ...]:
    """Return complaints as they stand in the file, those without a line first."""
    return tuple(sorted(complaints, key=lambda complaint: (complaint.line or 0, complaint.key)))
