"""Rules for messages: posts, edits, interaction responses and their edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final

from bot.playground.errors import EMPTY_MESSAGE, TOO_MANY_ATTACHMENTS, Form
from bot.playground.model import FILE_LIMIT_BYTES, MessageFlag
from bot.playground.rules.attachments import (
    ATTACHMENTS,
    MAX_FILES,
    UploadedFile,
    check_files,
    check_references,
    check_sizes,
)
from bot.playground.rules.components import check_parts
from bot.playground.rules.embeds import EMBEDS, check_embeds
from bot.playground.rules.grammar import (
    Field,
    Fields,
    boolean,
    check,
    integer,
    is_integer,
    known,
    list_of,
    object_with,
    objects,
    one_of,
    required,
    snowflake,
    text,
)
from bot.playground.rules.parts import LAYOUT, LEGACY

__all__ = ["MESSAGES", "MessageKind", "UploadedFile", "check_message", "settable_flags"]

Json = Mapping[str, Any]


class MessageKind(Enum):
    """The kind of request that a message body arrives in."""

    CHANNEL_POST = auto()
    CHANNEL_EDIT = auto()
    CALLBACK = auto()
    """The data of an interaction response: type 4, or 7 with the current message."""
    WEBHOOK_POST = auto()
    """A follow-up to an interaction."""
    WEBHOOK_EDIT = auto()
    """An edit of an interaction response or of a follow-up."""


_BY_POST: Final = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.VOICE_MESSAGE
    | MessageFlag.IS_COMPONENTS_V2
)
_BY_EDIT: Final = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2
_EDITS: Final = (MessageKind.CHANNEL_EDIT, MessageKind.WEBHOOK_EDIT)

_MENTIONS: Final = object_with(
    {
        "parse": list_of(one_of("roles", "users", "everyone"), unique=True),
        "users": list_of(snowflake(), high=100, unique=True),
        "roles": list_of(snowflake(), high=100, unique=True),
        "replied_user": boolean(),
    }
)
_REFERENCE: Final = object_with(
    {
        "type": one_of(0, 1),
        "message_id": required(snowflake()),
        "channel_id": snowflake(),
        "guild_id": snowflake(),
        "fail_if_not_exists": boolean(),
    }
)
_POLL_EMOJI: Final = object_with({"id": snowflake(), "name": text(high=32), **known("animated")})
_ANSWER: Final = object_with({"text": text(1, 55), "emoji": _POLL_EMOJI})
_POLL: Final = object_with(
    {
        "question": required(object_with({"text": required(text(1, 300)), "emoji": _POLL_EMOJI})),
        "answers": required(
            list_of(object_with({"poll_media": required(_ANSWER), **known("answer_id")}), 1, 10)
        ),
        "duration": integer(1, 768),
        "allow_multiselect": boolean(),
        "layout_type": one_of(1),
    }
)
_COMMON: Final[Fields] = {
    "content": text(high=2000),
    "embeds": EMBEDS,
    "allowed_mentions": _MENTIONS,
    "attachments": ATTACHMENTS,
    "flags": integer(0),
    # discord.py also sends it with edits, where Discord ignores it.
    "tts": boolean(),
}
_TABLES: Final[Mapping[MessageKind, Fields]] = {
    MessageKind.CHANNEL_POST: _COMMON
    | {
        "sticker_ids": list_of(snowflake(), high=3),
        "poll": _POLL,
        "message_reference": _REFERENCE,
        "enforce_nonce": boolean(),
        **known("nonce", "shared_client_theme"),
    },
    MessageKind.CHANNEL_EDIT: _COMMON
    | {"sticker_ids": list_of(snowflake(), high=3), **known("poll")},
    MessageKind.CALLBACK: _COMMON | {"poll": _POLL, **known("sticker_ids")},
    MessageKind.WEBHOOK_POST: _COMMON
    | {
        "poll": _POLL,
        "username": text(1, 80),
        **known("avatar_url", "thread_name", "applied_tags", "sticker_ids"),
    },
    MessageKind.WEBHOOK_EDIT: _COMMON | {"poll": _POLL, **known("sticker_ids")},
}
MESSAGES: Final[Mapping[MessageKind, Field]] = {
    kind: object_with(fields | {"components": LAYOUT}) for kind, fields in _TABLES.items()
}
"""Every field that Discord knows in a message body."""


def settable_flags(kind: MessageKind, *, editing: bool = False) -> MessageFlag:
    """Return the flags that such a request may set; Discord ignores others in edits."""
    if editing or kind in _EDITS:
        return _BY_EDIT
    return _BY_POST if kind is MessageKind.CHANNEL_POST else _BY_POST | MessageFlag.EPHEMERAL


def check_message(
    body: Any,
    files: Sequence[UploadedFile] = (),
    *,
    kind: MessageKind,
    old: Json | None = None,
    limit_bytes: int = FILE_LIMIT_BYTES,
) -> None:
    """Check a message body.

    old: the current message in Discord's JSON, if there is one. It needs content, flags, embeds,
    components and all of its attachments. Raises ApiError: 40005 for files that are too large,
    50035 for an invalid form, 30015 for too many files, 50006 if the message is, or would become,
    empty.
    """
    check_sizes(body, files, limit_bytes)
    form = Form(("data",) if kind is MessageKind.CALLBACK else ())
    check(body, required(object_with(_TABLES[kind])), (), form)
    if not isinstance(body, Mapping):
        form.check()
        return
    before, editing = old or {}, old is not None or kind in _EDITS
    layout = _is_layout(body) or _is_layout(before)
    table = LAYOUT if layout else LEGACY
    check_parts(form, body.get("components"), ("components",), table, layout=layout)
    check_embeds(form, body.get("embeds"), ("embeds",))
    kept = check_files(form, body, files, before)
    check_references(form, body, kept)
    _check_mentions(form, body)
    _check_nonce(form, body, kind)
    _check_forward(form, body)
    if not editing:
        _check_flags(form, body, kind)
    if layout:
        _check_layout(form, body, before, editing)
    form.check()
    if kept.count > MAX_FILES:
        raise TOO_MANY_ATTACHMENTS.error()
    if _is_empty(body, before, kept.count, layout):
        raise EMPTY_MESSAGE.error()


def _flags(message: Json) -> int:
    """Return a message's flags; 0 if missing or invalid."""
    flags = message.get("flags")
    return int(flags) if is_integer(flags) and flags > 0 else 0


