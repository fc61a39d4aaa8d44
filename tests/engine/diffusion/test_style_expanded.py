"""The text encoder expands the prompt together with the chosen style."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from engine.diffusion import renderer
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.diffusion.renderer import DiffusionRenderer
from engine.loras import LoraUse
from engine.prompts import PictureStyle
from engine.settings import EngineSettings
from tests.fakes import a_request


class Listening:
    """An expander that only records what it was to expand."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def expand(self, prompt: str, *, language: str, **_: Any) -> None:
        self.asked.append((prompt, language))


@pytest.mark.parametrize(
    ("prompt", "effective", "style", "asked"),
    [
        ("a lake", "a lake, oil painting. Rich.", PictureStyle.OIL, ("a lake, oil painting", "en")),
        ("一座湖", "一座湖，水墨画。浓淡有致。", PictureStyle.INK, ("一座湖，水墨画", "zh")),
        ("a lake", "a lake. Rich.", PictureStyle.OIL, ("a lake", "en")),
        ("a lake", "a lake. Rich.", None, ("a lake", "en")),
    ],
)
def test_the_style_is_part_of_what_is_expanded(
    monkeypatch: pytest.MonkeyPatch,
    prompt: str,
    effective: str,
    style: PictureStyle | None,
    asked: tuple[str, str],
) -> None:
    """The model expands the prompt with its style; a style that was left out stays out."""
    expander, painter = Listening(), object.__new__(DiffusionRenderer)
    plan = SimpleNamespace(placement=next(iter(renderer._WHOLE_ENCODER)))
    model = SimpleNamespace(residency=SimpleNamespace(plan=plan), expander=expander)
    monkeypatch.setattr(DiffusionRenderer, "_current", lambda _: model)
    painter._settings, painter._family = EngineSettings(), Z_IMAGE_TURBO
    request = dataclasses.replace(
        a_request(prompt), effective_prompt=effective, style=style, expand=True
    )
    assert painter._expand(request, lambda: False) is None
    assert expander.asked == [asked]


@pytest.mark.parametrize(
    ("tokens", "wanted"), [(10, "A lake at dawn, calm, ohwx"), (10_000, None)], ids=["fits", "long"]
)
def test_trigger_words_stay_in_what_the_model_writes(
    monkeypatch: pytest.MonkeyPatch, tokens: int, wanted: str | None
) -> None:
    """The trigger words of LoRAs are expanded with the prompt and put back where they were lost;
    where they do not fit, the prompt stays as it was."""

    class Forgetting(Listening):
        def expand(self, prompt: str, *, language: str, **_: Any) -> Any:
            super().expand(prompt, language=language)
            return SimpleNamespace(text="A lake at dawn, calm")

    expander, painter = Forgetting(), object.__new__(DiffusionRenderer)
    plan = SimpleNamespace(placement=next(iter(renderer._WHOLE_ENCODER)))
    model = SimpleNamespace(residency=SimpleNamespace(plan=plan), expander=expander)
    monkeypatch.setattr(DiffusionRenderer, "_current", lambda _: model)
    monkeypatch.setattr(DiffusionRenderer, "count_tokens", lambda *_: tokens)
    painter._settings, painter._family = EngineSettings(), Z_IMAGE_TURBO
    request = dataclasses.replace(
        a_request("a lake"),
        effective_prompt="a lake, ohwx. Rich.",
        expand=True,
        loras=(LoraUse("it", 1.0, ("ohwx",)),),
    )
    assert painter._expand(request, lambda: False) == wanted
    assert expander.asked == [("a lake, ohwx", "en")]
