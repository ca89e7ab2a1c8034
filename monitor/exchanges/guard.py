"""ccxt exchange classes that cannot lose data in silence, and cannot write.

`guarded(id)` returns a subclass of the ccxt class in which

- bodies are decoded strictly, numbers keep their text, and every body is kept beside the parsed result (bodies.py);
- ccxt's filters on the client (since, limit, symbol) let everything pass: rows are judged by the collector;
- a market id that ccxt does not know is never given the symbol that was asked for;
- times in seconds become milliseconds exactly, where ccxt goes through a binary float;
- only endpoints on the read-only allowlist are sent, only to the venue's hosts, without retries or redirects.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from monitor.errors import AmountError, ForbiddenCall, UsageError
from monitor.exact import exact
from monitor.exchanges.allowlist import readable, writes
from monitor.exchanges.bodies import Body, decode
from monitor.exchanges.library import Exchange, ccxt
from monitor.exchanges.library import errors as venue_errors
from monitor.exchanges.naming import SIZE_ONE, derived, linear, same_market
from monitor.exchanges.quirks import repaired
from monitor.exchanges.shapes import in_kind
from monitor.exchanges.transport import check_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monitor.exchanges.loose import Loose
    from monitor.exchanges.shapes import Place

HTTP_ERROR = 500
# Characters of a body that an error repeats; what is shown of them is cut in errors.py.
QUOTED = 10_000
HTTP_REDIRECT = range(300, 400)
# Set while an endpoint of the allowlist is being fetched; `fetch` called any other way is refused.
_cleared: ContextVar[Place | None] = ContextVar("cleared", default=None)
# The request under way in this task, and all bodies of the call; tasks that ccxt starts inside a call share the list.
_current: ContextVar[Body | None] = ContextVar("current", default=None)
_record: ContextVar[list[Body] | None] = ContextVar("record", default=None)


def recording() -> list[Body]:
    """Start a fresh record of bodies for the calls made from here on in this task, and return it."""
    bodies: list[Body] = []
    _record.set(bodies)
    return bodies


def listed(array: Loose) -> list[Loose]:
    """Return rows as a list; ccxt hands over objects of rows too."""
    return list(array.values()) if isinstance(array, dict) else list(array)


def _beginning(text: str) -> str:
    """Return the beginning of a body in whole words: half a secret would not be recognised and blanked out."""
    return text if len(text) <= QUOTED else text[:QUOTED].rpartition(" ")[0]


def _at_least_info(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO


# ccxt writes every request to its DEBUG log, keys and signatures included; no level set elsewhere may open that.
_discreet = logging.getLogger("ccxt.guarded")
_discreet.addFilter(_at_least_info)


class Guard(Exchange):
    """What every guarded class puts before ccxt's own behaviour."""

    logger: Loose = _discreet
    number: Loose = str
    venue: type = Exchange
    hosts: frozenset[str] = frozenset()
    unlisted: Mapping[str, Mapping[str, object]] = MappingProxyType({})

    # --- the way out ---

    async def fetch2(self, path: str, api: Loose = ("public",), method: str = "GET", *told: Loose) -> object:
        """Send one request of the allowlist.

        Raises:
            ForbiddenCall: the endpoint is not on the read-only allowlist; nothing was sent.
        """
        sections = (api,) if isinstance(api, str) else tuple(api)
        if (sections, method, path) not in readable(type(self).venue):
            raise ForbiddenCall(
                f"{self.id}: {method} {path} is not on the read-only allowlist.",
                "The monitor only reads; this is a defect, please report it.",
            )
        token = _cleared.set((sections, method, path))
        try:
            return await super().fetch2(path, api, method, *told)
        finally:
            _cleared.reset(token)

    async def fetch(self, url: str, method: str = "GET", headers: Loose = None, body: Loose = None) -> object:
        """Open the socket, for cleared requests to the venue's hosts only; then start watching the parser."""
        place = _cleared.get()
        if place is None:
            raise ForbiddenCall(f"{self.id}: a request by hand is not on the read-only allowlist.")
        check_host(url, self.hosts)
        current = Body(method, place[2])
        _current.set(current)
        if (record := _record.get()) is not None:
            record.append(current)
        parent: Loose = super()
        answer = await parent.fetch(url, method, headers, body)
        current.open(answer if isinstance(answer, dict | list) else None)
        current.in_kind = in_kind(type(self).venue, place, current.value)
        return answer

    # --- the way in ---

    def on_rest_response(self, code: int, reason: str, *told: Loose) -> str:
        """Refuse what is not an answer: redirects, unmapped server errors, bodies that are not JSON."""
        _url, _method, headers, body, *_request = told
        text = str(body).strip()
        if (current := _current.get()) is not None:
            current.status, current.text = code, text
            current.headers = {str(name).lower(): str(value) for name, value in dict(headers).items()}
        if code in HTTP_REDIRECT:
            raise venue_errors.BadResponse(f"{self.id} answered with a redirect ({code})")
        if code >= HTTP_ERROR and str(code) not in self.httpExceptions:
            raise venue_errors.ExchangeNotAvailable(f"{self.id} answered {code} {reason}")
        if code < HTTP_REDIRECT.start and not text.startswith(("{", "[")):
            raise venue_errors.BadResponse(f"{self.id}: the body is not JSON: {_beginning(text)}")
        return text

    def parse_json(self, body: str) -> object:
        """Decode a body; a broken one is an error, never "no rows"."""
        current = _current.get() or Body("", "")
        try:
            return repaired(self.id, current.path, decode(body))
        except ValueError as error:
            if current.status >= HTTP_REDIRECT.start:  # an error page: the status code says it better
                return None
            raise venue_errors.BadResponse(f"{self.id}: the body is broken: {error}") from None

    # --- what the parser looks for ---

    def _note(self, container: object, found: object, default: object) -> None:
        for body in _record.get() or ():
            if id(container) not in body.envelope:
                continue
            if found is None or found is default:
                body.missed += 1
            elif isinstance(found, dict | list) and not found:
                body.found_empty = True

    # --- rows are not filtered, renamed or rounded ---

    def filter_by_limit(self, array: Loose, *_rules: object, **_named: object) -> Loose:
        """Return every row."""
        return array

    def filter_by_since_limit(self, array: Loose, *_rules: object, **_named: object) -> Loose:
        """Return every row."""
        return [] if array is None else listed(array)

    def filter_by_value_since_limit(self, array: Loose, *_rules: object, **_named: object) -> Loose:
        """Return every row."""
        return listed(array)

    def safe_ledger_entry(self, entry: Loose, currency: Loose = None) -> Loose:
        """Return the entry with the asset it names, which ccxt replaces by the asset that was asked for."""
        found = super().safe_ledger_entry(entry, currency)
        if found.get("currency") is None:
            found["currency"] = entry.get("currency")
        return found

    def safe_market(
        self,
        marketId: Loose = None,  # noqa: N803 - the name ccxt calls it by
        market: Loose = None,
        delimiter: Loose = None,
        marketType: Loose = None,  # noqa: N803 - the name ccxt calls it by
    ) -> Loose:
        """Return the market of an id; an unknown id stays unknown instead of becoming the market asked for."""
        if marketId is not None and marketId not in self._ids():
            # Kraken's futures are listed in capitals and told in small letters.
            other = next((name for name in (str(marketId).upper(), str(marketId).lower()) if name in self._ids()), None)
            marketId = other or marketId  # noqa: N806 - the name ccxt calls it by
        found = super().safe_market(marketId, market, delimiter, marketType)
        if marketId is None or (market is not None and found is market and same_market(str(marketId), market)):
            return found
        if market is not None and found is market:
            found = super().safe_market(marketId, None, delimiter, marketType or market.get("type"))
        return found if found.get("symbol") in (self.markets or {}) else self._spelt_out(found, marketType)

    def _ids(self) -> Mapping[str, object]:
        return self.markets_by_id or {}

    def _spelt_out(self, unlisted: Loose, kind: str | None) -> Loose:
        """Return an unlisted market with the assets that its id names, and remember it; else unchanged.

        Where the venue has contracts too, BTCUSDT may be either: the row keeps the id as its symbol, and the stream it
        came through decides (normalise.py), unless ccxt says which it is.
        """
        symbol = str(unlisted.get("symbol"))
        if unlisted.get("contract") and unlisted.get("base") and (unlisted.get("contractSize") or self.id in SIZE_ONE):
            self.unlisted = {**self.unlisted, symbol: unlisted}  # ccxt itself read a delisted contract's id
            return unlisted
        assets = derived(symbol, self._code, self._quotes())
        if assets is None:
            return unlisted
        contracts = any(self.has.get(family) for family in ("swap", "future", "option"))
        if contracts and kind in {"swap", "contract", "linear"}:
            contract = linear(assets) if self.id in SIZE_ONE and "/" not in symbol else None
            if contract is None:
                return unlisted
            assets = contract
        elif contracts and kind != "spot" and "/" not in symbol:
            self.unlisted = {**self.unlisted, symbol: {**unlisted, **assets}}
            return unlisted
        unlisted = {**unlisted, **assets}
        self.unlisted = {**self.unlisted, str(assets["symbol"]): unlisted}
        return unlisted

    def _quotes(self) -> dict[str, str]:
        """Return the codes of the ids that the venue quotes in."""
        return {
            str(market["quoteId"]): str(market["quote"])
            for market in (self.markets or {}).values()
            if market.get("quoteId") and market.get("quote")
        }

    def _code(self, identity: str) -> str | None:
        """Return the code of a currency id the venue lists, None for any other text."""
        known: tuple[Loose, ...] = (self.currencies_by_id or {}, self.commonCurrencies, self.currencies or {})
        return str(self.safe_currency_code(identity)) if any(identity in names for names in known) else None


