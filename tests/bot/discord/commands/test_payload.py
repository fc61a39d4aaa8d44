"""The registered commands, in every language, and that Discord accepts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.discord.client import create_client
from bot.discord.command_sync import CatalogueTranslator
from bot.discord.interaction.services import Services
from bot.i18n import words
from bot.playground.rules.commands import check_commands
from bot.playground.rules.names import LOCALES, is_command_name
from bot.request.models import ModelCatalog, OfferedModel
from engine.diffusion.families import Z_IMAGE, Z_IMAGE_TURBO
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.snapshots import ReadableJson
from tests.bot.discord.views.samples.data import NO_SERVICES
from tests.bot.discord.views.samples.inspection import help_entries

COMMAND_CHARS = 8000
OPTIONS = CHOICES = 25
NAME_CHARS, DESCRIPTION_CHARS, CHOICE_CHARS = 32, 100, 100
MENUS = (2, 3)
SERVERS_ONLY = [0]
ADMINS = frozenset({"admin", "moderation"})
"""Commands hidden from members."""

Json = Mapping[str, Any]


@pytest.fixture
async def payload() -> list[dict[str, Any]]:
    """The commands as a start registers them. Building them asks only what the model can do."""
    return await payload_of(NO_SERVICES)


async def payload_of(services: Services) -> list[dict[str, Any]]:
    """Return the commands of a bot with these services."""
    client = create_client(services)
    translator = CatalogueTranslator()
    await client.tree.set_translator(translator)
    return [
        cast("dict[str, Any]", await command.get_translated_payload(client.tree, translator))
        for command in client.tree.get_commands()
    ]


def inside(command: Json) -> Iterator[Json]:
    """Yield a command and all of its options."""
    yield command
    for option in command.get("options", []):
        yield from inside(option)


def languages(owner: Json, field: str) -> Iterator[tuple[str, str]]:
    """Yield a name or description in each registered language."""
    yield "en-US", owner[field]
    yield from (owner.get(f"{field}_localizations") or {}).items()


def size(command: Json) -> int:
    """Return the characters of a command as Discord counts them: each text in its longest
    language."""

    def longest(owner: Json, field: str) -> int:
        return max(len(text) for _, text in languages(owner, field)) if field in owner else 0

    return sum(
        longest(part, "name")
        + longest(part, "description")
        + sum(longest(c, "name") + len(str(c["value"])) for c in part.get("choices", []))
        for part in inside(command)
    )


async def test_commands_look_as_before(payload: list[dict[str, Any]], snapshot: SnapshotAssertion):
    """Every command looks as in its reviewed snapshot."""
    for command in payload:
        kind = "menu-" if command["type"] in MENUS else ""
        name = f"{kind}{command['name']}"
        assert command == snapshot(name=name, extension_class=ReadableJson)


async def test_discord_takes_them(payload: list[dict[str, Any]]):
    """simcord's strict validation accepts the commands."""
    check_commands(payload)


async def test_several_models_can_be_chosen_from():
    """Then there is an option, with the widest bounds of all, and admins can open and close them;
    Discord takes that, too."""
    models = ModelCatalog((OfferedModel("turbo", Z_IMAGE_TURBO), OfferedModel("base", Z_IMAGE)))
    several = await payload_of(cast("Services", SimpleNamespace(models=models)))
    check_commands(several)
    (imagine,) = (each for each in several if each["name"] == "imagine")
    options = {each["name"]: each for each in imagine["options"]}
    assert options["model"]["autocomplete"] and not options["model"]["required"]
    assert options["guidance"]["max_value"] == Z_IMAGE.max_guidance
    (admin,) = (each for each in several if each["name"] == "admin")
    assert "models" in [each["name"] for each in admin["options"]]
    assert max(map(size, several)) <= COMMAND_CHARS


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_the_description_knows_them(payload: list[dict[str, Any]]):
    """The registration request is valid by Discord's own API description."""
    assert ApiDescription().problems("PUT", "/applications/1/commands", payload) == []


async def test_no_limit_is_near(payload: list[dict[str, Any]]):
    """Sizes, options and choices stay within Discord's limits in the longest language."""
    for command in payload:
        assert size(command) <= COMMAND_CHARS, command["name"]
        for part in inside(command):
            assert len(part.get("options", [])) <= OPTIONS
            assert len(part.get("choices", [])) <= CHOICES
            names = [option["name"] for option in part.get("options", [])]
            assert len(names) == len(set(names)), names


async def test_every_text_fits_in_every_language(payload: list[dict[str, Any]]):
    """Names and descriptions follow Discord's rules in every language."""
    for command in payload:
        for part in inside(command):
            is_menu = part is command and command["type"] in MENUS
            for locale, name in languages(part, "name"):
                assert locale in LOCALES and 0 < len(name) <= NAME_CHARS, (locale, name)
                assert is_menu or is_command_name(name), (locale, name)
            for locale, text in () if is_menu else languages(part, "description"):
                assert locale in LOCALES and 0 < len(text) <= DESCRIPTION_CHARS, (locale, text)
            for choice in part.get("choices", []):
                for locale, name in languages(choice, "name"):
                    assert locale in LOCALES and 0 < len(name) <= CHOICE_CHARS, (locale, name)


async def test_what_is_typed_is_the_same_in_every_language(payload: list[dict[str, Any]]):
    """Names of commands and options are not translated, those in menus are, and all else too."""
    for command in payload:
        is_menu = command["type"] in MENUS
        assert ("zh-CN" in dict(languages(command, "name"))) == is_menu, command["name"]
        for part in () if is_menu else inside(command):
            assert len([*languages(part, "name")]) == 1, part["name"]
            assert {"zh-CN", "zh-TW"} <= dict(languages(part, "description")).keys(), part["name"]


async def test_help_is_looked_at_with_all_of_them(payload: list[dict[str, Any]]):
    """The /help sample in the layout tests lists exactly the member commands."""
    typed = [each["name"] for each in payload if each["type"] not in MENUS]
    assert [each.name for each in help_entries(words())] == [
        name for name in typed if name not in ADMINS
    ]


async def test_one_meaning_a_name(payload: list[dict[str, Any]]):
    """Names of commands, options and choices are unique in every language."""
    for locale in LOCALES:

        def named(part: Json, locale: str = locale) -> str:
            return dict(languages(part, "name")).get(locale) or part["name"]

        commands = [(each["type"], named(each)) for each in payload]
        assert len(commands) == len(set(commands))
        for command in payload:
            for part in inside(command):
                for inner in ("options", "choices"):
                    names = [named(each) for each in part.get(inner, [])]
                    assert len(names) == len(set(names)), (locale, names)


async def test_commands_are_for_servers(payload: list[dict[str, Any]]):
    """No command works in direct messages, and admin commands are hidden from members."""
    for command in payload:
        assert command["contexts"] == SERVERS_ONLY and command["integration_types"] == [0]
        hidden = command.get("default_member_permissions") is not None
        assert hidden == (command["name"] in ADMINS), command["name"]
