"""Every layout that the bot can show, by name: the one table that a new layout is added to.

A case takes the reader's language and a person's words, which stand wherever people's words do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from discord import ui

from bot.cards import (
    Card,
    FailureCard,
    KeptCard,
    MovedCard,
    NoticeCard,
    PaintingCard,
    PictureCard,
    ShownPicture,
    WaitingCard,
)
from bot.discord.finding import found_layout
from bot.discord.forms import remix_form
from bot.discord.guide import Entry, help_layout, status_layout
from bot.discord.panels import details_panel, explained_layout, queue_layout
from bot.discord.present import card_layout, history_layout, more_layout, quota_text, shown_layout
from bot.discord.texts import quoted
from bot.i18n import Words
from bot.studio import flags
from bot.studio.album import FOUND_PICTURES, MAX_SEARCH_CHARS, PAGE_PICTURES, Deeds, Found, Page
from bot.studio.condition import Condition
from bot.studio.lookup import NEXT_SHOWN, Details, Explained, OwnQueue, QueuedJob, WholeQueue
from bot.studio.notes import (
    Adapted,
    GuidanceHigh,
    NegativeAdded,
    NegativeIdle,
    Note,
    NotExact,
    SmallSide,
    SomeFailed,
)
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.prompts import Level, analyse, enhance
from engine.states import EngineState
from engine.types import Adaptation, Difference, Mend, Mode, Recipe, Variation
from storage.types import Place, PolicySource, QuotaPolicy, QuotaStatus, StoredPicture
from tests.fakes import EPOCH, a_request, fake_recipe

Shown = ui.LayoutView | ui.Modal | str
Case = Callable[[Words, str], Shown]

PROMPT = "a red boat on a lake at dawn"
ALICE, BOB, CHANNEL, GUILD = (n * 10**17 for n in (1, 2, 3, 4))
SOON = EPOCH + timedelta(seconds=90)
NEGATIVE = "blurry, low quality"
MENDS = tuple(
    Adapted(Adaptation(mend, "step 3", value))
    for mend, value in zip(Mend, ("1.5", "", "", "", "streamed"), strict=True)
)
NOTES: tuple[Note, ...] = (
    NegativeIdle(),
    NegativeAdded(NEGATIVE),
    GuidanceHigh(6.0, 4.0),
    SmallSide(256, 512),
    *MENDS,
    NotExact((Difference("device", "cuda", "cpu"), Difference("threads", None, 2))),
    SomeFailed(1, 4),
)
ERRORS = (
    *("prompt_too_long", "non_finite", "blank", "input_unfit", "input_missing", "out_of_memory"),
    *("disk", "crashed", "render_failed"),
)


def _card(make: Callable[[str], Card]) -> Case:
    return lambda say, words: card_layout(make(words), say)


def _waiting(**changes: Any) -> Case:
    plain: dict[str, Any] = {"ahead": 2, "ready_at": None}
    return _card(lambda words: WaitingCard(12, a_request(words), ALICE, **plain | changes))


def _painting(**changes: Any) -> Case:
    plain: dict[str, Any] = {"step": 3, "steps": 8}
    return _card(lambda words: PaintingCard(12, a_request(words), ALICE, **plain | changes))


def _added(make: Callable[..., Card]) -> Case:
    """With words that were added, and everything there is to remark."""
    return lambda say, words: card_layout(make(added=words, notes=NOTES, words=words), say)


def _result(words: str, ids: tuple[int, ...] = (31,), **changes: Any) -> PictureCard:
    asked = changes.pop("asked", {})
    shown = tuple(ShownPicture(each, 5 + n, Path("x.png")) for n, each in enumerate(ids))
    name = "zimagine-12-5.png" if len(ids) == 1 else "zimagine-12-sheet.png"
    request = a_request(words, seed=5, **asked)
    return PictureCard(shown, request, ALICE, name, 3.25, "Tongyi-MAI/Z-Image-Turbo", **changes)


def _picture(ids: tuple[int, ...] = (31,), **changes: Any) -> Case:
    return _card(lambda words: _result(words, ids, **changes))


def _failure(state: str, code: str = "", *, mention: bool = False) -> Case:
    return _card(
        lambda words: FailureCard(
            12, a_request(words), ALICE, state, code, "600 tokens, 512 are read", mention
        )
    )


def a_picture(picture_id: int, words: str, **changes: Any) -> StoredPicture:
    """A picture of Alice's as storage hands it out; `changes` are its other fields."""
    plain: dict[str, Any] = {
        "job_id": 12,
        "place": Place(GUILD, CHANNEL, ALICE),
        "file": f"pictures/2026/01/zimagine-12-{picture_id}.png",
        "sha256": "0" * 64,
        "recipe": "{}",
        "prompt": words,
        "seed": 4294967295,
        "width_px": 1024,
        "height_px": 768,
        "duration_s": 3.25,
        "painted_at": EPOCH,
    }
    return StoredPicture(picture_id, **plain | changes)


