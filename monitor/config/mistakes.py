"""pydantic's errors in the words of a settings file: what is wrong, and an example of what is right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.config.complaints import Complaint, Page, did_you_mean
from monitor.config.model import CREDENTIALS, TABLES, FileTable, Table
from monitor.config.values import toml_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from monitor.config.place import Place

# pydantic names the kind it wanted; these are TOML's words for it.
WANTED = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
}
REFUSED = {
    "greater_than": "this must be greater than 0.",
    "greater_than_equal": "this must not be negative.",
    "too_short": "this list must not be empty.",
    "string_too_short": "this must not be empty.",
    "string_pattern_mismatch": "this has characters that cannot stand here.",
}


def mistake(page: Page, error: ErrorDetails) -> Complaint:
    """Return one error of pydantic as a complaint at its line."""
    place: Place = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        # The value is not shown: a misspelt api_key is still a key.
        known = _field(place)[0].model_fields
        hint = did_you_mean(str(place[-1]), known) or f"Known here: {', '.join(known)}."
        return page.complaint(place, "there is no such option.", hint)
    if error["type"] == "missing":
        return page.complaint(place, "this is required.", _example(place))
    message = _message(error)
    remedy = "" if "Did you mean" in message else _example(place)
    return page.complaint(place, message, remedy, _shown(place, error["input"]))


def told_twice(error: ErrorDetails) -> bool:
    """Tell whether an error only follows from another: a list is too short because its one element was refused."""
    return error["type"] == "too_short" and bool(error.get("input"))


def _message(error: ErrorDetails) -> str:
    """Return what is wrong with a value."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in WANTED:
        return f"this must be {WANTED[kind]}, not {toml_name(error['input'])}."
    if kind == "literal_error":
        near = did_you_mean(str(error["input"]), [word.strip("'") for word in _words(context)])
        return f"this must be {context['expected']}. {near}".strip()
    return REFUSED.get(kind, f"{error['msg']}.")


def _words(context: Mapping[str, object]) -> list[str]:
    """Return the words out of pydantic's `'fifo', 'lifo' or 'wac'`."""
    return str(context["expected"]).replace(" or ", ", ").split(", ")


def _field(place: Place) -> tuple[type[Table], str]:
    """Return the class of the table a place is in, and the option's name (empty for the table itself)."""
    names = [part for part in place if isinstance(part, str)]
    depth = 2 if names[:1] == ["channels"] else 1
    if tuple(names[:1]) in TABLES and len(names) > depth:
        return TABLES[(names[0],)], names[depth]
    return FileTable, names[0] if names else ""


def _example(place: Place) -> str:
    """Return `For example: fills = "1m"`, from the field's own example."""
    table, key = _field(place)
    field = table.model_fields.get(key)
    return f"For example: {key} = {toml_text(field.examples[0])}" if field and field.examples else ""


def _shown(place: Place, written: object) -> str | None:
    """Return the wrong value as written, None if it is long or may be a secret."""
    key = _field(place)[1]
    if key in CREDENTIALS or key == "url" or not isinstance(written, str | int | float):
        return None
    return toml_text(written)


def toml_text(value: object) -> str:
    """Return an example as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_text(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
