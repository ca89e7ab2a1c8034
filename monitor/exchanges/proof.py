"""Proof that a key can only read, where the venue can say so. What it does not say counts as not read-only.

Each reader takes the body of one endpoint and returns what the key may do beyond reading: an empty list proves
read-only, None means that the answer does not say. A permission that nobody here knows counts as one that writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from monitor.errors import CallRejected

if TYPE_CHECKING:
    from monitor.exchanges.client import Client

Excess: TypeAlias = "list[str] | None"
Reader: TypeAlias = Callable[[object, str], Excess]

# What a key may be granted without being able to move or trade anything (the venues' documentation, July 2026).
BINANCE_HARMLESS = frozenset(
    {"enableReading", "ipRestrict", "createTime", "tradingAuthorityExpirationTime", "enableFixReadOnly"}
)
KRAKEN_HARMLESS = frozenset({
    "query-funds", "query-open-trades", "query-closed-trades", "query-ledger", "query-ledger-entries", "export-data",
})  # fmt: skip
BITGET_HARMLESS = frozenset(
    {"readonly", "coor", "cpor", "stor", "smor", "ttor", "wtor", "taxr", "chor", "p2pr", "pllr"}
)
COINBASE_HARMLESS = frozenset({"can_view"})
BINGX_HARMLESS = frozenset({"2"})  # 1 and 3 trade, 4 and 7 transfer, 5 withdraws


@dataclass(frozen=True, slots=True)
class Proof:
    """What a venue says of a key: `read_only` (None: it cannot say), and the sentence for the user."""

    account: str
    read_only: bool | None
    message: str


async def check_online(client: Client) -> Proof:
    """Ask the venue what the key may do, after making sure that it is accepted at all.

    Raises:
        VenueError: the venue refused the key or did not answer.
    """
    exchange, name = client.account.exchange, client.account.name
    question = QUESTIONS.get(exchange)
    if question is None or not hasattr(client.exchange, question[0]):
        await client.call("fetch_balance")
        return Proof(name, None, f"{exchange} accepts the key, but cannot say whether it is read-only.")
    method, reader = question
    params: dict[str, object] = {}
    if exchange == "htx":
        user = _under((await client.call("spotPrivateGetV2UserUid")).value, "data")
        params = {"uid": user, "accessKey": client.account.credentials.get("apiKey", "")}
    try:
        answer = await client.call(method, params)
    except CallRejected as error:
        return Proof(name, None, f"{exchange} does not say what the key may do: {error.message}")
    return judged(name, reader(answer.value, client.account.credentials.get("apiKey", "")))


def judged(name: str, excess: Excess) -> Proof:
    """Return the verdict on an account's key."""
    if excess is None:
        return Proof(name, None, "The venue's answer does not say what the key may do.")
    if excess:
        return Proof(name, False, f"The key may do more than read: {', '.join(excess)}. Use a read-only key.")
    return Proof(name, True, "The venue says that the key can only read.")


