"""The registered commands, in every language, and that Discord accepts them."""

from __future__ import annotations

import gettext
from collections import Counter
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from syrupy.assertion import SnapshotAssertion

from bot.discord.client import create_client
from bot.discord.command_sync import CatalogueTranslator
from bot.discord.interaction.services import Services
from bot.i18n import Words, words
from bot.playground.rules.commands import check_commands
from bot.playground.rules.names import LOCALES, is_command_name
from bot.request.models import ModelCatalog, OfferedModel
from bot.request.options import OPTIONS as TABLE
from bot.request.prompt.flag_names import FLAGS
from bot.wording.names import COMMANDS as COMMAND_NAMES
from bot.wording.names import NAMED_FLAGS, command_link, command_name, flag_name
from bot.wording.names import OPTIONS as OPTION_NAMES
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
SUBCOMMANDS = (1, 2)
"""The types of subcommands and of their groups, among options."""
ADMINS = frozenset({"admin", "moderation"})
"""Commands hidden from members."""
OWNERS = frozenset({"owner"})
"""Commands of one server alone."""
CHINESE = frozenset({"zh-CN", "zh-TW"})
MODELS = ModelCatalog((OfferedModel("turbo", Z_IMAGE_TURBO), OfferedModel("base", Z_IMAGE)))
OWNER_SERVER = discord.Object(NO_SERVICES.owner_server or 0)
SEVERAL = cast("Services", SimpleNamespace(models=MODELS, owner_server=OWNER_SERVER.id))
"""The services of a bot with several models, which has the most commands."""

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
    found = [*client.tree.get_commands(), *client.tree.get_commands(guild=OWNER_SERVER)]
    return [
        cast("dict[str, Any]", await command.get_translated_payload(client.tree, translator))
        for command in found
    ]


class OtherNames(gettext.NullTranslations):
    """A catalogue in which all is called the same."""

    def pgettext(self, context: str, message: str) -> str:
        """Return the same for all names."""
        return "draft"


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
    several = await payload_of(SEVERAL)
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


async def test_all_of_a_command_is_in_one_language():
    """Every name and description is translated; LoRAs alone are called the same in both."""
    for command in await payload_of(SEVERAL):
        for part in inside(command):
            for field in ("name", "description") if "description" in part else ("name",):
                same = field == "name" and part["name"] in ("lora", "loras")
                assert same or dict(languages(part, field)).keys() >= CHINESE, part["name"]


async def test_the_named_are_those_there_are():
    """Names for translation are those of all commands and options, and of all flags."""
    found: set[str] = set()
    options: set[str] = set()
    for command in await payload_of(SEVERAL):
        for part in () if command["type"] in MENUS else inside(command):
            typed = part is command or part["type"] in SUBCOMMANDS
            (found if typed else options).add(part["name"])
    assert (found, options) == (COMMAND_NAMES, OPTION_NAMES)
    assert {flag.names[0] for option in TABLE for flag in option.flags} == NAMED_FLAGS


@pytest.mark.parametrize("name", sorted(NAMED_FLAGS))
def test_a_flag_is_called_as_it_is_understood(name: str):
    """Its name in Chinese is one of its spellings, and so is that of the option of that name."""
    named = words("zh-CN").name(name)
    assert FLAGS[named] == FLAGS[name] and flag_name(name, words("zh-CN")) == f"--{named}"
    assert named != name or name == "lora"


def test_options_with_flags_are_called_so_too():
    """What an option of /imagine is called in Chinese works behind two hyphens."""
    say = words("zh-CN")
    for option in TABLE:
        if option.flags and option.name in OPTION_NAMES and option.kind is not bool:
            assert FLAGS[say.name(option.name)][0] == option.name


def test_a_name_that_is_no_flag_is_not_advised():
    """A translation that would not be understood is not shown as a flag."""
    assert flag_name("seed", Words(OtherNames())) == "--seed"
    assert flag_name("unheard-of", words("zh-CN")) == "--unheard-of"


def test_a_command_is_named_as_its_reader_sees_it():
    """Whole paths too; a link to one has its name and is found by its id."""
    say = words("zh-CN")
    assert command_name("history", words()) == "/history"
    assert command_name("admin reports list", say) == "/管理 举报 列表"
    linked = say.linking({"history": 5, "admin reports list": 6})
    assert command_link("history", linked) == "</历史:5>"
    assert command_link("admin reports list", linked) == "</admin reports list:6>"
    assert command_link("admin", linked) == "/管理"
    assert command_link("history", say) == "/历史"


async def test_help_is_looked_at_with_all_of_them(payload: list[dict[str, Any]]):
    """The /help sample in the layout tests lists exactly the member commands."""
    typed = [each["name"] for each in payload if each["type"] not in MENUS]
    assert [each.name for each in help_entries(words())] == [
        name for name in typed if name not in ADMINS | OWNERS
    ]


async def test_one_meaning_a_name(payload: list[dict[str, Any]]):
    """Names of commands, options and choices are unique: none is another's in any language."""

    def collisions(parts: list[Json]) -> set[str]:
        owners = [{name for _, name in languages(each, "name")} for each in parts]
        taken = Counter(name for names in owners for name in names)
        return {name for name, times in taken.items() if times > 1}

    for kind in {each["type"] for each in payload}:
        assert collisions([each for each in payload if each["type"] == kind]) == set()
    for command in payload:
        for part in inside(command):
            for inner in ("options", "choices"):
                assert collisions(part.get(inner, [])) == set(), part["name"]


async def test_commands_are_for_servers(payload: list[dict[str, Any]]):
    """No command works in direct messages, and admin commands are hidden from members."""
    for command in payload:
        assert command["contexts"] == SERVERS_ONLY and command["integration_types"] == [0]
        hidden = command.get("default_member_permissions") is not None
        assert hidden == (command["name"] in ADMINS), command["name"]
