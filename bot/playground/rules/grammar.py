"""A small schema language for Discord's JSON objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from math import isfinite
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from bot.playground.errors import Form, Path

WEB: Final = ("http", "https")
MEDIA: Final = (*WEB, "attachment")
"""Schemes of an image address, including references to uploaded files."""
ATTACHMENT: Final = "attachment://"


class ValueKind(Enum):
    """The type of a field's value."""

    TEXT = auto()
    URL = auto()
    MOMENT = auto()
    WHOLE = auto()
    NUMBER = auto()
    TRUTH = auto()
    SNOWFLAKE = auto()
    LIST = auto()
    OBJECT = auto()
    MAP = auto()
    ANYTHING = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on a text beyond its length, and Discord's error for it."""

    holds: Callable[[str], bool]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Field:
    """The schema of one value. low, high: inclusive bounds of its length, or of the number itself.

    choices: the only values (TEXT, WHOLE), schemes (URL) or keys (MAP) allowed. item: the elements
    of a LIST or MAP. fields: those of an OBJECT. variants: for an OBJECT whose fields depend on its
    number `type`. trim: spaces around a text do not count. unique: LIST items must differ.
    """

    kind: ValueKind
    required: bool = False
    low: int | None = None
    high: int | None = None
    choices: tuple[Any, ...] = ()
    item: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict[str, "Field"])
    variants: Mapping[int, Mapping[str, Field]] = field(
        default_factory=dict[int, "Mapping[str, Field]"]
    )
    rule: Rule | None = None
    trim: bool = False
    unique: bool = False


Fields = dict[str, Field]


def required(value: Field) -> Field:
    """Return the same field, but required."""
    return replace(value, required=True)


def text(
    low: int | None = None, high: int | None = None, *, trim: bool = False, rule: Rule | None = None
) -> Field:
    """A text with these length limits."""
    return Field(ValueKind.TEXT, low=low, high=high, trim=trim, rule=rule)


def url(*schemes: str, high: int = 2048) -> Field:
    """An address with one of these schemes."""
    return Field(ValueKind.URL, choices=schemes, high=high)


def timestamp() -> Field:
    """An ISO 8601 time."""
    return Field(ValueKind.MOMENT)


def integer(low: int | None = None, high: int | None = None) -> Field:
    """An integer."""
    return Field(ValueKind.WHOLE, low=low, high=high)


def number(low: int | None = None, high: int | None = None) -> Field:
    """An integer or a fraction."""
    return Field(ValueKind.NUMBER, low=low, high=high)


def boolean() -> Field:
    """true or false."""
    return Field(ValueKind.TRUTH)


def snowflake() -> Field:
    """An id, as digits or as an integer: Discord accepts both."""
    return Field(ValueKind.SNOWFLAKE)


def one_of(*choices: int | str) -> Field:
    """One of these numbers or strings."""
    return Field(
        ValueKind.WHOLE if isinstance(choices[0], int) else ValueKind.TEXT, choices=choices
    )


def list_of(
    item: Field, low: int | None = None, high: int | None = None, *, unique: bool = False
) -> Field:
    """A list with these length limits."""
    return Field(ValueKind.LIST, item=item, low=low, high=high, unique=unique)


def object_with(fields: Fields) -> Field:
    """An object with these fields."""
    return Field(ValueKind.OBJECT, fields=fields)


def union(variants: Mapping[int, Fields]) -> Field:
    """An object whose number `type` determines its fields."""
    return Field(ValueKind.OBJECT, variants=variants)


def mapping(keys: tuple[str, ...], item: Field) -> Field:
    """An object from some of these keys to values of one type."""
    return Field(ValueKind.MAP, choices=keys, item=required(item))


def known(*names: str) -> Fields:
    """Fields that Discord knows but ignores, whatever they contain."""
    return dict.fromkeys(names, Field(ValueKind.ANYTHING))