def _under(value: object, *path: str | int) -> object:
    """Return what lies at a path of names and positions; None where it ends early."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _beyond(granted: object, harmless: frozenset[str]) -> Excess:
    """Return the granted permissions that are not harmless; None if there is no list of them, or an empty one."""
    if isinstance(granted, str):
        granted = [part.strip() for part in granted.split(",") if part.strip()]
    if not isinstance(granted, list) or not granted:
        return None
    return sorted(str(one) for one in granted if str(one) not in harmless)


def _on(flags: object, reading: str, harmless: frozenset[str]) -> Excess:
    """Return the flags that are not off, beside the harmless; None if reading itself is not granted."""
    if not isinstance(flags, Mapping) or flags.get(reading) is not True:
        return None
    return sorted(str(name) for name, on in flags.items() if on is not False and name not in harmless)


def binance(body: object, _key: str) -> Excess:
    """`apiRestrictions`: one flag for each permission."""
    return _on(body, "enableReading", BINANCE_HARMLESS)


def bybit(body: object, _key: str) -> Excess:
    """`query-api`: one flag for the whole key."""
    flag = _under(body, "result", "readOnly")
    return None if flag is None else [] if str(flag) == "1" else ["readOnly is off"]


def okx(body: object, _key: str) -> Excess:
    """`account/config`: `perm` is a list in one text."""
    return _beyond(_under(body, "data", 0, "perm"), frozenset({"read_only"}))


def kraken(body: object, _key: str) -> Excess:
    """`GetApiKeyInfo`: names of permissions."""
    return _beyond(_under(body, "result", "permissions"), KRAKEN_HARMLESS)


def bitfinex(body: object, _key: str) -> Excess:
    """`auth/r/permissions`: [scope, read, write] for each scope."""
    if not isinstance(body, list) or not body or not all(isinstance(row, list) and len(row) > 2 for row in body):  # noqa: PLR2004 - scope, read, write
        return None
    return sorted(str(row[0]) for row in body if str(row[2]) != "0")


def kucoin(body: object, _key: str) -> Excess:
    """`user/api-key`: `permission` is a list in one text; General reads."""
    return _beyond(_under(body, "data", "permission"), frozenset({"General"}))


def coinbase(body: object, _key: str) -> Excess:
    """`key_permissions`: flags that begin with `can_`, beside facts about the portfolio."""
    if not isinstance(body, Mapping):
        return None
    return _on({name: on for name, on in body.items() if str(name).startswith("can_")}, "can_view", COINBASE_HARMLESS)


def bitget(body: object, _key: str) -> Excess:
    """`account/info`: codes, of which those for reading are known."""
    return _beyond(_under(body, "data", "authorities"), BITGET_HARMLESS)


def htx(body: object, key: str) -> Excess:
    """`user/api-key`: the row of this key; `permission` is a list in one text."""
    return _beyond(_under(_mine(_under(body, "data"), "accessKey", key), "permission"), frozenset({"readOnly"}))


def deribit(body: object, key: str) -> Excess:
    """`list_api_keys`: the row of this key; `max_scope` is `area:right` by spaces."""
    scope = _under(_mine(_under(body, "result"), "client_id", key), "max_scope")
    parts = [part for part in str(scope or "").split() if part.partition(":")[0] not in {"name", "session", "ip"}]
    if not parts:
        return None
    return sorted(part for part in parts if part.partition(":")[2] not in {"read", "none"})


def bingx(body: object, _key: str) -> Excess:
    """`apiPermissions`: numbers of permissions."""
    found = _under(body, "data", "permissions")
    return _beyond(_under(body, "permissions") if found is None else found, BINGX_HARMLESS)


def _mine(rows: object, field: str, key: str) -> object:
    """Return the row of this very key; None if it is not listed."""
    return next(
        (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, Mapping) and row.get(field) == key),
        None,
    )


QUESTIONS: dict[str, tuple[str, Reader]] = {
    "binance": ("sapiGetAccountApiRestrictions", binance),
    "binanceusdm": ("sapiGetAccountApiRestrictions", binance),
    "binancecoinm": ("sapiGetAccountApiRestrictions", binance),
    "bybit": ("privateGetV5UserQueryApi", bybit),
    "okx": ("privateGetAccountConfig", okx),
    "kraken": ("privatePostGetApiKeyInfo", kraken),
    "bitfinex": ("privatePostAuthRPermissions", bitfinex),
    "kucoin": ("privateGetUserApiKey", kucoin),
    "coinbase": ("v3PrivateGetBrokerageKeyPermissions", coinbase),
    "bitget": ("privateSpotGetV2SpotAccountInfo", bitget),
    "htx": ("spotPrivateGetV2UserApiKey", htx),
    "deribit": ("privateGetListApiKeys", deribit),
    "bingx": ("accountV1PrivateGetAccountApiPermissions", bingx),
}
