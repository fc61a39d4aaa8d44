"""Rules for application commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Any, Final

from bot.playground.errors import TOO_MANY_COMMANDS, Form, Path
from bot.playground.rules.choices import CHOICES, MAX_NUMBER, MAX_WHOLE
from bot.playground.rules.grammar import (
    Field,
    Fields,
    boolean,
    check,
    integer,
    is_number,
    known,
    list_of,
    number,
    object_with,
    objects,
    one_of,
    required,
    snowflake,
    text,
    union,
)
from bot.playground.rules.names import DESCRIPTION, MENU_NAME, NAME, localized
from bot.playground.rules.parts import CHANNEL_TYPES

MAX_CHARACTERS: Final = 8000
"""Discord's limit for all names, descriptions and values of one command together."""
MAX_COMMANDS: Final[Mapping[int, int]] = {1: 100, 2: 15, 3: 15, 4: 1}
"""Discord's limits of commands of each type, globally and per guild."""
MAX_AT_ONCE: Final = 130
"""All types but 4, which exists only globally."""
MENUS: Final = (2, 3)

Json = Mapping[str, Any]


class Option(IntEnum):
    """Discord's numbers of option types."""

    SUBCOMMAND = 1
    GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


_TYPED: Final = (Option.STRING, Option.INTEGER, Option.NUMBER)
_NESTING: Final = (Option.SUBCOMMAND, Option.GROUP)
_ONLY_FOR: Final[Mapping[str, tuple[Option, ...]]] = {
    "choices": _TYPED,
    "autocomplete": _TYPED,
    "min_value": (Option.INTEGER, Option.NUMBER),
    "max_value": (Option.INTEGER, Option.NUMBER),
    "min_length": (Option.STRING,),
    "max_length": (Option.STRING,),
    "channel_types": (Option.CHANNEL,),
    "options": _NESTING,
    "required": tuple(each for each in Option if each not in _NESTING),
}
"""Options that may have a field; for others it is refused, rather than unknown."""

_WORDS: Final[Fields] = {
    "name": required(NAME),
    "name_localizations": localized(NAME),
    "description": required(DESCRIPTION),
    "description_localizations": localized(DESCRIPTION),
}
_BASE: Final[Fields] = (
    {"type": required(integer())} | _WORDS | known(*_ONLY_FOR) | {"required": boolean()}
)
_INT: Final = integer(-MAX_WHOLE, MAX_WHOLE)
_DOUBLE: Final = number(-MAX_NUMBER, MAX_NUMBER)
_PLAIN: Final[dict[int, Fields]] = {
    Option.STRING: _BASE
    | {
        "choices": CHOICES[Option.STRING],
        "autocomplete": boolean(),
        "min_length": integer(0, 6000),
        "max_length": integer(1, 6000),
    },
    Option.INTEGER: _BASE
    | {
        "choices": CHOICES[Option.INTEGER],
        "autocomplete": boolean(),
        "min_value": _INT,
        "max_value": _INT,
    },
    Option.BOOLEAN: _BASE,
    Option.USER: _BASE,
    Option.CHANNEL: _BASE | {"channel_types": CHANNEL_TYPES},
    Option.ROLE: _BASE,
    Option.MENTIONABLE: _BASE,
    Option.NUMBER: _BASE
    | {
        "choices": CHOICES[Option.NUMBER],
        "autocomplete": boolean(),
        "min_value": _DOUBLE,
        "max_value": _DOUBLE,
    },
    Option.ATTACHMENT: _BASE,
}
_SUBCOMMAND: Final[Fields] = _BASE | {"options": list_of(union(_PLAIN), high=25)}
_GROUP: Final[Fields] = _BASE | {
    "options": list_of(union({Option.SUBCOMMAND: _SUBCOMMAND}), high=25)
}
OPTIONS: Final[dict[int, Fields]] = {
    Option.SUBCOMMAND: _SUBCOMMAND,
    Option.GROUP: _GROUP,
    **_PLAIN,
}

_PLACE: Final[Fields] = {
    "type": one_of(1, 2, 3, 4),
    # discord.py sends an integer, Discord documents a string of digits.
    "default_member_permissions": snowflake(),
    "contexts": list_of(one_of(0, 1, 2), 1, unique=True),
    "integration_types": list_of(one_of(0, 1), 1, unique=True),
    "nsfw": boolean(),
    "dm_permission": boolean(),
    "default_permission": boolean(),
    **known("id", "application_id", "guild_id", "version", "handler"),
}
COMMAND: Final[Field] = object_with(_PLACE | _WORDS | {"options": list_of(union(OPTIONS), high=25)})
_MENU: Final[Field] = object_with(
    _PLACE
    | {
        "name": required(MENU_NAME),
        "name_localizations": localized(MENU_NAME),
        "description": text(),
        **known("description_localizations", "options"),
    }
)
COMMANDS: Final[Field] = list_of(COMMAND, high=MAX_AT_ONCE)
"""Every field that Discord knows in a request that replaces all commands."""


