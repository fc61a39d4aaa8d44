"""What no shape shows is compared with the family; a configuration that differs is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2Tokenizer

from engine.diffusion.checkpoints import Unusable
from engine.diffusion.checkpoints.configurations import completed
from engine.diffusion.checkpoints.schedulers import load_scheduler
from engine.diffusion.checkpoints.tokenizers import require_known_tokens
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.sketch import MODEL_DIR
from tests.engine.diffusion.checkpoints.layouts import TRANSFORMER, TinyModel, write
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_refused_sources import edit, template
from tests.engine.diffusion.checkpoints.test_sources import whole

FLOW, EULER = "FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler"
PLAIN = {"rope_type": "default", "rope_theta": 1_000_000.0}

TRANSFORMER_CONFIG: dict[str, tuple[dict[str, Any], str]] = {
    "the steps": ({"t_scale": 1.0}, "has the t_scale 1.0; z-image-turbo has 1000.0"),
    "the norms": ({"norm_eps": 0.01}, "has the norm_eps 0.01; z-image-turbo has 1e-05"),
    "the axes of the published size": (
        {"dim": 3840, "n_heads": 30, "axes_dims": [64, 32, 32]},
        "has the axes_dims [64, 32, 32]; z-image-turbo has [32, 48, 48]",
    ),
}
ENCODER_CONFIG: dict[str, tuple[dict[str, Any], str]] = {
    "the norms": ({"rms_norm_eps": 0.01}, "has the rms_norm_eps 0.01"),
    "the activation": ({"hidden_act": "gelu"}, "hidden_act 'gelu'; z-image-turbo has 'silu'"),
    "stretched": ({"rope_parameters": PLAIN | {"rope_type": "yarn"}}, "of the type 'yarn'"),
    "stretched, by an older name": ({"rope_scaling": {"type": "linear"}}, "of the type 'linear'"),
    "two bases": ({"rope_theta": 10_000.0}, "has two rope_theta: 10000 and 1e+06"),
    "a list": ({"rope_theta": [1]}, "has the rope_theta [1], which is no number"),
    "half of each head": (
        {"rope_parameters": PLAIN | {"partial_rotary_factor": 0.5}},
        "rotates 0.5 of each head",
    ),
    "a window": ({"use_sliding_window": True}, "has layers with a sliding window"),
    "a window in some layers": (
        {"layer_types": ["full_attention", "sliding_attention"]},
        "has layers with a sliding window",
    ),
}
VAE_CONFIG: dict[str, tuple[dict[str, Any], str]] = {
    "SD 1.5's scale": ({"scaling_factor": 0.18215}, "scaling_factor 0.18215; z-image-turbo's is"),
    "SD 3's shift": ({"shift_factor": 0.0609}, "shift_factor 0.0609; z-image-turbo's is 0.1159"),
    "no number": ({"scaling_factor": float("nan")}, "has the scaling_factor nan"),
    "the activation": ({"act_fn": "relu"}, "has the act_fn 'relu'"),
    "the groups of the published size": (
        {"block_out_channels": [128, 256, 512, 512], "norm_num_groups": 16},
        "has the norm_num_groups 16; z-image-turbo has 32",
    ),
}


@pytest.mark.parametrize(
    ("component", "changed", "words"),
    [
        (component, *case)
        for component, cases in (
            ("transformer", TRANSFORMER_CONFIG),
            ("text_encoder", ENCODER_CONFIG),
            ("vae", VAE_CONFIG),
        )
        for case in cases.values()
    ],
)
def test_a_configuration(
    component: str, changed: dict[str, Any], words: str, model: TinyModel
) -> None:
    """A number that would change every picture in silence is named with the family's own."""
    config = json.loads((model.folder / component / "config.json").read_text())
    assert completed(dict(config), component, Z_IMAGE_TURBO, "config.json") == []
    with pytest.raises(Unusable) as caught:
        completed(config | changed, component, Z_IMAGE_TURBO, "config.json")
    assert caught.value.reason.startswith("config.json ") and words in caught.value.reason


def test_a_later_text_encoder(model: TinyModel) -> None:
    """Qwen3-4B-Instruct-2507 is read with its own rotations, and named."""
    config = json.loads((model.folder / "text_encoder" / "config.json").read_text())
    config["rope_parameters"] = PLAIN | {"rope_theta": 5_000_000}
    (note,) = completed(config, "text_encoder", Z_IMAGE_TURBO, "config.json")
    assert "has the rope_theta 5e+06, as Qwen3-4B-Instruct-2507 has" in note
    assert config["rope_parameters"]["rope_theta"] == 5_000_000


SCHEDULERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "the steps": (FLOW, {"num_train_timesteps": 10}, "has the num_train_timesteps 10"),
    "growing noise": (FLOW, {"invert_sigmas": True}, "has invert_sigmas: its noise would grow"),
    "two": (FLOW, {"_class_name": EULER}, f"name two schedulers: {EULER} and {FLOW}"),
    "another": (EULER, {"_class_name": EULER}, f"is a {EULER}; z-image-turbo was trained for"),
    "none": ("Qwen3Model", {"_class_name": None}, "the scheduler Qwen3Model is none of diffusers'"),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_a_scheduler(kind: str, tmp_path: Path) -> None:
    """A scheduler that the model was not trained for is refused by its name."""
    name, settings, words = SCHEDULERS[kind]
    (tmp_path / "scheduler_config.json").write_text(json.dumps(settings))
    with pytest.raises(Unusable) as caught:
        load_scheduler(tmp_path, {"scheduler": ["diffusers", name]}, Z_IMAGE_TURBO, [])
    assert words in caught.value.reason