def _pictures(count: int, words: str, **changes: Any) -> tuple[StoredPicture, ...]:
    return tuple(a_picture(100 - n, words, **changes) for n in range(count))


def _page(count: int, **changes: Any) -> Case:
    plain: dict[str, Any] = {"total": count, "before_id": 0, "newer_id": None, "older_id": None}
    pictures = changes.pop("pictures", {})
    return lambda say, words: history_layout(
        Page(_pictures(count, words, **pictures), **plain | changes), say
    )


def _found(count: int, *, more: bool = False, favourites: bool = False) -> Case:
    def shown(say: Words, words: str) -> Shown:
        pictures = _pictures(count, words, private=more, favourite=favourites)
        unseen = frozenset(each.id for each in pictures) if more else frozenset[int]()
        return found_layout(
            Found(words[:MAX_SEARCH_CHARS], pictures, more, unseen, favourites), say
        )

    return shown


def _more(count: int, marked: int = 0, *, own: bool = True, erasable: bool = True) -> Case:
    def shown(say: Words, words: str) -> Shown:
        pictures = tuple(a_picture(31 + n, words, favourite=n < marked) for n in range(count))
        return more_layout(Deeds(pictures, own, erasable), 31, say)

    return shown


def _job(number: int, words: str | None, **changes: Any) -> QueuedJob:
    job = QueuedJob(40 + number, ALICE, 1 + number % 4, words, number or None, SOON)
    return dataclasses.replace(job, **changes)


NOBODY = WholeQueue(0, 0, 0, None, None)
BUSY = WholeQueue(7, 2, 1, SOON, None)


def _queue(own: int, whole: WholeQueue, *, others: int | None = None, said: str = "") -> Case:
    """others: so many rows of other people's jobs, one of them private, for an admin."""

    def shown(say: Words, words: str) -> Shown:
        jobs = tuple(_job(n, words) for n in range(min(own, NEXT_SHOWN)))
        following = None
        if others is not None:
            foreign = [_job(10 + n, words, user_id=BOB) for n in range(others)]
            following = tuple([*foreign[:-1], _job(9, None, user_id=BOB, ahead=0)][:others])
        everybody = dataclasses.replace(whole, following=following)
        text = quoted(f"{said} “{words[:80]}”", 1900) if said else ""
        return queue_layout(OwnQueue(jobs, own), everybody, say, text)

    return shown


def _explain(extra: str = "", *, counted: bool = True) -> Case:
    def shown(say: Words, words: str) -> Shown:
        prompt = f"{words}{extra}"

        def count(text: str) -> int | None:
            return len(text.split()) if counted else None

        enhanced = enhance(
            prompt, negative="", level=Level.FULL, style=Z_IMAGE_TURBO.style, negative_works=True
        )
        analysis = analyse(prompt, count=count, max_tokens=8)
        return explained_layout(Explained(prompt, analysis, enhanced, Level.FULL, 512), say)

    return shown


def _details(
    asked: dict[str, Any] | None = None, *, stored: bool = True, full: bool = False, **changes: Any
) -> Case:
    def shown(say: Words, words: str) -> Shown:
        request = a_request(words, **asked or {})
        recipe: Recipe = fake_recipe(request)
        if full:
            adaptations = tuple(each.adaptation for each in MENDS)
            loras = tuple(f"style-{n}" for n in range(7))
            recipe = dataclasses.replace(recipe, adaptations=adaptations, loras=loras)
        picture = a_picture(31, words, private=full) if stored else None
        details = Details(recipe, flags.line(request), picture, from_file=full or not stored)
        return details_panel(dataclasses.replace(details, **changes), say).view

    return shown


def _quota(source: PolicySource, used: int, who: str | None = None) -> Case:
    status = QuotaStatus(QuotaPolicy(20, 24, source), used, 20 - used, SOON if used else None)
    return lambda say, _: quota_text(status, who, say)


def _remix(prompt: str | None = None, **asked: Any) -> Case:
    return lambda say, words: remix_form(31, a_request(words, **asked), prompt, say)


_EVERYTHING: dict[str, Any] = {
    "negative_prompt": NEGATIVE,
    "guidance": 3.5,
    "mode": Mode.BLEND,
    "inputs": ("0" * 64, "1" * 64),
    "strength": 0.6,
    "variations": (Variation(8, 0.1), Variation(9, 0.25)),
    "variety": 0.3,
    "refine": 0.2,
}