def check_command(command: Any) -> None:
    """Check one command. Raises ApiError."""
    form = Form()
    _check_command(form, command, ())
    form.check()


def check_commands(commands: Any) -> None:
    """Check a list that replaces all commands. Raises ApiError.

    Paths begin with a command's index. null stands for an empty list.
    """
    if commands is None:
        return
    form = Form()
    check(commands, replace(COMMANDS, item=None), (), form)
    counts: Counter[int] = Counter()
    seen: set[tuple[int, str]] = set()
    for position, command in enumerate(commands if isinstance(commands, list) else ()):
        _check_command(form, command, (position,))
        if not isinstance(command, Mapping):
            continue
        kind = _kind(command)
        counts[kind] += 1
        if (kind, str(command.get("name"))) in seen:
            message = "Application command names must be unique"
            form.add((position,), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add((kind, str(command.get("name"))))
    form.check()
    for kind, count in counts.items():
        if count > MAX_COMMANDS[kind]:
            message = f"{TOO_MANY_COMMANDS.message} ({MAX_COMMANDS[kind]})"
            raise replace(TOO_MANY_COMMANDS, message=message).error()


def _kind(command: Json) -> int:
    """Return a command's type; that of a slash command if missing or invalid."""
    kind = command.get("type")
    return kind if type(kind) is int and kind in MAX_COMMANDS else 1


def _check_command(form: Form, command: Any, path: Path) -> None:
    menu = isinstance(command, Mapping) and _kind(command) in MENUS
    check(command, required(_MENU if menu else COMMAND), path, form)
    if not isinstance(command, Mapping):
        return
    if menu:
        if command.get("description"):
            code = "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID"
            form.add((*path, "description"), code, "Context menu commands cannot have description")
        if command.get("options"):
            code = "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID"
            form.add((*path, "options"), code, "Context menu commands cannot have options")
    else:
        _check_options(form, command.get("options"), (*path, "options"))
    if sum(_lengths(command)) > MAX_CHARACTERS:
        message = f"Command exceeds maximum size ({MAX_CHARACTERS})"
        form.add(path, "APPLICATION_COMMAND_TOO_LARGE", message)


def _check_options(form: Form, value: Any, path: Path) -> None:
    """Check the relations between a command's or subcommand's options, and each option."""
    names: set[str] = set()
    optional = False
    nesting: set[bool] = set()
    for position, option in objects(value):
        here = (*path, position)
        name = str(option.get("name"))
        if name in names:
            message = f"Option name {name} is already used in these options"
            form.add(here, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message)
        names.add(name)
        nests = option.get("type") in _NESTING
        nesting.add(nests)
        if not nests and option.get("required") is not True:
            optional = True
        elif not nests and optional:
            message = "Required options must be placed before non-required options"
            form.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        _check_option(form, option, here)
        if nests:
            _check_options(form, option.get("options"), (*here, "options"))
    if len(nesting) > 1:
        message = "Sub-commands and groups cannot stand beside other types of options"
        form.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_option(form: Form, option: Json, path: Path) -> None:
    kind = option.get("type")
    for name, kinds in _ONLY_FOR.items():
        value = option.get(name)
        # An empty list and false request nothing, so Discord accepts them. 0 is a bound.
        if value is None or value is False or value == [] or kind in kinds:
            continue
        message = f"{name} cannot be configured for this type of option"
        form.add((*path, name), "APPLICATION_COMMAND_OPTION_FIELD_INVALID", message)
    if option.get("autocomplete") and option.get("choices"):
        message = "Autocomplete and choices are mutually exclusive"
        form.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTION_FIELD_INVALID", message)
    for what in ("value", "length"):
        low, high = option.get(f"min_{what}"), option.get(f"max_{what}")
        if is_number(low) and is_number(high) and low > high:
            message = f"Must be equal to or less than {high}."
            form.add((*path, f"min_{what}"), "NUMBER_TYPE_MAX", message)


def _lengths(command: Json) -> Iterator[int]:
    """Yield the lengths of all texts that count, each in its longest language."""
    yield _longest(command, "name")
    yield _longest(command, "description")
    for _, choice in objects(command.get("choices")):
        yield _longest(choice, "name")
        yield len(str(choice.get("value", "")))
    for _, option in objects(command.get("options")):
        yield from _lengths(option)


def _longest(owner: Json, name: str) -> int:
    texts = [owner.get(name)]
    other = owner.get(f"{name}_localizations")
    if isinstance(other, Mapping):
        texts += other.values()
    return max((len(each) for each in texts if isinstance(each, str)), default=0)
