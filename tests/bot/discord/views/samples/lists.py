"""Samples of the history, the panel behind More, and the queue."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

from bot.discord.views.history import history_layout
from bot.discord.views.loras import loras_layout
from bot.discord.views.markdown import quoted
from bot.discord.views.models import ModelRow, models_layout
from bot.discord.views.pictures import (
    deletion_layout,
    more_layout,
    more_of_picture_layout,
    picture_layout,
)
from bot.discord.views.queue import queue_layout
from bot.i18n import Words
from bot.jobs.queue_overview import NEXT_SHOWN, OwnQueue, QueuedJob, WholeQueue
from bot.pictures.gallery import PAGE_PICTURES, GalleryPage
from bot.pictures.possible_actions import AllowedActions, PossibleActions
from bot.pictures.searches import MAX_SEARCH_CHARS
from bot.request.models import OfferedModel
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE
from engine.diffusion.lora.shelf import LoraInfo
from storage.search import WHOLE_SERVER, PictureQuery
from tests.bot.discord.views.samples.data import (
    ALICE,
    BOB,
    CHANNEL,
    READY_AT,
    Sample,
    Shown,
    a_picture,
    pictures_of,
)


def _page(count: int, query: PictureQuery = PictureQuery(), **changes: Any) -> Sample:  # noqa: B008
    """Return a page of a list. query: the user text is put in place of its words and names."""
    pictures = changes.pop("pictures", {})
    without = changes.pop("without", frozenset[int]())
    thumbnails = changes.pop("thumbnails", True)

    noted = changes.pop("noted", False)

    def shown(say: Words, words: str) -> Shown:
        if noted:
            pictures["note"] = words[:500]
        typed = {
            name: words[:MAX_SEARCH_CHARS]
            for name in ("text", "model", "lora")
            if getattr(query, name)
        }
        wanted = dataclasses.replace(query, **typed)
        plain: dict[str, Any] = {"total": None if query.indexed else count, "query": wanted}
        page = GalleryPage(pictures_of(count, words, **pictures), **plain | changes)
        pictured = {each.id for each in page.pictures} if thumbnails else set[int]()
        return history_layout(page, say, pictured - without)

    return shown


SERVER = PictureQuery(shown_in=WHOLE_SERVER)
FAVOURITES = PictureQuery(favourites=True)
FOUND = PictureQuery("x")
EVERYTHING = PictureQuery("x", 4294967295, date(2026, 1, 1), date(2026, 12, 31), "x", "x")


def _allowed(
    words: str, count: int, marked: int = 0, *, own: bool = True, erasable: bool = True
) -> AllowedActions:
    pictures = tuple(
        a_picture(31 + n, words, favourite=n < marked, note=words[:500] if marked else None)
        for n in range(count)
    )
    return AllowedActions(pictures, own, erasable)


def _more(count: int, marked: int = 0, **allowed: bool) -> Sample:
    return lambda say, words: more_layout(_allowed(words, count, marked, **allowed), say)


def _more_of(picture_id: int, marked: int = 0, **allowed: bool) -> Sample:
    """Return the panel turned to one of four pictures."""
    return lambda say, words: more_of_picture_layout(
        _allowed(words, 4, marked, **allowed), picture_id, say
    )


def _delete(count: int) -> Sample:
    return lambda say, words: deletion_layout(_allowed(words, count), 31, say)


def _shown(name: str = "zimagine-12-5.png", **possible: bool) -> Sample:
    return lambda say, words: picture_layout(
        a_picture(31, words, note=words[:500]), PossibleActions(**possible), name, say
    )


def _job(number: int, words: str | None, **changes: Any) -> QueuedJob:
    job = QueuedJob(40 + number, ALICE, 1 + number % 4, words, number or None, READY_AT)
    return dataclasses.replace(job, **changes)


def _loras(count: int, page: int = 0, pictures: int = 0, model: str = "") -> Sample:
    def shown(say: Words, words: str) -> Shown:
        found = [
            LoraInfo(
                f"ink-{n}",
                words[:100],
                trigger_words=tuple(f"{words[:90]} {m}" for m in range(n % 3)),
                style_words=tuple(words[:40] for _ in range(n % 2)),
                weight=0.8,
                family="Z-Image",
                ranks=(16, 32)[: n % 3],
            )
            for n in range(count)
        ]
        pictured = [each.name for each in found[:pictures]]
        return loras_layout(found, page, say, pictured, model)

    return shown


def _models(count: int, page: int = 0, pictured: int = 0) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        found = [
            ModelRow(
                OfferedModel(f"m{n}", Z_IMAGE if n % 2 else SKETCH_FAMILY, words[:40], words[:120]),
                default=n == 0,
                loaded=n == 1,
                usable=n % 3 < 2,
            )
            for n in range(count)
        ]
        return models_layout(found, page, [f"m{n}" for n in range(pictured)], say)

    return shown


NOBODY = WholeQueue(0, 0, 0, None, None)
BUSY = WholeQueue(7, 2, 1, READY_AT, None)


def _queue(
    own: int, everyone: WholeQueue, *, others: int | None = None, notice: str = ""
) -> Sample:
    """others: number of rows for other members' jobs, one of them private, as an admin sees
    them."""

    def shown(say: Words, words: str) -> Shown:
        jobs = tuple(_job(n, words) for n in range(min(own, NEXT_SHOWN)))
        following = None
        if others is not None:
            foreign = [_job(10 + n, words, user_id=BOB) for n in range(others)]
            following = tuple([*foreign[:-1], _job(9, None, user_id=BOB, ahead=0)][:others])
        everybody = dataclasses.replace(everyone, following=following)
        text = quoted(f"{notice} “{words[:80]}”", 1900) if notice else ""
        return queue_layout(OwnQueue(jobs, own), everybody, say, text)

    return shown


LISTS: dict[str, Sample] = {
    "models-one": _models(1),
    "models-pictured": _models(5, pictured=3),
    "models-page": _models(25, 1, pictured=25),
    "loras-none": _loras(0),
    "loras-none-of-model": _loras(0, model="z-image_turbo.v1"),
    "loras-of-model": _loras(9, 1, model="z-image_turbo.v1"),
    "loras-one": _loras(1),
    "loras-page": _loras(20, 1),
    "loras-last": _loras(17, 9),
    "loras-pictures": _loras(8, pictures=8),
    "history-empty": _page(0),
    "history-one": _page(1),
    "history-many": _page(PAGE_PICTURES, total=12, newer_id=7, older_id=8),
    "history-first": _page(PAGE_PICTURES, total=6, older_id=8),
    "history-instead": _page(1, instead=True),
    "history-spoiler": _page(2, pictures={"spoiler": True}),
    "history-notes": _page(PAGE_PICTURES, older_id=8, noted=True),
    "history-series": _page(1, pictures={"file": "pictures/2026/01/zimagine-12-5-2.png"}),
    "history-without-files": _page(3, without=frozenset({99, 100})),
    "history-unseen": _page(1, unseen=frozenset({100}), pictures={"private": True}),
    "favourites-empty": _page(0, FAVOURITES),
    "favourites-one": _page(1, FAVOURITES),
    "favourites-many": _page(PAGE_PICTURES, FAVOURITES, total=6, older_id=8),
    "found-nothing": _page(0, FOUND),
    "found-one": _page(1, FOUND),
    "found-many": _page(
        PAGE_PICTURES,
        EVERYTHING,
        newer_id=7,
        older_id=8,
        pictures={"private": True, "favourite": True},
        unseen=frozenset(range(90, 101)),
    ),
    "found-many-without": _page(PAGE_PICTURES, EVERYTHING, thumbnails=False),
    "found-no-favourite": _page(0, dataclasses.replace(FOUND, favourites=True)),
    "found-favourites": _page(2, dataclasses.replace(FOUND, favourites=True)),
    "found-favourites-page": _page(
        PAGE_PICTURES, dataclasses.replace(FOUND, favourites=True), older_id=8
    ),
    "gallery-found": _page(
        2, dataclasses.replace(EVERYTHING, shown_in=WHOLE_SERVER), newer_id=7, older_id=8
    ),
    "gallery-found-channel": _page(1, dataclasses.replace(FOUND, shown_in=CHANNEL)),
    "gallery-found-nothing": _page(0, dataclasses.replace(FOUND, shown_in=CHANNEL)),
    "gallery-server": _page(PAGE_PICTURES, SERVER, newer_id=7, older_id=8, noted=True),
    "gallery-channel": _page(2, PictureQuery(shown_in=CHANNEL), pictures={"favourite": True}),
    "gallery-empty": _page(0, SERVER),
    "shown": _shown(),
    "shown-of-series": _shown("zimagine-12-5-3.webp"),
    "shown-foreign": lambda say, words: picture_layout(
        a_picture(31, words, note=words[:500]),
        PossibleActions(),
        "zimagine-12-5.png",
        say,
        own=False,
    ),
    "shown-large": _shown(upscale=False),
    "shown-alone": _shown(repaint=False, upscale=False),
    "more-own": _more(1),
    "more-own-favourite": _more(1, 1),
    "more-foreign": _more(1, own=False, erasable=False),
    "more-foreign-moderator": _more(1, own=False),
    "more-several-own": _more(4, 2),
    "more-several-foreign": _more(4, own=False, erasable=False),
    "more-of-several-own": _more_of(33, 2),
    "more-of-several-foreign": _more_of(31, own=False),
    "delete": _delete(1),
    "delete-several": _delete(4),
    "queue-empty": _queue(0, NOBODY),
    "queue-own-one": _queue(1, BUSY),
    "queue-own": _queue(2, BUSY),
    "queue-own-full": _queue(NEXT_SHOWN + 2, BUSY, notice="Cancelled and not charged:"),
    "queue-painting": _queue(0, WholeQueue(0, 0, 1, None, None)),
    "queue-finishing": _queue(0, WholeQueue(0, 0, 1, READY_AT, None)),
    "queue-paused": _queue(0, WholeQueue(3, 2, 0, None, None, paused=True)),
    "queue-one": _queue(0, WholeQueue(1, 1, 1, READY_AT, None)),
    "queue-admin": _queue(0, BUSY, others=2),
    "queue-admin-full": _queue(NEXT_SHOWN + 1, BUSY, others=NEXT_SHOWN, notice="Cancelled:"),
}
