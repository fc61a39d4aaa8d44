"""Rules for application commands."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.rules.commands import check_command, check_commands
from tests.bot.playground.rules.checks import problems, refusal
from tests.bot.playground.rules.commands import choices, command, heavy, menu, named, option

Json = dict[str, Any]


PASSES: dict[str, Json] = {
    "the least": {"name": "x", "description": "x"},
    "the longest words": command(name="x" * 32, description="x" * 100, type=1),
    "25 options": command(*[option(name=f"o{n}") for n in range(25)]),
    "25 choices": command(option(choices=choices(25))),
    "a long choice": command(option(choices=[{"name": "x" * 100, "value": "y" * 100}])),
    "integers": command(option(4, choices=[{"name": "x", "value": 2**53 - 1}])),
    "fractions": command(option(10, choices=[{"name": "x", "value": 0.5}, *choices(1, 2)])),
    "bounds": command(
        option(min_length=0, max_length=6000),
        option(4, "steps", min_value=-(2**53 - 1), max_value=2**53 - 1),
        option(10, "strength", min_value=0, max_value=0.5),
    ),
    "equal bounds": command(option(4, min_value=3, max_value=3)),
    "suggestions": command(option(autocomplete=True, choices=[])),
    "channels": command(option(7, channel_types=[0, 11])),
    "every plain type": command(*[option(kind, f"o{kind}") for kind in range(3, 12)]),
    "required first": command(option(required=True), option(name="seed", required=False)),
    "subcommands": command(option(1, "show", options=[option()]), option(1, "set")),
    "groups": command(
        option(2, "quota", options=[option(1, "show", options=[option()]), option(1, "set")]),
        option(1, "prompt"),
    ),
    "one name in two places": command(
        option(1, "a", options=[option()]), option(1, "b", options=[option()])
    ),
    "a place": command(contexts=[0], integration_types=[0, 1], nsfw=False, dm_permission=False),
    "nothing said of places": command(contexts=None, default_member_permissions=None),
    "permissions as digits": command(default_member_permissions="32"),
    "permissions as a number": command(default_member_permissions=32),
    "all languages": command(
        name_localizations={"zh-CN": "画图", "de": "male", "ja": "えがく", "ko": "그리기"},
        description_localizations={"zh-CN": "画", "en-US": "x" * 100},
    ),
    "no languages": command(name_localizations=None, description_localizations={}),
    "a person's menu": menu(2),
    "a message's menu": menu(3, description="", name_localizations={"de": "Rezept Zeigen"}),
    "an activity": {"type": 4, "name": "launch", "description": "x", "handler": 1},
}

NAMES: dict[str, bool] = {
    "imagine": True,
    "a": True,
    "re-roll_2": True,
    "l'image": True,
    "画图": True,
    "描く": True,
    "그리기": True,
    "नमस्ते": True,
    "วาดรูป": True,
    "рисуй": True,
    "çiz": True,
    "عربي": True,
    "Imagine": False,
    "画Tu": False,
    "Рисуй": False,
    "two words": False,
    "dot.ted": False,
    "a/b": False,
    "🎨": False,
    "a\u0301": False,
    "tab\t": False,
}

REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ("imagine", "MODEL_TYPE_CONVERT"),
    "no name": (command(name=None), "name BASE_TYPE_REQUIRED"),
    "an empty name": (command(name=""), "name BASE_TYPE_BAD_LENGTH"),
    "a long name": (command(name="x" * 33), "name BASE_TYPE_BAD_LENGTH"),
    "no description": (command(description=None), "description BASE_TYPE_REQUIRED"),
    "an empty description": (command(description=""), "description BASE_TYPE_BAD_LENGTH"),
    "a long description": (command(description="x" * 101), "description BASE_TYPE_BAD_LENGTH"),
    "an unknown type": (command(type=5), "type BASE_TYPE_CHOICES"),
    "an unknown language": (
        command(name_localizations={"zh": "画图"}),
        "name_localizations.zh BASE_TYPE_CHOICES",
    ),
    "a capital in another language": (
        command(name_localizations={"de": "Male"}),
        "name_localizations.de APPLICATION_COMMAND_INVALID_NAME",
    ),
    "a long name in another language": (
        command(name_localizations={"de": "x" * 33}),
        "name_localizations.de BASE_TYPE_BAD_LENGTH",
    ),
    "a long description in another language": (
        command(description_localizations={"de": "x" * 101}),
        "description_localizations.de BASE_TYPE_BAD_LENGTH",
    ),
    "no text in another language": (
        command(description_localizations={"de": None}),
        "description_localizations.de BASE_TYPE_REQUIRED",
    ),
    "26 options": (
        command(*[option(name=f"o{n}") for n in range(26)]),
        "options BASE_TYPE_MAX_LENGTH",
    ),
    "an unknown option": (command(option(12)), "options.0 UNION_TYPE_CHOICES"),
    "an option's capital": (
        command(option(name="Prompt")),
        "options.0.name APPLICATION_COMMAND_INVALID_NAME",
    ),
    "an option's language": (
        command(option(name_localizations={"fr": "Idée"})),
        "options.0.name_localizations.fr APPLICATION_COMMAND_INVALID_NAME",
    ),
    "an option without words": (
        command(option(description=None)),
        "options.0.description BASE_TYPE_REQUIRED",
    ),
    "an option twice": (
        command(option(), option()),
        "options.1 APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
    ),
    "required after optional": (
        command(option(), option(name="seed", required=True)),
        "options.1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    ),
    "required after optional, inside": (
        command(option(1, "a", options=[option(), option(name="seed", required=True)])),
        "options.0.options.1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    ),
    "26 choices": (
        command(option(choices=choices(26))),
        "options.0.choices BASE_TYPE_MAX_LENGTH",
    ),
    "a choice without a name": (
        command(option(choices=[{"name": "", "value": "x"}])),
        "options.0.choices.0.name BASE_TYPE_BAD_LENGTH",
    ),
    "a choice's long name": (
        command(option(choices=[{"name": "x" * 101, "value": "x"}])),
        "options.0.choices.0.name BASE_TYPE_BAD_LENGTH",
    ),
    "a choice's long value": (
        command(option(choices=choices(1, "x" * 101))),
        "options.0.choices.0.value BASE_TYPE_MAX_LENGTH",
    ),
    "a text for an integer": (
        command(option(4, choices=choices(1, "1"))),
        "options.0.choices.0.value NUMBER_TYPE_COERCE",
    ),
    "a fraction for an integer": (
        command(option(4, choices=choices(1, 0.5))),
        "options.0.choices.0.value NUMBER_TYPE_COERCE",
    ),
    "too large an integer": (
        command(option(4, choices=choices(1, 2**53))),
        "options.0.choices.0.value NUMBER_TYPE_MAX",
    ),
    "choices and suggestions": (
        command(option(choices=choices(1), autocomplete=True)),
        "options.0.autocomplete APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "choices of people": (
        command(option(6, choices=choices(1))),
        "options.0.choices APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "suggestions of roles": (
        command(option(8, autocomplete=True)),
        "options.0.autocomplete APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "a value for a text": (
        command(option(min_value=0)),
        "options.0.min_value APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "a length for a number": (
        command(option(4, max_length=5)),
        "options.0.max_length APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "channels for a text": (
        command(option(channel_types=[0])),
        "options.0.channel_types APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "options in an option": (
        command(option(options=[option()])),
        "options.0.options APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "a required subcommand": (
        command(option(1, "show", required=True)),
        "options.0.required APPLICATION_COMMAND_OPTION_FIELD_INVALID",
    ),
    "a fraction as an integer's bound": (
        command(option(4, min_value=0.5)),
        "options.0.min_value NUMBER_TYPE_COERCE",
    ),
    "bounds the wrong way round": (
        command(option(4, min_value=3, max_value=2)),
        "options.0.min_value NUMBER_TYPE_MAX",
    ),
    "lengths the wrong way round": (
        command(option(min_length=3, max_length=2)),
        "options.0.min_length NUMBER_TYPE_MAX",
    ),
    "a negative length": (
        command(option(min_length=-1)),
        "options.0.min_length NUMBER_TYPE_MIN",
    ),
    "a long length": (command(option(max_length=6001)), "options.0.max_length NUMBER_TYPE_MAX"),
    "no length": (command(option(max_length=0)), "options.0.max_length NUMBER_TYPE_MIN"),
    "a group in a group": (
        command(option(2, "a", options=[option(2, "b")])),
        "options.0.options.0 UNION_TYPE_CHOICES",
    ),
    "a group in a subcommand": (
        command(option(1, "a", options=[option(2, "b")])),
        "options.0.options.0 UNION_TYPE_CHOICES",
    ),
    "a text in a group": (
        command(option(2, "a", options=[option()])),
        "options.0.options.0 UNION_TYPE_CHOICES",
    ),
    "a subcommand beside a text": (
        command(option(1, "a"), option()),
        "options APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
    ),
    "an unknown context": (command(contexts=[3]), "contexts.0 BASE_TYPE_CHOICES"),
    "no context": (command(contexts=[]), "contexts BASE_TYPE_MIN_LENGTH"),
    "a context twice": (command(contexts=[0, 0]), "contexts.1 SET_TYPE_ALREADY_CONTAINS_VALUE"),
    "an unknown installation": (
        command(integration_types=[2]),
        "integration_types.0 BASE_TYPE_CHOICES",
    ),
    "permissions by name": (
        command(default_member_permissions="manage_guild"),
        "default_member_permissions NUMBER_TYPE_COERCE",
    ),
    "a menu's description": (
        menu(description="x"),
        "description APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID",
    ),
    "a menu's options": (
        menu(options=[option()]),
        "options APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID",
    ),
    "a menu's long name": (menu(name="x" * 33), "name BASE_TYPE_BAD_LENGTH"),
    "a menu's empty name": (menu(name=" "), "name BASE_TYPE_BAD_LENGTH"),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_discord_takes_as_a_command(name: str):
    """Commands pass at their limits, alone and among others."""
    check_command(PASSES[name])
    check_commands([PASSES[name]])


@pytest.mark.parametrize("name", REFUSED)
def test_what_discord_refuses_in_a_command(name: str):
    """Each mistake is reported with its path, starting at the command's index."""
    body, problem = REFUSED[name]
    assert problems(check_command, body) == {problem}
    separator = "." if " " in problem else " "
    assert problems(check_commands, [command(name="other"), body]) == {f"1{separator}{problem}"}


