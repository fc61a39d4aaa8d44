"""Is a model folder whole? Asked before a byte of it is loaded.

The libraries fill what is missing with random numbers, invent a tokenizer for an empty folder and
build an architecture of full size for an empty configuration. So each part is first built without
memory from its own configuration, and its tensors are compared with the headers of its files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from safetensors import SafetensorError, safe_open

from engine.errors import ModelInvalid

COMPONENTS = ("transformer", "text_encoder", "vae")
_PARTS = (*COMPONENTS, "tokenizer", "scheduler")

Shapes = dict[str, tuple[int, ...]]


def check_whole(model: str, folder: Path) -> None:
    """Raise ModelInvalid, with a reason of one line, unless the folder holds all that it says."""
    index = _read_json(model, folder, "model_index.json")
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise ModelInvalid(model, "its model_index.json cannot be read")
    if kind != ZImagePipeline.__name__:
        raise ModelInvalid(model, f"it is a {kind}; zimagine paints with {ZImagePipeline.__name__}")
    for part in _PARTS:
        if not any((folder / part).glob("*.json")):
            raise ModelInvalid(model, f"its part {part} is missing")
    for part in COMPONENTS:
        _check_weights(model, folder, part, index)


def check_fit(model: str, pipeline: Any) -> None:
    """Raise ModelInvalid unless the loaded parts can work together: otherwise each job would fail.

    A tokenizer whose vocabulary is missing loads all the same, and reads nothing.
    """
    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    complaints = {
        "its tokenizer has no chat template": not tokenizer.chat_template,
        "its tokenizer has no vocabulary": tokenizer("a").input_ids == tokenizer("b").input_ids,
        "its tokenizer has more tokens than its text_encoder knows": len(tokenizer)
        > encoder.get_input_embeddings().num_embeddings,
        "its text_encoder does not fit its transformer": encoder.config.hidden_size
        != transformer.cap_feat_dim,
        "its vae does not fit its transformer": vae.latent_channels != transformer.in_channels,
    }
    for complaint, holds in complaints.items():
        if holds:
            raise ModelInvalid(model, complaint)


def _check_weights(model: str, folder: Path, part: str, index: dict[str, Any]) -> None:
    found = _file_shapes(model, folder / part)
    config = _read_json(model, folder, f"{part}/config.json")
    wanted = _architecture_shapes(model, folder, part, config, index)
    missing = sorted(name for name in wanted if name not in found)
    if missing:
        raise ModelInvalid(
            model, f"{part} lacks {len(missing)} of its tensors, {missing[0]} among them"
        )
    wrong = sorted(name for name, shape in wanted.items() if found[name] != shape)
    if wrong:
        raise ModelInvalid(
            model, f"{part} has {len(wrong)} tensors of a wrong shape, {wrong[0]} among them"
        )


def _file_shapes(model: str, folder: Path) -> Shapes:
    """Names and shapes of all tensors in the safetensors files of a folder."""
    shapes: Shapes = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(str(path), framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    shapes[_bare(name)] = tuple(file.get_slice(name).get_shape())
        except (SafetensorError, OSError) as error:
            raise ModelInvalid(
                model, f"the weights file {path.name} of {folder.name} is damaged or incomplete"
            ) from error
    if not shapes:
        raise ModelInvalid(model, f"{folder.name} has no weights in safetensors format")
    return shapes


def _architecture_shapes(
    model: str, folder: Path, part: str, config: dict[str, Any], index: dict[str, Any]
) -> Shapes:
    """Names and shapes that the part's own configuration asks for; takes no memory."""
    try:
        with torch.device("meta"):
            module = _empty(folder, part, config, index)
        tied = set(getattr(module, "_tied_weights_keys", None) or ())
        return {
            _bare(name): tuple(tensor.shape)
            for name, tensor in module.state_dict().items()
            if name not in tied
        }
    except Exception as error:  # a broken configuration makes the libraries raise nearly anything
        raise ModelInvalid(
            model, f"the configuration of {part} is wrong ({_line(error)})"
        ) from error


def _empty(
    folder: Path, part: str, config: dict[str, Any], index: dict[str, Any]
) -> torch.nn.Module:
    if part == "text_encoder":
        name = index[part][1]
        kind = getattr(transformers, name)
        if not issubclass(kind, transformers.PreTrainedModel):
            raise ValueError(f"{name} is not a model")
        return kind(transformers.AutoConfig.from_pretrained(str(folder / part)))
    wanted: Any = ZImageTransformer2DModel if part == "transformer" else AutoencoderKL
    if config.get("_class_name") != wanted.__name__:
        raise ValueError(f"it describes a {config.get('_class_name')}, not a {wanted.__name__}")
    return wanted.from_config(config)


def _bare(name: str) -> str:
    """A whole language model saves its encoder's tensors under "model."."""
    return name.removeprefix("model.")


def _read_json(model: str, folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelInvalid(model, f"the folder has no {name}") from None
    except (OSError, ValueError, RecursionError):
        raise ModelInvalid(model, f"its {name} cannot be read") from None
    if not isinstance(found, dict):
        raise ModelInvalid(model, f"its {name} cannot be read")
    return found


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
