"""For which server a press in direct messages counts, and when it does not: said once, for free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.discord.handlers.router import FORM_HANDLERS
from bot.discord.interaction import access
from bot.discord.views.custom_ids import ComponentAction, names_row
from tests.bot.discord.direct_messages import (
    labels,
    picture_in_direct,
    press,
    refreshed,
    shown_directly,
)
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness, make_settings, open_harness
from tests.bot.discord.marks import marked
from tests.bot.discord.painting import paint
from tests.fakes import ScriptedRenderer

MEMBERS = "/guilds/*/members/*"
MISTAKE = "Something went wrong"


def in_direct(harness: BotHarness, message: Any) -> Fuzzer:
    """Return what sends any press from Alice's direct messages."""
    return Fuzzer(harness, message.channel.id)


def said(harness: BotHarness, sent: Any) -> str:
    """Return everything that answered an interaction."""
    callbacks = [
        json.dumps(r.json, ensure_ascii=False)
        for r in harness.env.http_requests
        if r.path.startswith(f"/interactions/{sent.id}/")
    ]
    assert len(callbacks) == 1
    return callbacks[0]


def server_name(harness: BotHarness) -> str:
    """Return the name of the server, as Discord has it."""
    return str(harness.env.backend.get_guild(harness.guild.id).name)


@pytest.mark.parametrize("row_id", [0, 1, 12345])
async def test_every_action_is_answered_once(
    data_dir: Path, renderer: ScriptedRenderer, row_id: int
):
    """Whatever is pressed or submitted there, with a row, without one or with one that is gone, has
    one answer, which is no mistake of the bot's; only what has no row is left to the server."""
    async with open_harness(data_dir, renderer.load, quota={"pictures": 1000}) as harness:
        message = await picture_in_direct(harness)
        await harness.alice.slash(harness.channel, "imagine", prompt="a {red, blue} sea")
        fuzzer = in_direct(harness, message)
        # What takes something away comes last.
        for action in sorted(ComponentAction, key=_takes_away):
            custom_id = marked(f"z1:{action}:{row_id}")
            kind = 3 if action is ComponentAction.MENU else 2
            option = marked(f"z1:details:{row_id}")
            sent = [await fuzzer.press(harness.alice, custom_id, kind, message, option)]
            if action in FORM_HANDLERS:
                sent.append(await fuzzer.fill_in(harness.alice, custom_id, "a sea"))
            await harness.settled()
            for each in sent:
                answer = said(harness, each)
                assert MISTAKE not in answer, action
                left = row_id == 0 or not names_row(action)
                assert ("This works only on servers" in answer) == left, action
        if row_id == 1:
            assert harness.charged() > 10
            assert harness.rows("SELECT 1 FROM jobs WHERE NOT private AND id > 1") == []
        else:
            assert harness.charged() == 1


def _takes_away(action: ComponentAction) -> bool:
    return action in (ComponentAction.CONFIRM_DELETE, ComponentAction.DECLINE_PROPOSAL)


async def test_who_left_the_server(harness: BotHarness, renderer: ScriptedRenderer):
    """They cannot paint for it any more, but cancel and delete what is theirs."""
    message = await picture_in_direct(harness)
    renderer.hold()
    status = (await press(harness, message, "Reroll")).response.message
    harness.guild.remove_member(harness.alice)
    refused = await press(harness, message, "Vary (subtle)")
    assert refused.ephemeral
    assert "You are no longer a member of" in refused.response.content
    assert server_name(harness) in refused.response.content
    assert harness.charged() == 2
    cancelled = await press(harness, status, "Cancel")
    assert "ancelled" in cancelled.response.content
    renderer.release()
    await harness.settled()
    panel = (await press(harness, message, "More ▾")).response.message
    refused = await press(harness, panel, "Add to favourites")
    assert "You are no longer a member of" in refused.response.content
    await press(harness, panel, "Delete")
    await press(harness, panel, "Delete")
    assert "was deleted" in harness.texts(refreshed(harness, panel))
    assert message.id not in [each.id for each in shown_directly(harness)]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (404, 10004, "I am no longer on"),
        (403, 50001, "I am no longer on"),
        (404, 10013, "You are no longer a member of"),
        (400, 50035, "did not tell me in time"),
    ],
)
async def test_what_discord_says_about_the_member(
    harness: BotHarness, status: int, code: int, sentence: str
):
    """Each of Discord's answers has a sentence, and nothing is charged."""
    message = await picture_in_direct(harness)
    harness.env.inject_error("GET", MEMBERS, status=status, code=code)
    refused = await press(harness, message, "Reroll")
    assert refused.ephemeral and sentence in refused.response.content
    assert harness.charged() == 1
    await press(harness, message, "Reroll")
    await harness.settled()
    assert harness.charged() == 2