CASES: dict[str, Case] = {
    "waiting": _waiting(),
    "waiting-one-before": _waiting(ahead=1),
    "waiting-next": _waiting(ahead=0),
    "waiting-with-time": _waiting(ready_at=SOON),
    "waiting-loading": _waiting(loading=True),
    "waiting-notes": _added(
        lambda words, **more: WaitingCard(12, a_request(words), ALICE, 0, None, **more)
    ),
    "painting": _painting(),
    "painting-several": _painting(step=17, steps=24, pictures=3),
    "painting-begun": _painting(step=0),
    "painting-done": _painting(step=32, steps=32, pictures=4),
    "picture": _picture(),
    "picture-guidance": _picture(asked={"guidance": 2.5, "steps": 1}),
    "picture-mention": _picture(mention=True),
    "picture-direct": _picture(direct=True, origin_id=CHANNEL),
    "picture-notes": _added(lambda words, **more: _result(words, **more)),
    "pictures": _picture((31, 32, 33, 34)),
    "pictures-two": _picture((31, 40)),
    "pictures-mention": _picture((31, 32, 33), mention=True, notes=(SomeFailed(1, 4),)),
    "pictures-direct": _picture((31, 32), direct=True, origin_id=CHANNEL),
    "failure-cancelled": _failure("cancelled"),
    "failure-expired": _failure("expired"),
    "failure-mention": _failure("failed", "blank", mention=True),
    **{f"failure-{code.replace('_', '-')}": _failure("failed", code) for code in ERRORS},
    "kept": _card(lambda words: KeptCard(a_request(words), ALICE, painted=True)),
    "kept-old": _card(lambda words: KeptCard(a_request(words), ALICE, painted=True, old=True)),
    "kept-unpainted": _card(lambda words: KeptCard(a_request(words), ALICE, painted=False)),
    "moved": _card(lambda words: MovedCard(a_request(words), GUILD, CHANNEL, 7 * 10**17)),
    "notice": _card(lambda _: NoticeCard("The disk is full.")),
    "history-empty": _page(0),
    "history-one": _page(1),
    "history-many": _page(PAGE_PICTURES, total=12, before_id=101, newer_id=0, older_id=96),
    "history-first": _page(PAGE_PICTURES, total=6, older_id=96),
    "history-unseen": _page(1, unseen=frozenset({100}), pictures={"private": True}),
    "favourites-empty": _page(0, favourites=True),
    "favourites-one": _page(1, favourites=True),
    "favourites-many": _page(PAGE_PICTURES, total=6, older_id=96, favourites=True),
    "found-nothing": _found(0),
    "found-one": _found(1),
    "found-many": _found(FOUND_PICTURES, more=True),
    "found-no-favourite": _found(0, favourites=True),
    "found-favourites": _found(2, favourites=True),
    "shown": lambda say, words: shown_layout(a_picture(31, words), "zimagine-12-5.png", say),
    "more-own": _more(1),
    "more-own-favourite": _more(1, 1),
    "more-foreign": _more(1, own=False, erasable=False),
    "more-foreign-moderator": _more(1, own=False),
    "more-several-own": _more(4, 2),
    "more-several-foreign": _more(4, own=False, erasable=False),
    "queue-empty": _queue(0, NOBODY),
    "queue-own": _queue(2, BUSY),
    "queue-own-full": _queue(NEXT_SHOWN + 2, BUSY, said="Cancelled and not charged:"),
    "queue-painting": _queue(0, WholeQueue(0, 0, 1, None, None)),
    "queue-one": _queue(0, WholeQueue(1, 1, 1, SOON, None)),
    "queue-admin": _queue(0, BUSY, others=2),
    "queue-admin-full": _queue(NEXT_SHOWN + 1, BUSY, others=NEXT_SHOWN, said="Cancelled:"),
    "help": lambda say, _: help_layout(
        [Entry("queue", "</queue:7>", say("Refresh")), Entry("imagine", "`/imagine`", say("Show"))],
        say,
    ),
    "status": lambda say, words: status_layout(
        Condition(EngineState.PAINTING, words, "cuda", 1024, 1024, 8, 3.5, 2, 100), say
    ),
    "status-loading": lambda say, _: status_layout(
        Condition(EngineState.STARTING, None, None, 1024, 1024, 8, None, 1, 100), say
    ),
    "explain": _explain(),
    "explain-advice": _explain(
        ', 8k, steps 30, no fog, (sea:1.3), --ar 3:2, <lora:x:1>, a sign that says "HI"'
    ),
    "explain-uncounted": _explain(counted=False),
    "details": _details(),
    "details-full": _details(_EVERYTHING, full=True, parent_id=30, series=(31, 32, 33, 34)),
    "details-long": _details({"negative_prompt": "fog, " * 300}),
    "details-file": _details(stored=False),
    "remix": _remix(),
    "remix-words": _remix("a blue boat", negative_prompt=NEGATIVE),
    "quota": _quota(PolicySource.CONFIG, 0),
    "quota-used": _quota(PolicySource.SERVER, 20),
    "quota-member": _quota(PolicySource.USER, 1, who=f"<@{BOB}>"),
}
"""Name to layout: add a line here, then `make snapshots`, and look at what it wrote."""
