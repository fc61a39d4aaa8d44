"""Commands are registered only when they changed, here or at Discord."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from discord import Locale

from bot.discord.command_sync import CatalogueTranslator
from bot.discord.commands import options
from bot.runtime.wiring import SYNC_FILE
from tests.bot.discord.harness import BotHarness

Mishap = Callable[[Path], object]


def syncs(harness: BotHarness) -> int:
    """Return how often the commands have been registered."""
    return sum(each.method == "PUT" for each in harness.env.http_requests)


async def restart(harness: BotHarness) -> int:
    """Restart the bot; return how many registrations that caused."""
    before = syncs(harness)
    await harness.stop()
    await harness.start()
    return syncs(harness) - before


def ours(harness: BotHarness) -> list[dict[str, Any]]:
    """Return the commands as registered, without translations."""
    tree = harness.app.client.tree
    return [each.to_dict(tree) for each in tree.get_commands()]


async def register(harness: BotHarness, payload: list[Any]) -> None:
    """Replace all commands of the application, as another program might."""
    client = harness.app.client
    assert client.application_id is not None
    await client.http.bulk_upsert_global_commands(client.application_id, payload)


async def test_unchanged_commands_are_registered_once(harness: BotHarness):
    """The first start registers the commands; restarts do not."""
    assert syncs(harness) == 1
    assert [await restart(harness) for _ in range(2)] == [0, 0]


async def test_a_new_translation_is_told(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A changed translation is registered once."""
    original = CatalogueTranslator.translate

    async def other(self: CatalogueTranslator, string: Any, locale: Locale, context: Any):
        if locale is Locale.french and string.message == "Quotas of this server":
            return "Combien"
        return await original(self, string, locale, context)

    monkeypatch.setattr(CatalogueTranslator, "translate", other)
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_new_choices_are_told(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A new choice of an option is registered once."""
    monkeypatch.setattr(options, "ASPECTS", [*options.ASPECTS, "5:1"])
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_another_application_has_commands_of_its_own(harness: BotHarness, data_dir: Path):
    """Another application id in the same data folder causes a registration."""
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
    """Whatever happens to the state file, the bot starts and registers once more."""
    mishap(data_dir / SYNC_FILE)
    assert [await restart(harness), await restart(harness)] == [1, 0]


async def test_without_a_memory_each_start_registers(harness: BotHarness, data_dir: Path):
    """If the state file cannot be written, every start registers."""
    file = data_dir / SYNC_FILE
    file.unlink()
    file.mkdir()
    assert [await restart(harness), await restart(harness)] == [1, 1]


async def test_what_discord_lost_is_registered_again(harness: BotHarness):
    """Commands that disappeared at Discord are registered again, once."""
    payload = ours(harness)
    for left in (payload[1:], []):
        await register(harness, left)
        assert [await restart(harness), await restart(harness)] == [1, 0]
        assert len(await harness.app.client.tree.fetch_commands()) == len(payload)


async def test_what_another_version_registered_is_replaced(harness: BotHarness):
    """Commands with the same names from another version are replaced."""
    payload = ours(harness)
    payload[0]["description"] = "as it was in an older version"
    await register(harness, payload)
    assert [await restart(harness), await restart(harness)] == [1, 0]
