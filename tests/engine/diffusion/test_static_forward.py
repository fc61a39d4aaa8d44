"""Z-Image's transformer in fewer passes predicts what diffusers' own forward pass predicts."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel

from engine.diffusion import static_forward
from engine.diffusion.footprint import Weights
from engine.diffusion.guard import InFloat32
from engine.diffusion.loading import load_component, load_model
from engine.diffusion.quantized import quantize
from engine.diffusion.static_forward import (
    ScaledNorm,
    StaticBlock,
    StaticTransformer,
    quicken,
    static,
)
from engine.settings import EngineSettings
from tests.engine.diffusion.lora.writing import tiny_transformer
from tests.engine.diffusion.rendering import hooked

CAPTION = 24
LAYOUTS = {
    "one": ([(8, 8)], [7]),
    "a caption that needs no padding": ([(8, 8)], [32]),
    "one token more": ([(8, 8)], [33]),
    "a picture that needs no padding": ([(16, 8)], [7]),
    "no multiple of anything": ([(6, 14)], [45]),
    "guidance": ([(8, 8)] * 2, [7, 7]),
    "captions of one padded length": ([(8, 8)] * 2, [7, 9]),
    "unequal captions": ([(8, 8)] * 3, [7, 40, 40]),
    "pictures of two sizes": ([(8, 8), (6, 14)], [7, 40]),
}


def inputs(name: str, dtype: torch.dtype = torch.float32) -> tuple[Any, torch.Tensor, Any]:
    """Pictures, times and captions of a layout."""
    sizes, lengths = LAYOUTS[name]
    generator = torch.Generator().manual_seed(3)
    pictures = [torch.randn(16, 1, *size, generator=generator).to(dtype) for size in sizes]
    texts = [torch.randn(length, CAPTION, generator=generator).to(dtype) for length in lengths]
    return pictures, torch.full((len(sizes),), 0.4), texts


@torch.no_grad()
def predicted(transformer: Any, given: tuple[Any, torch.Tensor, Any]) -> torch.Tensor:
    """What is predicted, in float32 and in one row."""
    answers = transformer(*given, return_dict=False)[0]
    assert [each.shape for each in answers] == [each.shape for each in given[0]]
    return torch.cat([each.float().flatten() for each in answers])


@pytest.fixture
def own() -> Any:
    """A transformer of diffusers, with random weights."""
    return tiny_transformer()


def quick(own: Any) -> Any:
    """The same weights, in fewer passes."""
    made = copy.deepcopy(own)
    assert quicken(made)
    assert isinstance(made, StaticTransformer)
    return made


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_predicts_the_same_in_float32(own: Any, layout: str) -> None:
    """To a hundred thousandth of the largest value, at the first step and at later ones."""
    given, ours = inputs(layout), static(quick(own))
    theirs = predicted(own, given)
    for _ in range(2):
        assert float((predicted(ours, given) - theirs).abs().max()) <= 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bfloat16_is_no_less_exact(own: Any, layout: str) -> None:
    """Its distance to float32 is at most that of diffusers' own, up to chance."""
    low = own.to(torch.bfloat16)
    given = inputs(layout, torch.bfloat16)
    rounded = [[each.float() for each in part] for part in (given[0], given[2])]
    exact = predicted(copy.deepcopy(low).float(), (rounded[0], given[1], rounded[1]))
    theirs = float((predicted(low, given) - exact).norm())
    ours = float((predicted(static(quick(low)), given) - exact).norm())
    assert ours <= 1.1 * theirs


def test_what_steps_share_is_computed_once(own: Any) -> None:
    """A caption goes through its blocks once a picture, and the bits are those of a fresh start."""
    made, given, calls = quick(own), inputs("one"), []
    ours: Any = static(made)
    with hooked(made.context_refiner[0], lambda *_: calls.append(1)):
        first = predicted(ours, given)
        again = predicted(ours, given)
        assert len(calls) == 1
        assert torch.equal(first, again)
        assert torch.equal(predicted(made, given), first)
    assert len(calls) == 2


