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
from tests.bot.discord.conftest import BotHarness

Mishap = Callable[[Path], object]


def syncs(harness: BotHarness) -> int:
    """How often all commands were registered so far."""
    return sum(each.method == "PUT" for each in harness.env.http_requests)


async def restart(harness: BotHarness) -> int:
    """Restart the bot; how often that registered the commands."""
    before = syncs(harness)
    await harness.stop()
    await harness.start()
    return syncs(harness) - before


def ours(harness: BotHarness) -> list[dict[str, Any]]:
    """The commands as they are registered, but for their translations."""
    tree = harness.app.client.tree
    return [each.to_dict(tree) for each in tree.get_commands()]


async def register(harness: BotHarness, payload: list[Any]) -> None:
    """Another program replaces all commands of the application."""
    client = harness.app.client
    assert client.application_id is not None
    await client.http.bulk_upsert_global_commands(client.application_id, payload)


async def test_unchanged_commands_are_registered_once(harness: BotHarness):
    """The first start registers them; no restart does again."""
    assert syncs(harness) == 1
    assert [await restart(harness) for _ in range(2)] == [0, 0]


async def test_a_new_translation_is_told(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """Another word in one language is a change, once."""
    original = CatalogueTranslator.translate

    async def other(self: CatalogueTranslator, string: Any, locale: Locale, context: Any):
        if locale is Locale.french and string.message == "How much members can paint":
            return "Combien"
        return await original(self, string, locale, context)

    monkeypatch.setattr(CatalogueTranslator, "translate", other)
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_new_choices_are_told(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """One choice more in one option is a change, once."""
    monkeypatch.setattr(options, "ASPECTS", [*options.ASPECTS, "5:1"])
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_another_application_has_commands_of_its_own(harness: BotHarness, data_dir: Path):
    """What another bot's token registered from this data folder says nothing of ours."""
    file = data_dir / SYNC_FILE
    application_id = str(harness.app.client.application_id)
    file.write_text(file.read_text().replace(application_id, "1" + application_id))
    assert [await restart(harness), await restart(harness)] == [1, 0]


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
    harness: BotHarness, data_dir: Path, mishap: Mishap
):
    """Whatever happened to the file, the bot starts, registers once more and remembers that."""
    mishap(data_dir / SYNC_FILE)
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_without_a_memory_each_start_registers(harness: BotHarness, data_dir: Path):
    """Where the file cannot be written, the bot starts all the same."""
    file = data_dir / SYNC_FILE
    file.unlink()
    file.mkdir()
    assert [await restart(harness), await restart(harness)] == [1, 1]


async def test_what_discord_lost_is_registered_again(harness: BotHarness):
    """One command that is gone there, or all of them, come back at the next start, once."""
    payload = ours(harness)
    for left in (payload[1:], []):
        await register(harness, left)
        assert [await restart(harness), await restart(harness)] == [1, 0]
        assert len(await harness.app.client.tree.fetch_commands()) == len(payload)


async def test_what_another_version_registered_is_replaced(harness: BotHarness):
    """Commands of the same names that are not ours are a change as well."""
    payload = ours(harness)
    payload[0]["description"] = "as it was in an older version"
    await register(harness, payload)
    assert [await restart(harness), await restart(harness)] == [1, 0]