def check(value: Any, expected: Field, path: Path, form: Form) -> None:
    """Add to the form every problem in a value, at any depth."""
    if value is None:
        if expected.required:
            form.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        return
    _CHECKS[expected.kind](value, expected, path, form)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether this is a JSON number (true and false are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_integer(value: Any) -> TypeGuard[int | float]:
    """Return whether this is a JSON integer. So is 24.0, which discord.py sends."""
    return is_number(value) and value == int(value)


def is_snowflake(value: Any) -> bool:
    """Return whether this is an id, as digits or as an integer."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= 20 and int(value) < 2**64
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


def objects(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the objects in a list with their indexes; none if it is not a list."""
    if not isinstance(value, list):
        return []
    return [(i, each) for i, each in enumerate(value) if isinstance(each, Mapping)]


def check_length(length: int, low: int | None, high: int | None, path: Path, form: Form) -> bool:
    """Return whether a length is within bounds; adds Discord's error to the form if not."""
    if (low or 0) <= length and (high is None or length <= high):
        return True
    if low and high is not None:
        form.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
    elif low:
        form.add(path, "BASE_TYPE_MIN_LENGTH", f"Must be {low} or more in length.")
    else:
        form.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
    return False


def _choice(value: Any, expected: Field, path: Path, form: Form) -> bool:
    if not expected.choices or value in expected.choices:
        return True
    form.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {expected.choices}.")
    return False


def _text(value: Any, expected: Field, path: Path, form: Form) -> None:
    if not isinstance(value, str):
        form.add(path, "STRING_TYPE_CONVERT", "Could not be read as text.")
        return
    length = len(value.strip() if expected.trim else value)
    if expected.required and not expected.low and length == 0:
        form.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        return
    fits = check_length(length, expected.low, expected.high, path, form)
    if fits and _choice(value, expected, path, form):
        rule = expected.rule
        if rule is not None and not rule.holds(value):
            form.add(path, rule.code, rule.message)


def _url(value: Any, expected: Field, path: Path, form: Form) -> None:
    if not isinstance(value, str):
        form.add(path, "STRING_TYPE_CONVERT", "Could not be read as text.")
        return
    if not check_length(len(value), None, expected.high, path, form):
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    spaces = parts.scheme in WEB and any(each.isspace() for each in value)
    if parts.scheme and parts.scheme not in expected.choices:
        says = f'Scheme "{parts.scheme}" is not supported.'
        form.add(
            path, "URL_TYPE_INVALID_SCHEME", f"{says} Scheme must be one of {expected.choices}."
        )
    elif not parts.scheme or not parts.netloc or spaces:
        form.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")


def _moment(value: Any, _: Field, path: Path, form: Form) -> None:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        form.add(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")


def _number(value: Any, expected: Field, path: Path, form: Form) -> None:
    word, fits = ("int", is_integer) if expected.kind is ValueKind.WHOLE else ("float", is_number)
    if not fits(value):
        form.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not {word}.')
    elif expected.low is not None and value < expected.low:
        message = f"{word} value should be greater than or equal to {expected.low}."
        form.add(path, "NUMBER_TYPE_MIN", message)
    elif expected.high is not None and value > expected.high:
        message = f"{word} value should be less than or equal to {expected.high}."
        form.add(path, "NUMBER_TYPE_MAX", message)
    else:
        _choice(value, expected, path, form)


def _truth(value: Any, _: Field, path: Path, form: Form) -> None:
    if not isinstance(value, bool):
        form.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


def _snowflake(value: Any, _: Field, path: Path, form: Form) -> None:
    if not is_snowflake(value):
        form.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


def _list(value: Any, expected: Field, path: Path, form: Form) -> None:
    if not isinstance(value, list):
        form.add(path, "LIST_TYPE_CONVERT", "Only a list may be used here.")
        return
    check_length(len(value), expected.low, expected.high, path, form)
    seen: set[str] = set()
    for position, each in enumerate(value):
        if expected.item is not None:
            check(each, required(expected.item), (*path, position), form)
        if expected.unique and str(each) in seen:
            message = "The set already contains this value"
            form.add((*path, position), "SET_TYPE_ALREADY_CONTAINS_VALUE", message)
        seen.add(str(each))


def _object(value: Any, expected: Field, path: Path, form: Form) -> None:
    if not isinstance(value, Mapping):
        form.add(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        return
    fields: Mapping[str, Field] | None = expected.fields
    if expected.variants:
        kind = value.get("type")
        fields = expected.variants.get(kind) if type(kind) is int else None
        if fields is None:
            types = tuple(sorted(int(each) for each in expected.variants))
            message = f'Value of field "type" must be one of {types}.'
            form.add(path, "UNION_TYPE_CHOICES", message)
            return
    for name, each in fields.items():
        check(value.get(name), each, (*path, name), form)


def _map(value: Any, expected: Field, path: Path, form: Form) -> None:
    if not isinstance(value, Mapping):
        form.add(path, "DICT_TYPE_CONVERT", "Only an object may be used here.")
        return
    for key, each in value.items():
        if _choice(key, expected, (*path, key), form) and expected.item is not None:
            check(each, expected.item, (*path, key), form)


def _nothing(value: Any, expected: Field, path: Path, form: Form) -> None:
    pass


_CHECKS: Final[Mapping[ValueKind, Callable[[Any, Field, Path, Form], None]]] = {
    ValueKind.TEXT: _text,
    ValueKind.URL: _url,
    ValueKind.MOMENT: _moment,
    ValueKind.WHOLE: _number,
    ValueKind.NUMBER: _number,
    ValueKind.TRUTH: _truth,
    ValueKind.SNOWFLAKE: _snowflake,
    ValueKind.LIST: _list,
    ValueKind.OBJECT: _object,
    ValueKind.MAP: _map,
    ValueKind.ANYTHING: _nothing,
}