def _is_layout(message: Json) -> bool:
    return bool(_flags(message) & MessageFlag.IS_COMPONENTS_V2)


def _check_mentions(form: Form, body: Json) -> None:
    allowed = body.get("allowed_mentions")
    if not isinstance(allowed, Mapping):
        return
    parse = allowed.get("parse")
    for name in ("users", "roles"):
        # An empty list does not contradict, according to Discord.
        if isinstance(parse, list) and name in parse and allowed.get(name):
            message = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            form.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


def _check_nonce(form: Form, body: Json, kind: MessageKind) -> None:
    nonce = body.get("nonce")
    if kind is not MessageKind.CHANNEL_POST or nonce is None:
        return
    if isinstance(nonce, str):
        if len(nonce) > 25:
            message = "Must be 25 or fewer characters long."
            form.add(("nonce",), "NONCE_TYPE_TOO_LONG", message)
    elif isinstance(nonce, bool) or not isinstance(nonce, int):
        message = "This field must be a string or integer."
        form.add(("nonce",), "NONCE_TYPE_INVALID_TYPE", message)
    elif not -(2**63) <= nonce < 2**63:
        message = f"Must be between {-(2**63)} and {2**63 - 1}."
        form.add(("nonce",), "NONCE_TYPE_OUT_OF_BOUNDS", message)


def _is_forward(body: Json) -> bool:
    reference = body.get("message_reference")
    return isinstance(reference, Mapping) and reference.get("type") == 1


def _check_forward(form: Form, body: Json) -> None:
    if _is_forward(body) and body["message_reference"].get("channel_id") is None:
        path = ("message_reference", "channel_id")
        form.add(path, "BASE_TYPE_REQUIRED", "This field is required")


def _check_flags(form: Form, body: Json, kind: MessageKind) -> None:
    allowed = settable_flags(kind)
    if _flags(body) & ~int(allowed):
        named = ", ".join(str(int(each)) for each in allowed)
        form.add(("flags",), "BASE_TYPE_CHOICES", f"Only these flags may be set: {named}.")


def _check_layout(form: Form, body: Json, before: Json, editing: bool) -> None:
    """Check what the flag IS_COMPONENTS_V2 forbids and requires."""
    was, becomes = _is_layout(before), _is_layout(body)
    if was and not becomes and body.get("flags") is not None:
        message = "The flag IS_COMPONENTS_V2 cannot be removed"
        form.add(("flags",), "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", message)
    for name in ("content", "embeds", "sticker_ids", "poll", "shared_client_theme"):
        left_over = editing and not was and _is_left(name, body, before)
        if body.get(name) or left_over:
            message = f"The '{name}' field cannot be used with the flag IS_COMPONENTS_V2"
            form.add((name,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    if editing and not was and not body.get("components"):
        form.add(("components",), "BASE_TYPE_REQUIRED", "This field is required")


def _is_left(name: str, body: Json, before: Json) -> bool:
    """Return whether a message keeps content in a field that this edit had to empty."""
    had = before.get("sticker_items" if name == "sticker_ids" else name)
    if name == "embeds":
        # Embeds that Discord generated for links in the text are not the bot's.
        had = [each for _, each in objects(had) if each.get("type", "rich") == "rich"]
    # null clears a text and a poll, but a list here is only cleared by [].
    emptied = name in body and (body[name] is not None or name in ("content", "poll"))
    return bool(had) and not emptied


def _is_empty(body: Json, before: Json, file_count: int, layout: bool) -> bool:
    """Return whether the message would be empty."""
    after = {**before, **body}
    if layout:
        return not after.get("components")
    if str(after.get("content") or "").strip() or file_count or _is_forward(body):
        return False
    names = ("embeds", "components", "sticker_ids", "sticker_items", "poll", "shared_client_theme")
    return not any(after.get(name) for name in names)
