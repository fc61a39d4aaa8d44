"""Turns a bot's valid request to post or edit into a message of the world."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.playground.mentions import set_mentions
from bot.playground.model import Attachment, Message, MessageFlag
from bot.playground.rules.messages import UploadedFile
from bot.playground.world import Draft, World

KEPT_FLAGS: Final = MessageFlag.EPHEMERAL | MessageFlag.LOADING
"""Flags that a bot cannot change with an edit."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart request."""

    field: str
    filename: str
    content_type: str
    data: bytes

    def upload(self) -> UploadedFile:
        """Return the metadata that the rules check."""
        return UploadedFile(self.field, self.filename, len(self.data), self.content_type)


@dataclass(frozen=True, slots=True)
class Body:
    """A request's JSON (an object, or a list of commands) and its files."""

    json: Any
    parts: Sequence[FilePart] = ()

    def uploads(self) -> list[UploadedFile]:
        """Return the metadata of all files that the rules check."""
        return [part.upload() for part in self.parts]


async def draft(world: World, body: Body) -> Draft:
    """Return the message that a valid request describes, and store its files."""
    json = body.json
    return Draft(
        content=str(json.get("content") or ""),
        embeds=list(json.get("embeds") or ()),
        components=list(json.get("components") or ()),
        attachments=await _files(world, body),
        flags=MessageFlag(int(json.get("flags") or 0)),
        tts=bool(json.get("tts") or False),
        nonce=json.get("nonce"),
        enforce_nonce=bool(json.get("enforce_nonce")),
        allowed_mentions=json.get("allowed_mentions"),
    )


async def apply_edit(world: World, message: Message, body: Body, *, silent: bool = False) -> None:
    """Apply a valid edit to a message; fields that the edit does not name stay."""
    json = body.json
    fresh = await _files(world, body)
    if "content" in json:
        message.content = str(json["content"] or "")
    if "embeds" in json:
        message.embeds = list(json["embeds"] or ())
    if "components" in json:
        message.components = list(json["components"] or ())
    if json.get("flags") is not None:
        kept = message.flags & KEPT_FLAGS
        message.flags = MessageFlag(int(json["flags"])) & ~KEPT_FLAGS | kept
    message.flags &= ~MessageFlag.LOADING
    if "attachments" in json:
        listed = {str(each["id"]): each for each in json["attachments"] or ()}
        for each in message.attachments:
            if str(each.id) not in listed:
                world.files.replace(each.id)
        kept_files = [
            _with_description(each, listed[str(each.id)])
            for each in message.attachments
            if str(each.id) in listed
        ]
        message.attachments = [*kept_files, *fresh]
    else:
        message.attachments = [*message.attachments, *fresh]
    set_mentions(message, json.get("allowed_mentions"), world.users)
    world.notify_edit(message, silent=silent)


async def _files(world: World, body: Body) -> list[Attachment]:
    listed = {str(each.get("id")): each for each in body.json.get("attachments") or ()}
    kept: list[Attachment] = []
    for part in body.parts:
        number = part.field.removeprefix("files[").removesuffix("]")
        entry = listed.get(number, {})
        name = str(entry.get("filename") or part.filename)
        attachment = await asyncio.to_thread(
            world.files.put, world.ids.new(), name, part.data, description=entry.get("description")
        )
        kept.append(attachment)
    return kept


def _with_description(attachment: Attachment, entry: Mapping[str, Any]) -> Attachment:
    if "description" not in entry:
        return attachment
    return replace(attachment, description=entry["description"])
