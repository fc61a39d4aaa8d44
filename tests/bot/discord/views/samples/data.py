"""Data for the sample layouts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from discord import ui

from bot.delivery.cards import Card
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import card_layout
from bot.i18n import Words
from bot.request.models import only
from bot.request.notes import (
    Adapted,
    FirstFrameUsed,
    GroundChosen,
    HighGuidance,
    InertSyntax,
    LimitedModel,
    NegativeAdded,
    NegativeGuidance,
    NegativeIgnored,
    Note,
    NotExact,
    SmallSide,
    SomeFailed,
    SourceCut,
    StyleIgnored,
)
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.prompts import PictureStyle
from engine.sketch.vocabulary import sketch_vocabulary
from engine.types import Adaptation, Difference, Ground, Mend
from storage.types import Place, StoredPicture
from tests.fakes import EPOCH

Shown = ui.LayoutView | ui.Modal | str
Sample = Callable[[Words, str], Shown]
"""Takes the reader's language and a user text, which is used wherever user input appears."""

PROMPT = "a red boat on a lake at dawn"
ALICE, BOB, CHANNEL, GUILD, MODERATOR = (n * 10**17 for n in (1, 2, 3, 4, 5))
READY_AT = EPOCH + timedelta(seconds=90)
NEGATIVE = "blurry, low quality"
MENDS = tuple(
    Adapted(Adaptation(mend, "step 3", value))
    for mend, value in zip(Mend, ("1.5", "", "", "", "streamed"), strict=True)
)
NOTES: tuple[Note, ...] = (
    NegativeIgnored(),
    NegativeGuidance(1.8),
    InertSyntax(("(**red**:1.3)", "<lora:snow:0.8>", "steps: 30", "x" * 200)),
    NegativeAdded(NEGATIVE),
    HighGuidance(6.0, 4.0),
    SmallSide(256, 512),
    SourceCut(83, longest="21:9"),
    GroundChosen(Ground.BLACK),
    FirstFrameUsed(),
    StyleIgnored(PictureStyle.OIL, "watercolour"),
    StyleIgnored(PictureStyle.ANIME),
    LimitedModel(sketch_vocabulary().names["en"], recognized=True),
    *MENDS,
    NotExact((Difference("device", "cuda", "cpu"), Difference("threads", None, 2))),
    SomeFailed(1, 4),
)
NO_SERVICES = cast("Services", SimpleNamespace(models=only(Z_IMAGE_TURBO), owner_server=GUILD))
"""Services for building commands, which only ask what the model can do."""


def card_sample(make: Callable[[str], Card]) -> Sample:
    """Return the sample of a card that contains the user text."""
    return lambda say, words: card_layout(make(words), say)


def a_picture(picture_id: int, words: str, **changes: Any) -> StoredPicture:
    """Return a picture of Alice's as storage returns it; `changes` are its other fields."""
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


def pictures_of(count: int, words: str, **changes: Any) -> tuple[StoredPicture, ...]:
    """Return `count` pictures, newest first."""
    return tuple(a_picture(100 - n, words, **changes) for n in range(count))
