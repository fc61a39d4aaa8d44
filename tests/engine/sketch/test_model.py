"""The shipped model, through the unmodified pipeline."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import torch
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from engine.diffusion.loading import examine_model, load_model
from engine.prompts import DEFAULT_NEGATIVE, POSITIVE_SUFFIX
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR
from engine.sketch.evaluate import paint
from engine.sketch.flow import tokenize
from engine.sketch.transformer import Captions, encode_captions, velocity

_LIMIT_BYTES = 25_000_000
_SQUARE = (256, 256)


@functools.cache
def _pipeline() -> ZImagePipeline:
    pipeline = ZImagePipeline.from_pretrained(MODEL_DIR, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@functools.cache
def _painted(prompt: str, seed: int = 3, size: tuple[int, int] = _SQUARE) -> np.ndarray:
    return paint(_pipeline(), prompt, size, seed).astype(float)


def _redness(pixels: np.ndarray) -> float:
    """Share of the picture that is strongly red."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return float(((red - green > 80) & (red - blue > 80)).mean())


def _blueness(pixels: np.ndarray) -> float:
    """Share of the picture that is strongly blue, and darker than a sky."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return float(((blue - red > 110) & (blue - green > 80)).mean())


def test_the_folder_is_small() -> None:
    """The weights that everyone who clones the project downloads stay below 25 MB."""
    files = [path for path in MODEL_DIR.rglob("*") if path.is_file()]
    assert 10_000_000 < sum(path.stat().st_size for path in files) <= _LIMIT_BYTES


def test_importing_the_package_leaves_torch_unloaded() -> None:
    """The model's folder can be looked up without loading torch."""
    code = "import sys, engine.sketch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_seed_paints_the_same_pixels() -> None:
    """Prompt, size and seed determine the pixels; another seed paints another picture."""
    again = paint(_pipeline(), "a red house at noon", _SQUARE, 3)
    assert np.array_equal(_painted("a red house at noon"), again)
    assert not np.array_equal(_painted("a red house at noon", 4), again)


@pytest.mark.parametrize(
    ("noon", "night"),
    [
        ("a white house in a forest at noon", "a white house in a forest at night"),
        ("正午，森林里的一座白色的房子", "夜晚，森林里的一座白色的房子"),
    ],
)
def test_night_is_darker_than_noon(noon: str, night: str) -> None:
    """The time of day shows in either language."""
    assert _painted(night).mean() < 0.75 * _painted(noon).mean()


@pytest.mark.parametrize("seed", [3, 4])
def test_sunset_is_warmer_than_noon(seed: int) -> None:
    """A sunset paints the sky red or orange, noon paints it blue."""
    sunset = _painted("the sea at sunset", seed)[:80]
    noon = _painted("the sea at noon", seed)[:80]
    assert (sunset[..., 0] - sunset[..., 2]).mean() > (noon[..., 0] - noon[..., 2]).mean() + 80


@pytest.mark.parametrize(
    ("red", "blue"),
    [
        ("a red house in a city at dawn", "a blue house in a city at dawn"),
        ("黎明，城市里的一座红色的房子", "黎明，城市里的一座蓝色的房子"),
    ],
)
def test_a_red_house_is_redder_than_a_blue_one(red: str, blue: str) -> None:
    """A colour in the prompt is the colour of the thing that it describes, in either language."""
    assert _redness(_painted(red)) > _redness(_painted(blue)) + 0.02
    assert _blueness(_painted(blue)) > _blueness(_painted(red)) + 0.02


def test_english_and_chinese_agree() -> None:
    """The same prompt in the other language paints nearly the same picture from the same noise."""
    english = _painted("a yellow boat on the sea at sunset")
    chinese = _painted("日落时，大海上的一艘黄色的船")
    other = _painted("a white house in a forest at night")
    assert np.abs(english - chinese).mean() < 0.6 * np.abs(english - other).mean()


@pytest.mark.parametrize(
    ("language", "prompt"),
    [("en", "a yellow boat on the sea at sunset"), ("zh", "日落时，大海上的一艘黄色的船")],
)
def test_enhancing_does_not_paint_another_scene(language: str, prompt: str) -> None:
    """The bot's own quality sentence does not change the scene."""
    stop = ". " if language == "en" else "。"
    enhanced = _painted(prompt + stop + POSITIVE_SUFFIX[language])  # type: ignore[index]
    plain = _painted(prompt)
    other = _painted("a white house in a forest at night")
    assert np.abs(enhanced - plain).mean() < 0.6 * np.abs(plain - other).mean()


@pytest.mark.parametrize("size", [(320, 192), (192, 320), (128, 128), (384, 256)])
def test_other_sizes_keep_the_scene(size: tuple[int, int]) -> None:
    """Landscape, portrait, small and large pictures show a dark night and a blue noon too."""
    night = _painted("a forest at night", size=size)
    noon = _painted("a forest at noon", size=size)
    assert night.shape == (size[1], size[0], 3)
    assert night.mean() < 0.8 * noon.mean()


def test_guidance_with_the_default_negative_prompt_keeps_the_scene() -> None:
    """Classic guidance of 1.5 with the bot's negative prompt still paints the prompt."""
    guided = paint(
        _pipeline(),
        "a red house at noon",
        _SQUARE,
        3,
        guidance_scale=0.5,
        negative_prompt=DEFAULT_NEGATIVE["en"],
    ).astype(float)
    assert _redness(guided) > 0.02
    assert np.abs(guided - _painted("a red house at noon")).mean() < 40


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (24, 40)])
def test_the_training_forward_is_the_pipelines(rows: int, columns: int) -> None:
    """Training optimises exactly what the pipeline's transformer computes."""
    pipeline = _pipeline()
    captions = tokenize(pipeline.tokenizer, ["a red house", "一艘蓝色的船，夜晚"])
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn((2, 16, rows, columns), generator=generator)
    t = torch.tensor([0.2, 0.9])
    with torch.no_grad():
        features = encode_captions(pipeline.text_encoder, captions)
        ours, _ = velocity(pipeline.transformer, latents, t, features, captions.mask)
        theirs = pipeline.transformer(
            list(latents[:, :, None]), t, _unpadded(features, captions), return_dict=False
        )[0]
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, other[:, 0], atol=1e-4)


def test_the_training_features_are_the_pipelines() -> None:
    """Captions reach the transformer tokenized and encoded as in the pipeline."""
    pipeline = _pipeline()
    prompts = ["a mountain lake at dawn", "山间湖泊，黎明"]
    captions = tokenize(pipeline.tokenizer, prompts)
    theirs, _ = pipeline.encode_prompt(list(prompts), do_classifier_free_guidance=False)
    with torch.no_grad():
        ours = _unpadded(encode_captions(pipeline.text_encoder, captions), captions)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-4)


def _unpadded(features: torch.Tensor, captions: Captions) -> list[torch.Tensor]:
    lengths = captions.mask.sum(dim=1).tolist()
    return [row[:length] for row, length in zip(features, lengths, strict=True)]


def test_the_bot_loads_it_without_a_remark() -> None:
    """The engine takes the folder as it is, although its template writes prompts in small letters;
    nothing is repaired, and a word is read the same however it is typed."""
    settings, cpu = EngineSettings(model="sketch", device="cpu"), torch.device("cpu")
    assert examine_model(settings, cpu).notes == ()
    loaded = load_model(settings, cpu)
    texts = ("a cat", "A CAT")
    small, large = (loaded.family.embed(loaded.pipeline, text, cpu) for text in texts)
    assert torch.equal(small, large)