@pytest.mark.parametrize(("status", "code"), [(404, 10004), (404, 10013), (400, 50035)])
async def test_a_refused_form_gives_the_prompt_back(harness: BotHarness, status: int, code: int):
    """Discord discards a submitted form, so what was typed comes back with the reason."""
    message = await picture_in_direct(harness)
    panel = (await press(harness, message, "More ▾")).response.message
    form = await press(harness, panel, "Remix")
    harness.env.inject_error("GET", MEMBERS, status=status, code=code)
    refused = await harness.alice.user.submit_modal(form, {"prompt": "a sea in a storm"})
    assert refused.ephemeral and "a sea in a storm" in refused.response.content
    assert harness.charged() == 1


async def test_a_slow_answer_about_the_member(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """If Discord does not say in time who is a member, the press can be repeated."""
    message = await picture_in_direct(harness)
    monkeypatch.setattr(access, "MEMBERSHIP_LIMIT_S", 0.05)
    harness.env.inject_error("GET", MEMBERS, status=503)  # discord.py repeats it after a second
    refused = await press(harness, message, "Reroll")
    assert refused.ephemeral and "Please press again" in refused.response.content
    assert harness.charged() == 1


async def test_a_server_that_is_not_served_any_more(data_dir: Path, renderer: ScriptedRenderer):
    """If the owner turned the bot off for the server, only cancelling and deleting is left."""
    async with open_harness(data_dir, renderer.load) as harness:
        message = await picture_in_direct(harness)
        await harness.stop()
        harness.settings = make_settings(data_dir, discord={"guilds": [1]})
        await harness.start()
        refused = await press(harness, message, "Reroll")
        assert refused.ephemeral and "I am no longer enabled on" in refused.response.content
        assert harness.charged() == 1
        panel = (await press(harness, message, "More ▾")).response.message
        for _ in range(2):
            await press(harness, panel, "Delete")
        assert "was deleted" in harness.texts(refreshed(harness, panel))


async def test_blocks_and_quotas_are_those_of_the_server(harness: BotHarness):
    """A member who is blocked or whose quota is spent is refused, with the server's name."""
    message = await picture_in_direct(harness)
    await harness.admin.slash(
        harness.channel, "admin quota set", who=harness.alice, pictures=1, hours=2
    )
    spent = await press(harness, message, "Reroll")
    assert spent.ephemeral and "quota" in spent.response.content
    about = f"This is about the server {server_name(harness)}."
    assert about in spent.response.content
    await harness.moderator.slash(
        harness.channel, "moderation block", who=harness.alice, reason="spam"
    )
    blocked = await press(harness, message, "Reroll")
    assert "blocked you" in blocked.response.content
    assert f"\n-# {about}" in blocked.response.content  # and not as text with a backslash
    assert harness.charged() == 1


async def test_nobody_acts_for_somebody_else(harness: BotHarness):
    """Rows of other members, which no message there can carry, are refused as on the server."""
    message = await picture_in_direct(harness)
    await harness.bob.slash(harness.channel, "imagine", prompt="hush", private=True)
    await harness.bob.slash(harness.channel, "imagine", prompt="a {red, blue} sea")
    await harness.settled()
    fuzzer = in_direct(harness, message)
    before = harness.charged()
    for action, row_id in (("reroll", 2), ("erase", 2), ("cancel", 2), ("paint", 1), ("more", 2)):
        sent = await fuzzer.press(harness.alice, marked(f"z1:{action}:{row_id}"), message=message)
        assert sent.ephemeral, action
    await harness.settled()
    assert harness.charged() == before
    assert harness.rows("SELECT 1 FROM pictures WHERE deleted_at IS NOT NULL") == []


async def test_a_picture_of_the_command_line_has_no_server(harness: BotHarness):
    """Its number in a forged button leads to no server."""
    message = await picture_in_direct(harness)
    await harness.stop()
    harness.change("UPDATE jobs SET guild_id = 0 WHERE id = 1")
    await harness.start()
    refused = await press(harness, message, "Reroll")
    assert refused.ephemeral and "may have been deleted" in refused.response.content


async def test_commands_and_lists_are_left_to_the_server(harness: BotHarness):
    """What names no server is answered with what works there instead."""
    message = await picture_in_direct(harness)
    fuzzer = in_direct(harness, message)
    staged = f"z1:kept:{'0' * 64}:{'0' * 16}"
    for custom_id in ("z1:queue:0", "z1:newer:0", staged):
        sent = await fuzzer.press(harness.alice, marked(custom_id), message=message)
        assert "buttons below your pictures" in said(harness, sent)
    sent = await fuzzer.fill_in(harness.alice, marked(staged), "a sea")
    assert "buttons below your pictures" in said(harness, sent)
    assert labels(shown_directly(harness)[-1]) and harness.charged() == 1


async def test_a_press_twice(harness: BotHarness):
    """Confirming a deletion a second time says that there is nothing left to delete."""
    message = await picture_in_direct(harness)
    await paint(harness, prompt="a hill")
    fuzzer = in_direct(harness, message)
    panel = (await press(harness, message, "More ▾")).response.message
    await fuzzer.press(harness.alice, marked("z1:erase:1"), message=panel)
    again = await fuzzer.press(harness.alice, marked("z1:erase:1"), message=panel)
    assert "may have been deleted" in said(harness, again)
    await harness.settled()
    assert harness.rows("SELECT id FROM pictures WHERE deleted_at IS NULL") == [(2,)]