@pytest.mark.parametrize("name", NAMES)
def test_how_a_command_may_be_called(name: str):
    """Names are lower case, with letters and digits of any script and no spaces."""
    if NAMES[name]:
        check_command(command(option(name=name), name=name))
    else:
        assert problems(check_command, named(name)) == {"name APPLICATION_COMMAND_INVALID_NAME"}


def test_how_long_a_command_may_be_in_all():
    """8000 characters pass, one more does not, and the command itself is reported."""
    check_command(heavy(8000))
    assert problems(check_command, heavy(8001)) == {"APPLICATION_COMMAND_TOO_LARGE"}
    assert problems(check_commands, [heavy(8001)]) == {"0 APPLICATION_COMMAND_TOO_LARGE"}


def test_the_longest_language_counts():
    """A longer text in one language makes the command larger, a shorter one does not."""
    body = heavy(8000)
    body["name_localizations"] = {"de": "male", "fr": "x" * len("imagine")}
    check_command(body)
    body["name_localizations"]["fr"] += "x"
    assert problems(check_command, body) == {"APPLICATION_COMMAND_TOO_LARGE"}


@pytest.mark.parametrize(("kind", "most"), [(1, 100), (2, 15), (3, 15)])
def test_how_many_commands_there_may_be(kind: int, most: int):
    """Each type has its own limit, beyond which the error is 30032."""
    each = command() if kind == 1 else menu(kind)
    many = [each | {"name": f"c{number}"} for number in range(most + 1)]
    check_commands(many[:most])
    error = refusal(check_commands, many)
    assert (error.status, error.code) == (400, 30032)
    assert str(most) in error.message


def test_how_many_commands_a_request_may_have():
    """130 commands of all types together."""
    slash = [command(name=f"c{n}") for n in range(100)]
    menus = [menu(kind, name=f"c{n}") for kind in (2, 3) for n in range(15)]
    check_commands([*slash, *menus])
    assert problems(check_commands, [*slash, *menus, command()]) == {"BASE_TYPE_MAX_LENGTH"}


def test_names_are_unique_by_type():
    """Each type may have a command with the same name."""
    check_commands([command(name="show"), menu(2, name="show"), menu(3, name="show")])
    found = problems(check_commands, [command(), menu(), command()])
    assert found == {"2 APPLICATION_COMMANDS_DUPLICATE_NAME"}


def test_no_commands_are_commands_too():
    """An empty list and null remove all commands; anything else is refused."""
    check_commands([])
    check_commands(None)
    assert problems(check_commands, {"name": "x"}) == {"LIST_TYPE_CONVERT"}
