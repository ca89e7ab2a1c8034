"""Ask every venue whether the keys of the settings are accepted and can only read; nothing is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.errors import CredentialsRefused, MonitorError
from monitor.exchanges.client import Client, Surroundings
from monitor.exchanges.proof import check_online

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.records import Account

FAILED = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one account's venue says. `read_only`: null where it cannot say, or was not reached."""

    account: str
    exchange: str
    ok: bool
    read_only: bool | None
    message: str
    exit_code: int = 0


async def prove_all(accounts: Sequence[Account], surroundings: Surroundings | None = None) -> list[Verdict]:
    """Return a verdict for every account, all asked at once; one account's trouble never stops another."""
    shared = surroundings or Surroundings()
    return list(await asyncio.gather(*(_prove(account, shared) for account in accounts)))


async def _prove(account: Account, surroundings: Surroundings) -> Verdict:
    try:
        async with Client(account, surroundings) as client:
            await client.sync_clock()
            proof = await check_online(client)
    except MonitorError as error:
        code = CredentialsRefused.exit_code if isinstance(error, CredentialsRefused) else FAILED
        return Verdict(account.name, account.exchange, False, None, str(error), code)
    if proof.read_only is None:
        return _unproven(account, proof.message)
    code = 0 if proof.read_only else FAILED
    return Verdict(account.name, account.exchange, proof.read_only, proof.read_only, proof.message, code)


def _unproven(account: Account, message: str) -> Verdict:
    """Return the verdict on a key whose venue cannot say: it needs the owner's own word."""
    if account.allow_unverified:
        return Verdict(account.name, account.exchange, True, None, f"{message} The settings allow that.")
    remedy = "Make sure of it at the venue, then set allow_unverified = true for this account."
    return Verdict(account.name, account.exchange, False, None, f"{message} {remedy}", FAILED)
