"""Commands of earlier programs, and those that an old client still remembers, get an answer."""

from __future__ import annotations

from typing import Any

import pytest
from discord import InteractionType

from tests.bot.discord.fuzzer import Fuzzer, commands
from tests.bot.discord.harness import BotHarness

UNKNOWN, CHANGED = "I do not have this command", "This command has changed"
STRING, INTEGER, GROUP, SUBCOMMAND = 3, 4, 2, 1
PROMPT = {"name": "prompt", "type": STRING, "value": "a lake"}


def command(name: str, *options: Any, kind: int = 1, **more: Any) -> dict[str, Any]:
    """Return the data of a command as Discord sends it."""
    return {"id": "1", "name": name, "type": kind, "options": list(options)} | more


def sub(name: str, *options: Any, kind: int = SUBCOMMAND) -> dict[str, Any]:
    """Return a subcommand or a group of them."""
    return {"name": name, "type": kind, "options": list(options)}


SENT = {
    "unknown": (command("dream", PROMPT), UNKNOWN),
    "unknown, without options": ({"id": "1", "name": "dream"}, UNKNOWN),
    "of one server": (command("dream", PROMPT, guild_id="7"), UNKNOWN),
    "as a menu": (command("imagine", kind=3, target_id="1"), UNKNOWN),
    "an unknown menu": (command("Describe", kind=3, target_id="1"), UNKNOWN),
    "a menu on a member": (command("Recipe", kind=2, target_id="1"), UNKNOWN),
    "an activity": (command("launch", kind=4), UNKNOWN),
    "a kind of the future": (command("imagine", PROMPT, kind=99), UNKNOWN),
    "an unknown subcommand": (command("admin", sub("explode")), UNKNOWN),
    "an unknown group": (command("admin", sub("quotas", sub("set"), kind=GROUP)), UNKNOWN),
    "unknown in a group": (command("admin", sub("quota", sub("steal"), kind=GROUP)), UNKNOWN),
    "a group itself": (command("admin"), CHANGED),
    "a group in a group itself": (command("admin", sub("quota", kind=GROUP)), CHANGED),
    "an unknown option": (
        command("imagine", PROMPT, {"name": "model", "type": STRING, "value": "x"}),
        CHANGED,
    ),
    "an option of another type": (
        command("imagine", PROMPT, {"name": "seed", "type": STRING, "value": "5"}),
        CHANGED,
    ),
    "a missing option": (command("imagine"), CHANGED),
    "a subcommand of none": (command("imagine", sub("fast", PROMPT)), CHANGED),
    "with the option of a server's own": (
        command("imagine", {"name": "text", "type": STRING, "value": "x"}, guild_id="7"),
        CHANGED,
    ),
}


@pytest.mark.parametrize("name", SENT)
async def test_one_private_sentence(harness: BotHarness, name: str) -> None:
    """Whatever the tree does not know is answered at once and privately, and starts nothing."""
    fuzzer = Fuzzer(harness)
    data, sentence = SENT[name]
    await fuzzer.send(harness.alice, InteractionType.application_command, data)
    (sent,) = [each for each in harness.env.http_requests if each.path.endswith("/callback")]
    assert sentence in sent.json["data"]["content"] and sent.json["data"]["flags"] & 64
    await harness.settled()
    fuzzer.answered_once()
    assert harness.rows("SELECT * FROM jobs") == []


@pytest.mark.parametrize("name", [name for name in SENT if "menu" not in name])
async def test_nothing_is_suggested(harness: BotHarness, name: str) -> None:
    """Autocompletion of an unknown command or option gets an empty list, not silence."""
    data, _ = SENT[name]
    typed = {"name": "picture", "type": INTEGER, "value": 1, "focused": True}
    path = data.get("options") or []
    while path and path[0].get("options"):
        path = path[0]["options"]
    data = data | {"options": [*(data.get("options") or ()), typed]}
    record = await Fuzzer(harness).send(harness.alice, InteractionType.autocomplete, data)
    assert record.autocomplete_choices == []


async def test_every_command_of_ours_is_known(harness: BotHarness) -> None:
    """No command is taken for an unknown one, with its required options or with all of them."""
    fuzzer = Fuzzer(harness)
    for each in commands(harness.app.client.tree.get_commands()):
        for required in (True, False):
            chosen = {
                option.name: fuzzer.honest(option)
                for option in each.parameters
                if option.required or not required
            }
            await fuzzer.use(harness.admin, each, chosen)
    await harness.settled()
    said = str([each.json for each in harness.env.http_requests])
    assert UNKNOWN not in said and CHANGED not in said


async def test_a_sentence_that_discord_refuses_is_explained(harness: BotHarness) -> None:
    """If the sentence cannot be sent, the central error handler answers, instead of nobody."""
    harness.env.inject_error("POST", "/interactions/*/callback", status=400, code=50035)
    data, _ = SENT["unknown"]
    await Fuzzer(harness).send(harness.alice, InteractionType.application_command, data)
    sent = [each for each in harness.env.http_requests if each.path.endswith("/callback")]
    assert "Something went wrong" in sent[-1].json["data"]["content"]