def test_a_schedule_that_was_chosen(tmp_path: Path) -> None:
    """Another schedule for the same scheduler is the owner's choice, and is said."""
    settings = {"use_karras_sigmas": True, "shift": 3.0}
    (tmp_path / "scheduler_config.json").write_text(json.dumps(settings))
    notes: list[str] = []
    made: Any = load_scheduler(tmp_path, {}, Z_IMAGE_TURBO, notes)
    assert made.config["use_karras_sigmas"]
    assert notes == [
        "scheduler/scheduler_config.json has use_karras_sigmas: its schedule is another than the "
        "family's"
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {"transformer": ["diffusers", "FluxTransformer2DModel"]},
            "its transformer is FluxTransformer2DModel of diffusers; z-image-turbo has ZImage",
        ),
        (
            {"text_encoder": ["its_own_code", "Qwen3Model"]},
            "its text_encoder is Qwen3Model of its_own_code; z-image-turbo has a model of",
        ),
    ],
)
def test_an_index(
    entry: dict[str, list[str]], words: str, model: TinyModel, tmp_path: Path
) -> None:
    """A component of another class, or with code of its own, is refused."""
    edit(model, tmp_path, "model_index.json", **entry)
    assert words in refusal(tmp_path)


def test_a_file_that_may_be_of_another_model() -> None:
    """A file of a small model is taken for the large one: the refusal says what it needs."""
    reason = refusal(MODEL_DIR / "transformer" / "diffusion_pytorch_model.safetensors")
    assert reason.startswith("text_encoder/config.json has the rope_theta 10000; z-image-turbo's")
    assert "alone is taken for z-image-turbo: name the text_encoder, vae and tokenizer" in reason


TEMPLATES: dict[str, tuple[str, str]] = {
    "another model's": ("[INST]{{ messages[0].content }}[/INST]", "is another model's: it has no"),
    "cut off": (
        "<|im_start|>user\n{{ messages[0].content[:200] }}<|im_end|>\n<|im_start|>assistant\n",
        "no chat template that keeps the prompt",
    ),
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template(kind: str, model: TinyModel, tmp_path: Path) -> None:
    """A template has to put the whole prompt where the text encoder has learnt to find it."""
    text, words = TEMPLATES[kind]
    template(model, tmp_path, text)
    assert words in refusal(tmp_path)


def change_tokenizer(folder: Path, change: Callable[[dict[str, Any]], object], file: str) -> None:
    path = folder / "tokenizer" / file
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


def without_some(table: dict[str, Any]) -> None:
    vocabulary = table["model"]["vocab"]
    for token in list(vocabulary)[100:200]:
        del vocabulary[token]


def test_a_tokenizer_with_gaps(model: TinyModel, tmp_path: Path) -> None:
    """A tokenizer that loses letters is refused, and shown what becomes of a text."""
    change_tokenizer(whole(model, tmp_path), without_some, "tokenizer.json")
    assert "its tokenizer loses text: 'Zimagine 7: A Café" in refusal(tmp_path)


def test_a_tokenizer_that_cannot_fill_up(model: TinyModel, tmp_path: Path) -> None:
    """Without a token to fill prompts up with, each picture would fail."""
    whole(model, tmp_path)
    change_tokenizer(tmp_path, lambda table: table.update(pad_token=None), "tokenizer_config.json")
    assert "has no token to fill prompts up with" in refusal(tmp_path)


def test_a_tokenizer_that_fills_up_in_front(model: TinyModel, tmp_path: Path) -> None:
    """Prompts are filled up and cut off behind, as the model was trained."""
    whole(model, tmp_path)
    change_tokenizer(
        tmp_path,
        lambda table: table.update(padding_side="left", truncation_side="left"),
        "tokenizer_config.json",
    )
    loaded = load(tmp_path)
    sides = {loaded.pipeline.tokenizer.padding_side, loaded.pipeline.tokenizer.truncation_side}
    assert sides == {"right"}
    assert any("padding_side is set to right" in note for note in check(loaded, model))


def tokenizer(numbers: dict[str, int]) -> Any:
    return Qwen2Tokenizer(
        vocab=numbers, merges=[], extra_special_tokens=["<|im_start|>"], eos_token="<|im_end|>"
    )


def test_a_tokenizer_of_another_encoder() -> None:
    """Beside the table of Qwen3-4B a tokenizer of its size has to be its own."""
    alphabet = {letter: at for at, letter in enumerate(sorted(ByteLevel.alphabet()))}
    table = torch.empty(151_936, 2560, device="meta")
    many = alphabet | {f"word{number}": 256 + number for number in range(150_000)}
    with pytest.raises(Unusable, match=r"not that of its text_encoder, Qwen3-4B: 'Hello world'"):
        require_known_tokens(tokenizer(many), table)
    few = tokenizer(alphabet)
    require_known_tokens(few, table)
    with pytest.raises(
        Unusable, match=r"more tokens than its text_encoder knows: number \d+ of 200"
    ):
        require_known_tokens(few, torch.empty(200, 2560, device="meta"))


def test_several_formats_in_one_file(model: TinyModel, tmp_path: Path) -> None:
    """Layers may differ in their number format; each is converted, and that is said."""
    formats = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    mixed = {
        key: value.to(formats[at % 4]) for at, (key, value) in enumerate(model.transformer.items())
    }
    shutil.copytree(model.folder, tmp_path, dirs_exist_ok=True)
    write(tmp_path / TRANSFORMER, mixed)
    notes = check(load(tmp_path), model, transformer=mixed)
    assert {f"{name} → float32" for name in ("F16", "BF16", "F64")} <= {
        note.split(" tensors ")[-1] for note in notes
    }
