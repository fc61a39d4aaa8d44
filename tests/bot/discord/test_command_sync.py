"""The commands are registered when they changed, here or at Discord, and else never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from discord import Locale

from bot.discord.command_translation import CatalogueTranslator
from bot.discord.commands import options
from bot.runtime.wiring import SYNC_FILE
from tests.bot.discord.conftest import World

Mishap = Callable[[Path], object]


def syncs(world: World) -> int:
    """How often all commands were registered so far."""
    return sum(each.method == "PUT" for each in world.env.http_requests)


async def restart(world: World) -> int:
    """Restart the bot; how often that registered the commands."""
    before = syncs(world)
    await world.stop()
    await world.start()
    return syncs(world) - before


def ours(world: World) -> list[dict[str, Any]]:
    """The commands as they are registered, but for their translations."""
    tree = world.house.client.tree
    return [each.to_dict(tree) for each in tree.get_commands()]


async def register(world: World, payload: list[Any]) -> None:
    """Another program replaces all commands of the application."""
    client = world.house.client
    assert client.application_id is not None
    await client.http.bulk_upsert_global_commands(client.application_id, payload)


async def test_unchanged_commands_are_registered_once(world: World):
    """The first start registers them; no restart does again."""
    assert syncs(world) == 1
    assert [await restart(world) for _ in range(2)] == [0, 0]


async def test_a_new_translation_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    """Another word in one language is a change, once."""
    original = CatalogueTranslator.translate

    async def other(self: CatalogueTranslator, string: Any, locale: Locale, context: Any):
        if locale is Locale.french and string.message == "How much members may paint":
            return "Combien"
        return await original(self, string, locale, context)

    monkeypatch.setattr(CatalogueTranslator, "translate", other)
    assert [await restart(world), await restart(world)] == [1, 0]


async def test_new_choices_are_told(world: World, monkeypatch: pytest.MonkeyPatch):
    """One choice more in one option is a change, once."""
    monkeypatch.setattr(options, "ASPECTS", [*options.ASPECTS, "5:1"])
    assert [await restart(world), await restart(world)] == [1, 0]


async def test_another_application_has_commands_of_its_own(world: World, data_dir: Path):
    """What another bot's token registered from this data folder says nothing of ours."""
    file = data_dir / SYNC_FILE
    application_id = str(world.house.client.application_id)
    file.write_text(file.read_text().replace(application_id, "1" + application_id))
    assert [await restart(world), await restart(world)] == [1, 0]


@pytest.mark.parametrize(
    "mishap",
    [
        Path.unlink,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"\xff\xfe\x00" * 50),
        lambda file: file.write_text(file.read_text()[:-1]),
        lambda file: file.write_text("湖" + file.read_text()),
    ],
    ids=["gone", "empty", "no text", "cut off", "scribbled on"],
)
async def test_a_damaged_memory_costs_one_registration(
    world: World, data_dir: Path, mishap: Mishap
):
    """Whatever happened to the file, the bot starts, registers once more and remembers that."""
    mishap(data_dir / SYNC_FILE)
    assert [await restart(world), await restart(world)] == [1, 0]


async def test_without_a_memory_each_start_registers(world: World, data_dir: Path):
    """Where the file cannot be written, the bot starts all the same."""
    file = data_dir / SYNC_FILE
    file.unlink()
    file.mkdir()
    assert [await restart(world), await restart(world)] == [1, 1]


async def test_what_discord_lost_is_registered_again(world: World):
    """One command that is gone there, or all of them, come back at the next start, once."""
    payload = ours(world)
    for left in (payload[1:], []):
        await register(world, left)
        assert [await restart(world), await restart(world)] == [1, 0]
        assert len(await world.house.client.tree.fetch_commands()) == len(payload)


async def test_what_another_version_registered_is_replaced(world: World):
    """Commands of the same names that are not ours are a change as well."""
    payload = ours(world)
    payload[0]["description"] = "as it was in an older version"
    await register(world, payload)
    assert [await restart(world), await restart(world)] == [1, 0]
