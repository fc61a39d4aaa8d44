"""Samples of help, status, explained prompts and details."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from bot.discord.commands.help import runnable_name
from bot.discord.views.help import CommandEntry, help_layout, status_layout
from bot.discord.views.inspection import details_panel, explanation_layout, foreign_panel
from bot.i18n import Words
from bot.jobs.status import BotStatus
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.inspection import ForeignDetails, PictureDetails, PromptExplanation
from bot.pictures.origins import Origin, OriginKind
from bot.request.notes import StyleIgnored
from bot.request.prompt.prompt_line import prompt_line
from bot.wording.knowledge import prompt_ideas
from bot.wording.names import command_link
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.engine_states import EngineState
from engine.loras import LoraFile, LoraUse
from engine.prompts import EnhancementLevel, PictureStyle, analyse, enhance
from engine.sketch.vocabulary import sketch_vocabulary
from engine.types import Mode, Recipe, Variation
from tests.bot.discord.views.linked_words import MEMBERS
from tests.bot.discord.views.samples.data import (
    MENDS,
    NEGATIVE,
    Sample,
    Shown,
    a_picture,
)
from tests.fakes import a_request, fake_recipe


def help_entries(say: Words) -> Iterator[CommandEntry]:
    """Return every member command as /help lists it."""
    for command in MEMBERS:
        link = command_link(runnable_name(command), say)
        yield CommandEntry(command.name, link, say(command.description))


def _status(state: EngineState, **changes: Any) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        idle = BotStatus(state, None, None, 1024, 1024, 8, None, 1, 100)
        model = {"model": words} if "device" in changes else {}
        return status_layout(dataclasses.replace(idle, **changes, **model), say)

    return shown


def _explain(
    extra: str = "",
    *,
    counted: bool = True,
    max_tokens: int = 512,
    kept_id: int | None = 12,
    **changes: Any,
) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        prompt = f"{words}{extra}"

        def count(text: str) -> int | None:
            return len(text.split()) if counted else None

        enhanced = enhance(
            prompt,
            negative="",
            level=EnhancementLevel.FULL,
            style=Z_IMAGE_TURBO.style,
            negative_works=True,
        )
        analysis = analyse(prompt, count=count, max_tokens=max_tokens)
        explained = PromptExplanation(prompt, analysis, enhanced, EnhancementLevel.FULL, max_tokens)
        return explanation_layout(dataclasses.replace(explained, **changes), say, kept_id)

    return shown


def _details(
    asked: dict[str, Any] | None = None, *, stored: bool = True, full: bool = False, **changes: Any
) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        request = a_request(words, **asked or {})
        recipe: Recipe = fake_recipe(request)
        if full:
            adaptations = tuple(each.adaptation for each in MENDS)
            uses = tuple(LoraUse(f"style-{n}", n / 2) for n in range(5))
            files = tuple(LoraFile(each.name, "0a" * 32) for each in uses[1:])
            recipe = dataclasses.replace(
                recipe,
                adaptations=adaptations,
                loras=files,
                request=dataclasses.replace(request, loras=uses),
            )
        picture = a_picture(31, words, private=full) if stored else None
        line = prompt_line(request, Z_IMAGE_TURBO)
        details = PictureDetails(
            recipe, line.text, picture, from_file=full or not stored, adjusted=line.adjusted
        )
        return details_panel(dataclasses.replace(details, **changes), say).view

    return shown


def _foreign(*, kept_id: int | None = None, **changes: Any) -> Sample:
    def shown(say: Words, words: str) -> Shown:
        recipe = ForeignRecipe("A1111", words, NEGATIVE, 5, (513, 777), ("Steps", "CFG scale"))
        recipe = dataclasses.replace(recipe, **changes)
        line, size = recipe.line(Z_IMAGE_TURBO), recipe.size_here(Z_IMAGE_TURBO)
        return foreign_panel(ForeignDetails(recipe, line, size), say, kept_id).view

    return shown


def _from_pictures(mode: Mode, inputs: int, strength: float = 0.75, **changes: Any) -> Sample:
    """Return a picture that started from others."""
    hashes = tuple(f"{n}" * 64 for n in range(inputs))
    return _details({"mode": mode, "inputs": hashes, "strength": strength, **changes})


_EVERYTHING: dict[str, Any] = {
    "negative_prompt": NEGATIVE,
    "guidance": 3.5,
    "mode": Mode.BLEND,
    "inputs": ("0" * 64, "1" * 64),
    "strength": 0.6,
    "variations": (Variation(8, 0.1), Variation(9, 0.25)),
    "variety": 0.3,
    "refine": 0.2,
    "style": PictureStyle.POSTER,
}
_REMIX = Origin(OriginKind.REMIX, 30)
KNOWN = sketch_vocabulary().names["en"]
_STYLE_IGNORED = StyleIgnored(PictureStyle.OIL, "watercolour")

INSPECTION: dict[str, Sample] = {
    "help": lambda say, _: help_layout(
        list(help_entries(say)), say, (), prompt_ideas(Z_IMAGE_TURBO, say)
    ),
    "help-demo": lambda say, _: help_layout(
        list(help_entries(say)), say, KNOWN, prompt_ideas(SKETCH_FAMILY, say)
    ),
    "status": _status(EngineState.PAINTING, device="cuda", typical_s=3.5, waiting=2),
    "status-demo": lambda say, _: status_layout(
        BotStatus(EngineState.READY, "sketch", "cpu", 256, 256, 8, 1.5, 0, 100), say, KNOWN
    ),
    "status-loading": _status(EngineState.STARTING),
    "status-moving": _status(EngineState.READY, loading="z-image_turbo.v1", loading_left_s=41.4),
    "status-unloaded": _status(
        EngineState.READY, device="cuda", name="z-image_turbo.v1", unloaded=True
    ),
    "status-stopping": _status(EngineState.DRAINING, device="cpu"),
    "status-broken": _status(EngineState.DEFUNCT),
    "explain": _explain(),
    "explain-advice": _explain(
        ', 8k, steps 30, no fog, (sea:1.3), --ar 3:2, <lora:x:1>, a sign that says "HI"',
        max_tokens=8,
        kept_id=None,
    ),
    "explain-uncounted": _explain(counted=False),
    "explain-choices": _explain(choices=3, pictures=6),
    "explain-style": _explain(style=PictureStyle.WATERCOLOUR),
    "explain-style-left": _explain(
        ", watercolour", style=PictureStyle.OIL, notes=(_STYLE_IGNORED,)
    ),
    "details": _details(),
    "details-full": _details(
        _EVERYTHING, full=True, origin=_REMIX, series=(31, 32, 33, 34), notes=MENDS
    ),
    "details-long": _details({"negative_prompt": "fog, " * 300, "guidance": 1.8}),
    "details-file": _details(stored=False),
    "details-file-begun": _details(
        {"mode": Mode.IMAGE, "inputs": ("0" * 64,), "strength": 0.75}, stored=False
    ),
    "details-picture": _from_pictures(Mode.IMAGE, 1),
    "details-part": _from_pictures(Mode.INPAINT, 2, 1.0),
    "details-mixture": _from_pictures(Mode.BLEND, 4, 0.8),
    "foreign": _foreign(),
    "foreign-kept": _foreign(kept_id=31),
    "foreign-unknown": _foreign(program="", negative="", seed=None, size=None, settings=()),
    "foreign-ours": _foreign(program="zimagine", seed=2**60, size=(512, 768)),
    "foreign-long": _foreign(prompt="a red house, " * 300),
    "foreign-workflow": _foreign(program="ComfyUI", negative="", from_workflow=True),
    "details-other-model": _details(
        {"width_px": 96, "height_px": 80, "steps": 60}, repeatable=False
    ),
    "details-variation": _details(
        {"variations": (Variation(8, 0.6),)}, origin=Origin(OriginKind.VARIATION, 30, 0.6)
    ),
    "details-upscaled": _from_pictures(Mode.UPSCALE, 1, 0.35),
}
