"""Components made by the build of November 2026 still work as they did."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from discord import InteractionType

from bot.discord.views.custom_ids import (
    EXAMPLE_ACTIONS,
    MENU_ACTIONS,
    ComponentAction,
    parse,
    parse_staged,
)
from tests.bot.discord.fuzzer import Fuzzer
from tests.compatibility.home import CUSTOM_IDS, RECORDED_CONTENTS, TOKEN, Home, copied, open_home
from tests.fakes import ScriptedRenderer

RECORDED: dict[str, Any] = json.loads(CUSTOM_IDS.read_text(encoding="utf-8"))
SHOWN: list[dict[str, Any]] = RECORDED["shown"]
(KEPT,) = {each["custom_id"] for each in SHOWN if parse_staged(each["custom_id"]) is not None}
NOW = datetime.fromisoformat(json.loads(RECORDED_CONTENTS.read_text(encoding="utf-8"))["now"])
LATER_ACTIONS = frozenset(
    {
        ComponentAction.IMPORT_RULES,
        ComponentAction.INPAINT,
        ComponentAction.BLEND,
        ComponentAction.KEEP_RULES,
        ComponentAction.MORE_OF_ONE,
        ComponentAction.CHOOSE_PICTURE,
        ComponentAction.CHOOSE_ANOTHER,
        ComponentAction.CONFIRM_DELETE,
        ComponentAction.CONFIRM_DELETE_REPORTED,
        ComponentAction.KEEP,
        *EXAMPLE_ACTIONS,
        ComponentAction.PAINT_ANYWAY,
        ComponentAction.EDIT_PROMPT,
        ComponentAction.PAINT_WITHOUT,
        ComponentAction.PAINT_EXPLAINED,
        ComponentAction.LORAS_PAGE,
        ComponentAction.MODELS_PAGE,
        ComponentAction.PAINT_IDEA,
        ComponentAction.LIST_PAGE,
        ComponentAction.STAR,
        ComponentAction.SHOW_SHARED,
        ComponentAction.NOTE,
        ComponentAction.ERASE_OWN,
        ComponentAction.ERASE_MEMBER,
        ComponentAction.KEEP_DATA,
        ComponentAction.DRAIN,
        ComponentAction.UNLOAD,
        ComponentAction.ANNOUNCE,
        ComponentAction.LEAVE_AS_IS,
        ComponentAction.CANCEL_ALL_IN_QUEUE,
        ComponentAction.SET_DELIVERY,
        ComponentAction.SET_SPOILER,
        ComponentAction.SET_QUIET,
        ComponentAction.AUDIT_PAGE,
        ComponentAction.CANCEL_WAITING,
        ComponentAction.KEEP_WAITING,
        ComponentAction.SETUP_REPORTS,
        ComponentAction.SETUP_LANGUAGE,
        ComponentAction.SETUP_QUOTA,
        ComponentAction.SETUP_ROLES,
        ComponentAction.LOG_EVENT,
        ComponentAction.LOG_CHANNEL,
        ComponentAction.REMIND,
        ComponentAction.ANSWER_REPORTERS,
        ComponentAction.REPLY_TO_MODERATORS,
        ComponentAction.DECIDE_WITH_REASON,
        ComponentAction.NEVER_PAINT_FROM,
    }
)
"""Actions added after the recording, which therefore lacks them."""
UNKNOWN = "I do not recognise this button"
TYPED = {
    "prompt": "a pond",
    "strength": "0.5",
    "negative": "fog",
    "seed": "70",
    "reason": "why not",
    "picture": "4",
}
"""Values submitted with forms, by field name."""
BUTTON, MENU, OPTION, FORM = "button", "menu", "option", "form"


@dataclass(frozen=True, slots=True)
class Press:
    """One use of a component. answer: the type of response; says: text that it contains."""

    on: str
    custom_id: str
    answer: str
    says: str
    who: str = "alice"


# Run in this order on one data folder; whatever deletes something comes last. The old button that
# deleted at once asks back first; the answer to that question is a later action.
PRESSES = (
    Press(BUTTON, "z1:queue:0", "update", "Your pictures here"),
    Press(BUTTON, "z1:cancel:27", "message", "Cancelled"),
    Press(BUTTON, "z1:unqueue:28", "update", "Cancelled", "bob"),
    Press(BUTTON, "z1:reroll:2", "message", "**a lake at dawn**"),
    Press(BUTTON, "z1:again:3", "message", "**a red boat two**"),
    Press(BUTTON, "z1:subtle:2", "message", "**a lake at dawn**"),
    Press(BUTTON, "z1:strong:2", "message", "**a lake at dawn**", "bob"),
    Press(BUTTON, "z1:upscale:2", "message", "512×512"),
    Press(BUTTON, "z1:more:2", "message", "Remove from favourites"),
    Press(BUTTON, "z1:unfavour:2", "update", "Add to favourites"),
    Press(BUTTON, "z1:favour:15", "update", "Remove from favourites"),
    Press(BUTTON, "z1:details:5", "message", "a red boat two"),
    Press(BUTTON, "z1:copy:2", "message", "I sent you a copy"),
    Press(BUTTON, "z1:remix:2", "modal", "Remix picture #2"),
    Press(BUTTON, "z1:report:2", "modal", "Report picture #2", "bob"),
    Press(BUTTON, "z1:show:2", "message", "**#2** a lake at dawn"),
    Press(BUTTON, "z1:show:1", "message", "was removed to save space"),
    Press(BUTTON, "z1:older:15", "update", "**#14** a lake at dawn"),
    Press(BUTTON, "z1:newer:0", "update", "pictures here"),
    Press(BUTTON, "z1:favolder:9", "update", "favourites here"),
    Press(BUTTON, "z1:favnewer:0", "update", "favourites here"),
    Press(BUTTON, KEPT, "modal", "Paint from this picture"),
    Press(BUTTON, "z1:case:25", "message", "Picture #25 was reported", "moderator"),
    Press(MENU, "z1:pick:3", "message", "Picture #3"),
    Press(OPTION, "z1:details:4", "message", "Picture #4"),
    Press(OPTION, "z1:original:18", "message", "**#18** some of these"),
    Press(OPTION, "z1:strong:18", "message", "**some of these**"),
    Press(OPTION, "z1:upscale:19", "message", "512×512"),
    Press(OPTION, "z1:remix:3", "modal", "Remix picture #3"),
    Press(OPTION, "z1:copy:3", "message", "I sent you a copy"),
    Press(OPTION, "z1:favour:3", "update", "your favourites: 1, 2 and 3"),
    Press(OPTION, "z1:unfavour:4", "update", "your favourites: 1 and 3"),
    Press(OPTION, "z1:report:3", "modal", "Report picture #3", "bob"),
    Press(FORM, "z1:remix:2", "message", "**a pond**", "bob"),
    Press(FORM, "z1:from:2", "message", "**a pond**", "bob"),
    Press(FORM, "z1:from:3", "message", "**a pond**"),
    Press(FORM, KEPT, "message", "**a pond**"),
    Press(FORM, "z1:report:2", "message", "moderators have been notified", "bob"),
    Press(BUTTON, "z1:paint:3", "update", "2 jobs were accepted"),
    Press(BUTTON, "z1:paint:2", "message", "already pressed"),
    Press(BUTTON, "z1:decline:5", "update", "Nothing was painted"),
    Press(BUTTON, "z1:dismiss:23", "update", "found nothing wrong with picture #23", "moderator"),
    Press(BUTTON, "z1:deletereported:24", "update", "This cannot be undone", "moderator"),
    Press(BUTTON, "z1:erasereported:24", "update", "deleted picture #24", "moderator"),
    Press(BUTTON, "z1:blockreported:25", "modal", "Delete picture #25 and block", "moderator"),
    Press(FORM, "z1:blockreported:25", "message", "deleted picture #25 and block", "moderator"),
    Press(BUTTON, "z1:dismiss:22", "message", "found nothing wrong", "moderator"),
    Press(BUTTON, "z1:delete:3", "update", "Delete these 3 pictures"),
    Press(BUTTON, "z1:erase:3", "deferred_update", "was deleted"),
    Press(BUTTON, "z1:reroll:2", "message", "spam", "carol"),
)


@pytest.fixture
def renderer() -> ScriptedRenderer:
    """A renderer that is held until the tests of waiting jobs are done."""
    renderer = ScriptedRenderer()
    renderer.hold()
    return renderer


@pytest.fixture
async def home(tmp_path: Path, renderer: ScriptedRenderer) -> AsyncIterator[Home]:
    """The bot, started on a copy of the recorded data."""
    async with open_home(copied(tmp_path / "data"), renderer.load, NOW) as home:
        yield home
        renderer.release()


def kind(custom_id: str) -> str:
    """Return the action of a custom_id."""
    known = parse(custom_id)
    assert known is not None or parse_staged(custom_id) is not None, custom_id
    return "kept" if known is None else known[0]


def test_the_table_is_whole() -> None:
    """Every action was recorded, and every recorded kind of component is used."""
    recorded = {(each["on"], kind(each["custom_id"])) for each in SHOWN}
    assert {act for _, act in recorded} == {*ComponentAction, "kept"} - LATER_ACTIONS
    assert {act for on, act in recorded if on == OPTION} <= MENU_ACTIONS
    later = [(FORM, ComponentAction.BLOCK_REPORTED), *((BUTTON, act) for act in LATER_ACTIONS)]
    presses = [each for each in PRESSES if (each.on, kind(each.custom_id)) not in later]
    assert {(each.on, kind(each.custom_id)) for each in presses} == recorded
    names = {(each["on"], each["custom_id"]) for each in SHOWN}
    assert {(each.on, each.custom_id) for each in presses} <= names


async def test_the_people_are_the_recorded_ones(home: Home) -> None:
    """The simulated users have the ids of the recorded rows, and the bot has its token."""
    assert home.ids() == RECORDED["ids"] and RECORDED["token"] == TOKEN


class Presser:
    """Uses recorded components on an ephemeral message of the bot's."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.fuzzer = Fuzzer(home)
        self.panels: dict[str, Any] = {}

    async def use(self, on: str, custom_id: str, who: str = "alice") -> tuple[str, str]:
        """Use a component; return the type of response and everything sent with it."""
        home, fuzzer = self.home, self.fuzzer
        actor = getattr(home, who)
        if who not in self.panels:
            shown = await actor.slash(home.channel, "queue")
            self.panels[who] = shown.response.message
        panel, before = self.panels[who], len(home.env.http_requests)
        match on:
            case "form":
                data = {"custom_id": custom_id, "components": self.filled(custom_id)}
                record = await fuzzer.send(actor, InteractionType.modal_submit, data)
            case "option":
                record = await fuzzer.press(actor, "z1:pick:3", 3, panel, value=custom_id)
            case "menu":
                record = await fuzzer.press(actor, custom_id, 3, panel, value="z1:details:3")
            case _:
                record = await fuzzer.press(actor, custom_id, message=panel)
        await home.env.settle()
        sent = [
            each.json
            for each in home.env.http_requests[before:]
            if str(record.id) in each.path or record.token in each.path
        ]
        return str(record.response_kind), json.dumps(sent, ensure_ascii=False)

    def filled(self, custom_id: str) -> list[Any]:
        """Return the fields of a recorded form, filled in."""
        forms = [each["fields"] for each in SHOWN if self.is_form(each, custom_id)]
        (names,) = forms or [["reason"]]  # only the form of a later action was not recorded
        fields: list[Any] = []
        for name in names:
            field: dict[str, Any] = {"type": 4, "custom_id": name, "value": TYPED[name]}
            if name == "picture":
                field = {"type": 3, "custom_id": name, "values": [TYPED[name]]}
            fields.append({"type": 18, "id": 1, "component": field})
        return fields

    @staticmethod
    def is_form(shown: dict[str, Any], custom_id: str) -> bool:
        """Return whether this is the form with that custom_id."""
        return shown["on"] == FORM and shown["custom_id"] == custom_id


