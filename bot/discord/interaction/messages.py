"""Reads what a Discord message shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import discord

from bot.discord.views.custom_ids import ComponentAction, parse


def walk_components(components: Iterable[Any]) -> Iterator[Any]:
    """Yield all components of a message, containers before their children."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))


def may_answer(payload: Mapping[str, Any], job_id: int) -> bool:
    """Return whether a message, as Discord sends it, can be our answer to the command of a job.

    It is a layout with the job's Cancel button or, later, with its pictures' buttons, all of our
    database; or a message without any, of a deferred response or an accepted proposal.
    """
    if payload.get("content"):
        return False
    ids = list(_custom_ids(payload))
    buttons = [button for each in ids if (button := parse(each)) is not None]
    cancelled = {row_id for action, row_id in buttons if action is ComponentAction.CANCEL}
    return job_id in cancelled if cancelled else bool(buttons) or not ids


def _custom_ids(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield the custom_ids of a message or component, and of everything in it."""
    if "custom_id" in part:
        yield str(part["custom_id"])
    for each in (*part.get("components", ()), *filter(None, [part.get("accessory")])):
        yield from _custom_ids(each)


def file_names(message: discord.Message) -> Iterator[str]:
    """Yield the names of all files that a message shows: its attachments, then galleries."""
    for attachment in message.attachments:
        yield attachment.filename
    for component in walk_components(message.components):
        if isinstance(component, discord.MediaGalleryComponent):
            for item in component.items:
                yield urlsplit(item.media.url).path.rpartition("/")[2]