def test_another_caption_is_another(own: Any) -> None:
    """What was kept for one text is not taken for another."""
    made, (pictures, times, texts) = quick(own), inputs("one")
    ours, other = static(made), (pictures, times, [texts[0] + 1])
    predicted(ours, (pictures, times, texts))
    assert torch.equal(predicted(ours, other), predicted(made, other))


def test_float32_takes_nothing_from_bfloat16(own: Any) -> None:
    """A step that is repeated in float32 reads the caption again, and is that of a float32 copy."""
    low = quick(own.to(torch.bfloat16))
    ours, given = static(low), inputs("one", torch.bfloat16)
    predicted(ours, given)
    with InFloat32():
        found = predicted(ours, given)
    raised = [[each.float() for each in part] for part in (given[0], given[2])]
    exact = predicted(copy.deepcopy(low).float(), (raised[0], given[1], raised[1]))
    assert torch.equal(found, exact)


@pytest.mark.parametrize("weights", [Weights.INT8, Weights.FP8])
def test_quantized_layers_compute_as_ever(own: Any, weights: Weights) -> None:
    """They are called, wherever they are."""
    made, given = quick(own), inputs("guidance")
    before = predicted(made, given)
    for each in (own, made):
        assert quantize(each, weights, torch.device("cpu"))
    theirs, ours = predicted(own, given), predicted(static(made), given)
    assert float((ours - theirs).abs().max()) <= 1e-5 * theirs.abs().max()
    assert not torch.allclose(before, ours, rtol=1e-3)


def test_an_error_is_logged_and_painting_goes_on(
    own: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the faster pass cannot do, diffusers' own does, from then on."""
    made, given = quick(own), inputs("one")
    theirs = predicted(own, given)

    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("no kernel for this\nand more")

    monkeypatch.setattr(static_forward, "_rotated", fail)
    ours = static(made)
    assert torch.equal(predicted(ours, given), theirs)
    assert torch.equal(predicted(ours, given), theirs)
    assert caplog.record_tuples == [
        (
            static_forward.__name__,
            logging.WARNING,
            "painting goes on with diffusers' forward pass: no kernel for this",
        )
    ]
    assert type(made) is ZImageTransformer2DModel
    assert not any(isinstance(each, StaticBlock | ScaledNorm) for each in made.modules())


def test_memory_is_not_taken_for_such_an_error(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who paints finds a smaller plan."""
    made, given = quick(own), inputs("one")

    def fail(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(static_forward, "_rotated", fail)
    with pytest.raises(torch.OutOfMemoryError):
        predicted(static(made), given)
    assert isinstance(made, StaticTransformer)


def test_gradients_are_those_of_the_library(own: Any) -> None:
    """With gradients, nothing is written over."""
    given, made = inputs("one"), quick(own)
    gradients: list[torch.Tensor] = []
    for each in (own, made):
        each.zero_grad()
        each(*given, return_dict=False)[0][0].square().sum().backward()
        found = [one.grad for one in each.layers.parameters()]
        gradients.append(torch.cat([one.flatten() for one in found]))
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-6 * float(gradients[0].abs().max()))


@pytest.mark.parametrize("change", ["heads without norms", "another processor", "training"])
def test_what_is_not_known_is_left_alone(own: Any, change: str) -> None:
    """Another architecture is computed by its own class."""
    if change == "heads without norms":
        own.layers[0].attention.norm_q = None
    elif change == "another processor":
        own.layers[1].attention.processor._attention_backend = "native"
    else:
        own.train()
    assert not quicken(own)
    assert static(own) is own
    assert type(own) is ZImageTransformer2DModel


def test_a_model_is_loaded_with_it(tiny: Path) -> None:
    """At first, and when it is loaded again after it was quantized."""
    loaded = load_model(EngineSettings(model=str(tiny)), torch.device("cpu"))
    assert isinstance(loaded.pipeline.transformer, StaticTransformer)
    assert isinstance(load_component(loaded, "transformer"), StaticTransformer)