async def test_each_kind_is_answered_as_it_was(home: Home, renderer: ScriptedRenderer) -> None:
    """One component of each kind does what it should to recorded rows."""
    hand = Presser(home)
    wrong: list[tuple[Press, str, str]] = []
    for press in PRESSES:
        if press.custom_id == "z1:reroll:2":
            renderer.release()
        answer, said = await hand.use(press.on, press.custom_id, press.who)
        if answer != press.answer or press.says not in said:
            wrong.append((press, answer, said[:500]))
    assert wrong == []
    await home.settled()
    cancelled = home.rows("SELECT id FROM jobs WHERE state = 'cancelled' AND id IN (27, 28)")
    assert cancelled == [(27,), (28,)]
    erased = "SELECT id FROM pictures WHERE deleted_at IS NOT NULL ORDER BY id"
    assert [row[0] for row in home.rows(erased)] == [3, 4, 5, 20, 21, 24, 25]
    assert home.rows("SELECT 1 FROM blocks WHERE user_id = ?", home.dave.id) == [(1,)]
    said = "json_extract(request, '$.mode'), json_extract(request, '$.strength')"
    ponds = home.rows(
        f"SELECT user_id, {said}, json_extract(request, '$.negative_prompt'), seed = 70, "
        "parent_picture_id FROM jobs WHERE prompt = 'a pond' ORDER BY id"
    )
    alice, bob = home.alice.id, home.bob.id
    assert ponds == [
        (bob, "text", 1.0, "fog", 1, 2),
        (bob, "image", 0.5, "", 0, 2),
        (alice, "image", 0.5, "", 0, 4),
        (alice, "image", 0.5, "", 0, None),
    ]
    reasons = home.rows("SELECT reason FROM reports WHERE user_id = ? ORDER BY id", bob)
    assert reasons[-1] == ("why not",)
    marked = "SELECT id FROM pictures WHERE favourite_at IS NOT NULL AND id IN (2, 15)"
    assert home.rows(marked) == [(15,)]


async def test_all_that_was_shown_is_known(home: Home, renderer: ScriptedRenderer) -> None:
    """Every recorded custom_id is recognised, even if the answer is a refusal."""
    renderer.release()
    hand = Presser(home)
    ids = {(each["on"], each["custom_id"]) for each in SHOWN}
    assert len(ids) > 200
    for number, (on, custom_id) in enumerate(sorted(ids, key=lambda each: "delete" in each[1])):
        _, said = await hand.use(on, custom_id)
        assert UNKNOWN not in said, custom_id
        if number % 20 == 0:
            await home.settled()
    _, said = await hand.use(BUTTON, "z1:nothing:1")
    assert UNKNOWN in said
    await home.settled()
