"""Proof that a key can only read, where the venue can say so. What it does not say counts as not read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from monitor.exchanges.client import Answer, Client

# What a Binance key may be granted without being able to move or trade anything.
BINANCE_HARMLESS = frozenset(
    {"enableReading", "ipRestrict", "createTime", "tradingAuthorityExpirationTime", "enableFixReadOnly"}
)
KRAKEN_HARMLESS = frozenset({"query-funds", "query-open-trades", "query-closed-trades", "query-ledger", "export-data"})


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
    if exchange in {"binance", "binanceusdm", "binancecoinm"}:
        return _judged(name, binance_excess(await client.call("sapiGetAccountApiRestrictions")))
    if exchange == "kraken" and hasattr(client.exchange, "privatePostGetApiKeyInfo"):
        return _judged(name, kraken_excess(await client.call("privatePostGetApiKeyInfo")))
    if exchange == "bybit":
        return _judged(name, bybit_excess(await client.call("privateGetV5UserQueryApi")))
    await client.call("fetch_balance")
    return Proof(name, None, f"{exchange} accepts the key, but cannot say whether it is read-only.")


def _judged(name: str, excess: list[str] | None) -> Proof:
    verdict: Literal["yes", "no", "unknown"] = "unknown" if excess is None else "no" if excess else "yes"
    if verdict == "unknown":
        return Proof(name, None, "The venue's answer does not say what the key may do.")
    if verdict == "no":
        return Proof(name, False, f"The key may do more than read: {', '.join(excess or [])}. Use a read-only key.")
    return Proof(name, True, "The venue says that the key can only read.")


def binance_excess(answer: Answer) -> list[str] | None:
    """Return the permissions beyond reading; a flag nobody knows counts as one. None if reading itself is not told."""
    flags = answer.value
    if not isinstance(flags, Mapping) or flags.get("enableReading") is not True:
        return None
    return sorted(str(name) for name, on in flags.items() if on is not False and name not in BINANCE_HARMLESS)


def kraken_excess(answer: Answer) -> list[str] | None:
    """Return the permissions beyond reading of `GetApiKeyInfo`; None if it lists none."""
    result = answer.value.get("result") if isinstance(answer.value, Mapping) else None
    granted = result.get("permissions") if isinstance(result, Mapping) else None
    if not isinstance(granted, list):
        return None
    return sorted(str(name) for name in granted if str(name) not in KRAKEN_HARMLESS)


def bybit_excess(answer: Answer) -> list[str] | None:
    """Return the permissions of a Bybit key that is not flagged read-only; None if the flag is missing."""
    result = answer.value.get("result") if isinstance(answer.value, Mapping) else None
    if not isinstance(result, Mapping) or "readOnly" not in result:
        return None
    return [] if str(result["readOnly"]) == "1" else ["readOnly is off"]
