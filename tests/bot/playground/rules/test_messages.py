"""Rules for messages: text, flags, mentions, and what remains after an edit."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.model import MessageFlag
from bot.playground.rules.messages import MessageKind, check_message, settable_flags
from tests.bot.playground.rules.checks import problems, refusal
from tests.bot.playground.rules.components import button, row, words

Json = dict[str, Any]

POST, EDIT = MessageKind.CHANNEL_POST, MessageKind.CHANNEL_EDIT
CALLBACK = MessageKind.CALLBACK
FOLLOWUP, WEBHOOK_EDIT = MessageKind.WEBHOOK_POST, MessageKind.WEBHOOK_EDIT
V2 = int(MessageFlag.IS_COMPONENTS_V2)

WORDS: Json = {"content": "a lake", "flags": 0, "embeds": [], "components": [], "attachments": []}
LAYOUT: Json = WORDS | {"content": "", "flags": V2, "components": [words()]}
LOADING: Json = WORDS | {"content": "", "flags": 128}


def mentions(**allowed: Any) -> Json:
    """Return a message with these allowed mentions."""
    return {"content": "x", "allowed_mentions": allowed}


def poll(**changes: Any) -> Json:
    """Return a message with a poll."""
    answers = [{"poll_media": {"text": "yes"}}, {"poll_media": {"text": "no"}}]
    return {"poll": {"question": {"text": "Again?"}, "answers": answers} | changes}


POSTS: dict[str, Json] = {
    "2000 characters": {"content": "x" * 2000},
    "a number once": {"content": "x", "nonce": "x" * 25, "enforce_nonce": True},
    "a number as such": {"content": "x", "nonce": 2**63 - 1},
    "no number to enforce": {"content": "x", "enforce_nonce": True},
    "only buttons": {"components": [row(button())]},
    "only stickers": {"sticker_ids": ["1", "2", "3"]},
    "only a question": poll(duration=24.0, allow_multiselect=False, layout_type=1),
    "an answer to a message": {
        "content": "x",
        "message_reference": {"message_id": 1, "channel_id": "2", "fail_if_not_exists": False},
    },
    "only a forward": {"message_reference": {"type": 1, "message_id": "1", "channel_id": "2"}},
    "no mentions": mentions(parse=[]),
    "all mentions": mentions(parse=["users", "roles", "everyone"], replied_user=True),
    "hundred people": mentions(parse=["everyone"], users=[str(n) for n in range(100)]),
    "nobody in particular": mentions(parse=["users"], users=[]),
    "flags that a post may set": {"content": "x", "flags": 4 | 4096 | 8192},
    "null for what is left out": {
        "content": "x",
        "embeds": None,
        "components": None,
        "allowed_mentions": None,
        "flags": None,
        "tts": None,
        "nonce": None,
    },
}

POSTS_REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([], "MODEL_TYPE_CONVERT"),
    "nothing at all": (None, "BASE_TYPE_REQUIRED"),
    "2001 characters": ({"content": "x" * 2001}, "content BASE_TYPE_MAX_LENGTH"),
    "a number for a text": ({"content": 5}, "content STRING_TYPE_CONVERT"),
    "aloud, in words": ({"content": "x", "tts": "no"}, "tts BOOLEAN_TYPE_CONVERT"),
    "a long nonce": ({"content": "x", "nonce": "x" * 26}, "nonce NONCE_TYPE_TOO_LONG"),
    "a nonce beyond 64 bits": ({"content": "x", "nonce": 2**63}, "nonce NONCE_TYPE_OUT_OF_BOUNDS"),
    "a nonce of a strange sort": ({"content": "x", "nonce": True}, "nonce NONCE_TYPE_INVALID_TYPE"),
    "four stickers": ({"sticker_ids": [1, 2, 3, 4]}, "sticker_ids BASE_TYPE_MAX_LENGTH"),
    "a sticker's name": ({"sticker_ids": ["hi"]}, "sticker_ids.0 NUMBER_TYPE_COERCE"),
    "components not in a list": ({"components": row(button())}, "components LIST_TYPE_CONVERT"),
    "embeds not in a list": ({"embeds": {"title": "x"}}, "embeds LIST_TYPE_CONVERT"),
    "an answer to nothing": (
        {"content": "x", "message_reference": {"channel_id": "2"}},
        "message_reference.message_id BASE_TYPE_REQUIRED",
    ),
    "a forward from nowhere": (
        {"message_reference": {"type": 1, "message_id": "1"}},
        "message_reference.channel_id BASE_TYPE_REQUIRED",
    ),
    "unknown mentions": (mentions(parse=["here"]), "allowed_mentions.parse.0 BASE_TYPE_CHOICES"),
    "101 people": (mentions(users=list(range(101))), "allowed_mentions.users BASE_TYPE_MAX_LENGTH"),
    "101 roles": (mentions(roles=list(range(101))), "allowed_mentions.roles BASE_TYPE_MAX_LENGTH"),
    "someone twice": (
        mentions(users=["1", 1]),
        "allowed_mentions.users.1 SET_TYPE_ALREADY_CONTAINS_VALUE",
    ),
    "all people and some": (
        mentions(parse=["users"], users=["1"]),
        "allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
    ),
    "all roles and some": (
        mentions(parse=["roles"], roles=["1"]),
        "allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
    ),
    "no question": (poll(question=None), "poll.question BASE_TYPE_REQUIRED"),
    "no answers": (poll(answers=[]), "poll.answers BASE_TYPE_BAD_LENGTH"),
    "a long answer": (
        poll(answers=[{"poll_media": {"text": "x" * 56}}]),
        "poll.answers.0.poll_media.text BASE_TYPE_BAD_LENGTH",
    ),
    "an endless poll": (poll(duration=769), "poll.duration NUMBER_TYPE_MAX"),
    "half an hour's poll": (poll(duration=1.5), "poll.duration NUMBER_TYPE_COERCE"),
    "flags in words": ({"content": "x", "flags": "many"}, "flags NUMBER_TYPE_COERCE"),
    "negative flags": ({"content": "x", "flags": -1}, "flags NUMBER_TYPE_MIN"),
    "an ephemeral post": ({"content": "x", "flags": 64}, "flags BASE_TYPE_CHOICES"),
    "a loading post": ({"content": "x", "flags": 128}, "flags BASE_TYPE_CHOICES"),
    "words in a layout": (
        {"content": "x", "flags": V2, "components": [words()]},
        "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "an embed in a layout": (
        {"embeds": [{"title": "x"}], "flags": V2, "components": [words()]},
        "embeds MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "a poll in a layout": (
        poll() | {"flags": V2, "components": [words()]},
        "poll MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "a sticker in a layout": (
        {"sticker_ids": ["1"], "flags": V2, "components": [words()]},
        "sticker_ids MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
}


@pytest.mark.parametrize("name", POSTS)
def test_what_discord_takes_as_a_post(name: str):
    """Posts pass at their limits."""
    check_message(POSTS[name], kind=POST)


@pytest.mark.parametrize("name", POSTS_REFUSED)
def test_what_discord_refuses_in_a_post(name: str):
    """Each mistake is reported with the path of its field."""
    body, problem = POSTS_REFUSED[name]
    assert problems(check_message, body, kind=POST) == {problem}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": " \n"},
        {"content": None, "embeds": [], "components": [], "sticker_ids": [], "tts": False},
        {"flags": V2},
        {"flags": V2, "components": []},
        {"message_reference": {"message_id": "1"}},
    ],
)
@pytest.mark.parametrize("kind", [POST, CALLBACK, FOLLOWUP])
def test_nothing_cannot_be_sent(body: Json, kind: MessageKind):
    """An empty message is 50006 in any request."""
    error = refusal(check_message, body, kind=kind)
    assert (error.status, error.code, error.errors) == (400, 50006, None)


@pytest.mark.parametrize("kind", [CALLBACK, FOLLOWUP])
def test_answers_to_interactions_may_be_ephemeral(kind: MessageKind):
    """Flag 64 is allowed for responses and follow-ups; 128 for none."""
    check_message({"content": "x", "flags": 64 | 4 | 4096}, kind=kind)
    where = "data.flags" if kind is CALLBACK else "flags"
    body = {"content": "x", "flags": 128}
    assert problems(check_message, body, kind=kind) == {f"{where} BASE_TYPE_CHOICES"}


def test_an_answers_paths_begin_at_its_data():
    """Paths in a response start at its `data`."""
    body = {"content": "x" * 2001}
    assert problems(check_message, body, kind=CALLBACK) == {"data.content BASE_TYPE_MAX_LENGTH"}
    assert problems(check_message, body, kind=FOLLOWUP) == {"content BASE_TYPE_MAX_LENGTH"}


EDITS: dict[str, tuple[Json, Json]] = {
    "other words": ({"content": "another lake"}, WORDS),
    "nothing": ({}, WORDS),
    "buttons taken away": ({"components": []}, WORDS | {"components": [row(button())]}),
    "words taken from a picture": ({"content": None}, WORDS | {"attachments": [{"id": "1"}]}),
    "what was thinking": ({"content": "done"}, LOADING),
    "a layout after thinking": ({"flags": V2, "components": [words()]}, LOADING),
    "flags that were there": ({"content": "x", "flags": 64 | 4}, WORDS | {"flags": 64}),
    "another layout": ({"components": [words("other")], "flags": V2}, LAYOUT),
    "another layout, its flag unsaid": ({"components": [words("other")]}, LAYOUT),
    "the same layout": ({"allowed_mentions": {"parse": []}}, LAYOUT),
    "words turned into a layout": (
        {"content": None, "flags": V2, "components": [words()], "sticker_ids": [], "tts": False},
        WORDS,
    ),
    "an embed turned into a layout": (
        {"embeds": [], "flags": V2, "components": [words()]},
        WORDS | {"content": "", "embeds": [{"title": "x", "type": "rich"}]},
    ),
    "a link's embed is none of the bot's": (
        {"content": "", "flags": V2, "components": [words()]},
        WORDS | {"embeds": [{"type": "image"}]},
    ),
}

EDITS_REFUSED: dict[str, tuple[Json, Json, str]] = {
    "2001 characters": ({"content": "x" * 2001}, WORDS, "content BASE_TYPE_MAX_LENGTH"),
    "a layout without the flag": (
        {"components": [words()]},
        WORDS,
        "components.0 UNION_TYPE_CHOICES",
    ),
    "the flag taken away": (
        {"flags": 0, "components": [row(button())]},
        LAYOUT,
        "flags MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG",
    ),
    "words for a layout": (
        {"content": "words"},
        LAYOUT,
        "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "the flag without components": (
        {"content": None, "flags": V2},
        WORDS,
        "components BASE_TYPE_REQUIRED",
    ),
    "words left behind": (
        {"flags": V2, "components": [words()]},
        WORDS,
        "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
    "embeds left behind by null": (
        {"embeds": None, "flags": V2, "components": [words()]},
        WORDS | {"content": "", "embeds": [{"title": "x"}]},
        "embeds MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
    ),
}


@pytest.mark.parametrize("kind", [EDIT, WEBHOOK_EDIT])
@pytest.mark.parametrize("name", EDITS)
def test_what_discord_takes_as_an_edit(name: str, kind: MessageKind):
    """Edits pass if the message is not empty afterwards."""
    body, old = EDITS[name]
    check_message(body, kind=kind, old=old)


@pytest.mark.parametrize("kind", [EDIT, WEBHOOK_EDIT])
@pytest.mark.parametrize("name", EDITS_REFUSED)
def test_what_discord_refuses_in_an_edit(name: str, kind: MessageKind):
    """Each mistake is reported with the path of its field."""
    body, old, problem = EDITS_REFUSED[name]
    assert problems(check_message, body, kind=kind, old=old) == {problem}


@pytest.mark.parametrize(
    ("body", "old"),
    [
        ({"content": ""}, WORDS),
        ({"content": None}, WORDS),
        ({}, LOADING),
        ({"attachments": []}, WORDS | {"content": "", "attachments": [{"id": "1"}]}),
        ({"embeds": []}, WORDS | {"content": "", "embeds": [{"title": "x"}]}),
        ({"components": []}, LAYOUT),
    ],
)
@pytest.mark.parametrize("kind", [EDIT, WEBHOOK_EDIT, CALLBACK])
def test_an_edit_cannot_leave_nothing(body: Json, old: Json, kind: MessageKind):
    """An edit is refused if the message would be empty afterwards."""
    assert refusal(check_message, body, kind=kind, old=old).code == 50006


def test_an_answer_that_edits_follows_the_rules_of_edits():
    """Type 7 is checked against the message with the component."""
    check_message({"components": [words("other")]}, kind=CALLBACK, old=LAYOUT)
    found = problems(check_message, {"flags": 0}, kind=CALLBACK, old=LAYOUT)
    assert found == {"data.flags MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG"}


def test_which_flags_a_request_sets():
    """An edit sets two flags, a post four, and a response may also be ephemeral."""
    assert settable_flags(EDIT) == settable_flags(CALLBACK, editing=True) == 4 | V2
    assert settable_flags(POST) == 4 | 4096 | 8192 | V2
    assert settable_flags(CALLBACK) == settable_flags(FOLLOWUP) == settable_flags(POST) | 64
