"""The bits of pictures change with the revision of the arithmetic alone, and recipes name it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.diffusion.arithmetic import ARITHMETIC
from engine.diffusion.renderer import DiffusionRenderer
from engine.types import Recipe
from tests.engine.diffusion.recorded_bits import PATH, digests, processor
from tests.engine.diffusion.rendering import hooked, painted, pipeline_of

RECORD = json.loads(PATH.read_text())


def test_the_bits_are_those_of_this_revision(tmp_path: Path) -> None:
    """A change of bits without a new revision is found, on processors that have a record."""
    assert RECORD["arithmetic"] == ARITHMETIC, "run python -m tests.engine.diffusion.recorded_bits"
    recorded = RECORD["digests"].get(processor())
    if recorded is None:
        pytest.skip(f"no bits are recorded for {processor()}")
    assert digests(tmp_path) == recorded


def test_older_recipes_are_not_exact(painter: DiffusionRenderer) -> None:
    """A recipe names the revision; one of before names none, and is of the first."""
    recipe = painted(painter).recipe
    written = json.loads(recipe.to_json())
    assert written["conditions"].pop("arithmetic") == ARITHMETIC
    old = Recipe.from_json(json.dumps(written))
    assert [str(each) for each in old.differences(recipe)] == [f"arithmetic: 1 → {ARITHMETIC}"]


def test_a_prompt_is_read_without_padding(painter: DiffusionRenderer) -> None:
    """The encoder reads as many tokens as there are, and what it says of them is what the pipeline
    gets with padding, to a millionth."""
    pipeline, text = pipeline_of(painter), "一座红色的房子 by the lake"
    lengths: list[int] = []

    def measure(_module: object, _inputs: object, answer: torch.Tensor) -> None:
        lengths.append(answer.shape[-2])

    with hooked(pipeline.text_encoder.embed_tokens, measure), torch.no_grad():
        ours = _embedded(painter, text)
    with torch.no_grad():
        (theirs,), _ = pipeline.encode_prompt(text, torch.device("cpu"), False)
    assert lengths == [painter.count_tokens(text)] == [len(ours)]
    assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-6 * float(theirs.abs().max()))


def _embedded(painter: DiffusionRenderer, text: str) -> torch.Tensor:
    return painter._family.embed(pipeline_of(painter), text, torch.device("cpu"))