def _watched(name: str) -> Callable[..., object]:
    def read(self: Guard, container: object, *keys: object) -> object:
        found = getattr(super(Guard, self), name)(container, *keys)
        arity = 2 if name.endswith("_2") else 1
        self._note(container, found, keys[arity] if len(keys) > arity else None)
        return found

    return read


def _refuse(name: str) -> Callable[..., object]:
    def refuse(self: Guard, *_args: object, **_kwargs: object) -> object:
        raise ForbiddenCall(f"{self.id}.{name} is not a read.", "The monitor never trades or moves funds.")

    return refuse


def _milliseconds(container: Loose, key: Loose, default: Loose = None) -> Loose:
    """Return a time in seconds as whole milliseconds, cut exactly: 1616667796.881 s is ...881 ms, not ...880."""
    ccxt_base: Loose = Exchange
    value = ccxt_base.safe_value(container, key)
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return int(exact(value) * 1000)
        except AmountError:
            return default
    return default


for _name in (
    "safe_value",
    "safe_value_2",
    "safe_dict",
    "safe_dict_2",
    "safe_dict_n",
    "safe_list",
    "safe_list_2",
    "safe_list_n",
):
    setattr(Guard, _name, _watched(_name))
setattr(Guard, "safe_timestamp", staticmethod(_milliseconds))  # noqa: B010 - ccxt declares a method there


@cache
def guarded(exchange: str) -> type[Guard]:
    """Return the guarded class of a ccxt exchange id.

    Raises:
        UsageError: ccxt knows no such exchange.
    """
    if exchange not in ccxt.exchanges:
        raise UsageError(f"{exchange!r} is no exchange that ccxt knows.", "Run `monitor accounts` or see ccxt's list.")
    venue = getattr(ccxt, exchange)
    stubs = {name: _refuse(name) for name in dir(venue) if writes(name) and callable(getattr(venue, name))}
    return type(f"Guarded{exchange.capitalize()}", (Guard, venue), {"venue": venue, **stubs})
