"""Pure: files as they are attached to layouts, and what screen readers read for pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

import discord
from discord import ui

from bot.discord.views.markdown import alt_text
from bot.i18n import Words
from bot.pictures.filenames import number_in_series
from storage.types import StoredPicture

_URL = "attachment://{name}"


def attached(view: ui.LayoutView, name: str, data: bytes) -> discord.File:
    """Return a picture as a file of this layout, with the alt text that the layout gives it.

    Clients show a layout's own description, but Discord and other programs also read the file's.
    Raises ValueError for a picture that the layout does not show, or shows without alt text.
    """
    described = dict(_described(view))
    url = _URL.format(name=name)
    if not described.get(url):
        raise ValueError(f"{name} has no alt text in its layout")
    return discord.File(io.BytesIO(data), name, description=described[url])


def text_file(name: str, data: bytes) -> discord.File:
    """Return a file that is no picture; its name says what it is."""
    return discord.File(io.BytesIO(data), name)


def archive_file(name: str, file: IO[bytes]) -> discord.File:
    """Return an open zip as an attachment; its name says what it is."""
    # On Windows a temporary file is wrapped, and discord.py needs the file itself.
    real: Any = getattr(file, "file", file)
    return discord.File(real, name)


def describe_prompt(prompt: str, say: Words) -> str:
    """Return what a picture of this prompt shows; an upload that was enlarged may have none."""
    return prompt if alt_text(prompt).strip() else say("A picture without a prompt")


def describe_picture(prompt: str, file_name: str, say: Words) -> str:
    """Return what a picture shows: its prompt, and which one of several it is.

    file_name: as it is stored, or as it is sent.
    """
    number, prompt = number_in_series(file_name), describe_prompt(prompt, say)
    if number is None:
        return prompt
    return say("Picture {number} of a series: {prompt}", number=number, prompt=prompt)


def describe_stored(picture: StoredPicture, say: Words) -> str:
    """Return what a stored picture shows, as alt text."""
    return alt_text(describe_picture(picture.prompt, picture.file.rpartition("/")[2], say))


def _described(view: ui.LayoutView) -> Iterator[tuple[str, str | None]]:
    """Yield the URL and the alt text of every picture in a layout."""
    for item in view.walk_children():
        shown: list[Any] = [item] if isinstance(item, ui.Thumbnail) else []
        if isinstance(item, ui.MediaGallery):
            shown = list(item.items)
        for each in shown:
            yield each.media.url, each.description
