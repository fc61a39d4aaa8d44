"""A PixArt transformer in a single file, with its other components beside it or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.checkpoints.candidates import Candidate, Rank
from engine.diffusion.checkpoints.components import Prepared
from engine.diffusion.checkpoints.configurations import Config, from_shapes, read_json
from engine.diffusion.checkpoints.discovery import CONFIG, SCHEDULER, TOKENIZER, Companions
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.fingerprint import digest, named_files
from engine.diffusion.checkpoints.names import autoencoder, pixart, t5
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER, TRANSFORMER, VAE
from engine.diffusion.checkpoints.names.translation import Rename, translated
from engine.diffusion.checkpoints.pixart_checkpoint import PixArtCheckpoint, todays
from engine.diffusion.checkpoints.pixart_scheduler import load_scheduler
from engine.diffusion.checkpoints.quantization.scales import with_scales
from engine.diffusion.checkpoints.sentencepiece_model import FILE
from engine.diffusion.checkpoints.stored import WeightFile
from engine.diffusion.checkpoints.t5_tokenizer import load_tokenizer
from engine.diffusion.checkpoints.weight_files import PICKLED
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Component, ModelClues
from engine.diffusion.families.clues import pixart_root
from engine.diffusion.families.pixart import ALPHA_CLASS, SIGMA_CLASS, PixArt, size_in_name
from engine.diffusion.families.pixart_layers import TOKENS, config_of, prefix_of

_ALPHA_SCALES = {32: 1.0, 64: 1.0, 128: 2.0}
_SIGMA_SCALES = {32: 0.5, 64: 1.0, 128: 2.0, 256: 4.0}
"""By how much positions are stretched, by the side in latents, as the authors' converter has it."""
_CONDITIONED = 128
"""The only side of models that read the sizes of pictures."""
_TABLE_ERROR = 0.1
"""Between a table of positions in 8 bits and one that is computed. Chosen by hand: rounding to two
bits is off by 0.06, and tables of other scales are apart by about 1."""


@dataclass(frozen=True, slots=True)
class _Named:
    """The tensors of a component by the names of its class. ignored: what nothing needs."""

    label: str
    weights: Mapping[str, Weight]
    ignored: list[str]


class PixArtFile(PixArtCheckpoint):
    """A file with a PixArt transformer, under diffusers' names or its authors'.

    The text encoder, the autoencoder and the tokenizer are what the owner names, files or folders,
    or lie beside the file in folders as diffusers calls them. Raises Unusable.
    """

    def __init__(self, source: Path, family: PixArt, companions: Companions) -> None:
        super().__init__(source, family, companions)
        _prefix(self._headers.open(Candidate((source,), Rank.SAFE)))  # before what lies beside it
        self._beside = pixart_root(source)
        self._places = {TRANSFORMER: source}
        for name in (TEXT_ENCODER, VAE, TOKENIZER):
            self._places[name] = self._place(name)
        self._prepare_all()

    def _digest(self) -> str:
        return digest(self._named())

    def _named(self) -> Iterator[tuple[str, Path]]:
        """Return every file that the model is read from, with names that do not say where."""
        for name, place in {**self._places, SCHEDULER: self._beside / SCHEDULER}.items():
            if place.is_file():
                yield f"{name}/{place.name}", place
            elif place.is_dir():
                yield from ((f"{name}/{each}", path) for each, path in named_files(place))
        for path in (self._source.parent / CONFIG, self._places[TOKENIZER] / FILE):
            if path.is_file():
                yield path.name, path

    def _place(self, name: str) -> Path:
        """Return the file or folder of a component. Raises Unusable."""
        named = self._companions.of(name)
        if named is not None:
            if not named.exists() or (name == TOKENIZER and not named.is_dir()):
                what = "folder" if name == TOKENIZER else "file or folder"
                raise Unusable(f"the {name} {named.name} is no {what}")
            return named
        if (folder := self._beside / name).is_dir():
            self._notes.append(f"its {name} lies beside {self._source.name}")
            return folder
        raise Unusable(
            f"{self._source.name} has no {name}, and no folder {name} lies beside it: put "
            f"diffusers' there, or name one with `{name}` under [engine]"
        )

    def _prepare(self, component: Component) -> Prepared:
        name = component.name
        place = self._places[name]
        if place.is_dir():
            self._require_own_scale(name, place)
            return self._prepare_folder(component, place)
        file = self._headers.open(Candidate((place,), Rank.SAFE))
        found, config = {
            TRANSFORMER: self._transformer,
            TEXT_ENCODER: self._text_encoder,
            VAE: self._vae,
        }[name](file)
        notes = [f"{name}: its sizes were read from the shapes of its tensors"]
        if place.suffix.lower() in PICKLED:
            notes.append(
                f"{found.label} is read although it is pickled: its tensors, and nothing else"
            )
        if found.ignored:
            notes.append(f"{found.label}: {listed(sorted(found.ignored))} is not needed")
        return self._filled(component, config, found.label, found.weights, notes)

    def _require_own_scale(self, name: str, place: Path) -> None:
        """Refuse an autoencoder whose latents are not the family's: it may be another model's."""
        if name != VAE or not (place / CONFIG).is_file():
            return
        scale = read_json(place / CONFIG, f"{place.name}/{CONFIG}").get("scaling_factor")
        own = self._family.vae_scaling_factor
        if scale is not None and scale != own:
            raise Unusable(
                f"{place.name}/{CONFIG} has the scaling_factor {scale}; {self._family.name}'s is "
                f"{own}: it is another model's autoencoder"
            )

    def _transformer(self, file: WeightFile) -> tuple[_Named, Config]:
        prefix = _prefix(file)
        own = f"{prefix}pos_embed.proj.weight" in file.tensors
        found = _named(file, prefix, lambda _: pixart.kept if own else pixart.renamed)
        shapes = {name.removeprefix(prefix): stored.shape for name, stored in file.tensors.items()}
        config = config_of(shapes)
        if config is None:
            raise Unusable(f"{file.label}: the shapes of its tensors are none of PixArt's")
        self._check_kind(file.label, config)
        beside = self._source.parent / CONFIG
        if beside.is_file() and "caption_channels" in (said := read_json(beside, CONFIG)):
            self._notes.append(f"its configuration is the {CONFIG} beside {self._source.name}")
            config |= said
        side = config["sample_size"] or self._side(config)
        config["sample_size"] = side
        table = next((shapes[name] for name in pixart.TABLES if name in shapes), None)
        if config.get("interpolation_scale") is None:
            config["interpolation_scale"] = self._scale(file.label, side)
        if table is not None:
            self._check_table(file, prefix, config)
        return found, todays(config, file.label)

    def _check_kind(self, label: str, config: Config) -> None:
        """Refuse a file that was trained otherwise than the family's models."""
        tokens = config.pop(TOKENS)
        if config["use_additional_conditions"] and self._family.pipeline_class == SIGMA_CLASS:
            raise Unusable(
                f"{label} was trained with the sizes of pictures, as Alpha of 1024 px is, and "
                f"{self._family.name} is Sigma"
            )
        if tokens not in (None, self._family.max_tokens):
            raise Unusable(
                f"{label} was trained with prompts of {tokens} tokens; {self._family.name} has "
                f"{self._family.max_tokens}"
            )

    def _side(self, config: Config) -> int:
        """Return the side that it was trained at, which no table tells. Raises Unusable."""
        if config["use_additional_conditions"]:
            return _CONDITIONED
        side = size_in_name(ModelClues(self._source.name).short_name)
        if side is None:
            raise Unusable(
                f"nothing tells the side in pixels that {self._source.name} was trained at: put "
                f"its {CONFIG} beside it, or the side into its name (512, 1024, 2k)"
            )
        self._notes.append(f"its name says that it was trained at {8 * side} px")
        return side

    def _scale(self, label: str, side: int) -> float:
        """Return by how much positions are stretched. Raises Unusable where nothing tells it."""
        alpha = self._family.pipeline_class == ALPHA_CLASS
        scale = (_ALPHA_SCALES if alpha else _SIGMA_SCALES).get(side)
        if scale is None:
            raise Unusable(
                f"{label} was trained at {8 * side} px, for which nothing tells how positions are "
                f"stretched: put its {CONFIG} beside it"
            )
        return scale

    def _check_table(self, file: WeightFile, prefix: str, config: Config) -> None:
        """Find the scale that gives the file's table of positions. Raises Unusable."""
        stored = next(
            file.tensors[prefix + name] for name in pixart.TABLES if prefix + name in file.tensors
        )
        width = config["num_attention_heads"] * config["attention_head_dim"]
        grid = config["sample_size"] // config["patch_size"]
        if stored.shape != (1, grid * grid, width):
            raise Unusable(
                f"{stored.label}: {stored.name} is a table of {list(stored.shape)}, and its "
                f"configuration wants {[1, grid * grid, width]}"
            )
        values = stored.whole().float()[0]
        own = float(config["interpolation_scale"])
        for scale in dict.fromkeys((own, *_SIGMA_SCALES.values())):
            if float((values - _positions(grid, width, scale)).abs().max()) < _TABLE_ERROR:
                if scale != own:
                    self._notes.append(
                        f"positions are stretched by {scale:g}, as its {stored.name} has them"
                    )
                config["interpolation_scale"] = scale
                return
        raise Unusable(
            f"{stored.label}: {stored.name} is no table of positions that PixArt computes"
        )

    def _text_encoder(self, file: WeightFile) -> tuple[_Named, Config]:
        prefix = t5.prefix_of(file.tensors)
        if prefix is None:
            raise Unusable(f"{file.label} holds no text encoder of PixArt, which is T5")
        found = _named(file, prefix, t5.renaming)
        shapes = {name: weight.shape for name, weight in found.weights.items()}
        first = "block.0.layer.0.SelfAttention"
        try:
            vocabulary, width = shapes[t5.TABLE]
            buckets, heads = shapes[f"{first}.relative_attention_bias.weight"]
            inner = shapes["block.0.layer.1.DenseReluDense.wi_0.weight"][0]
            rows = shapes[f"{first}.q.weight"][0]
        except (KeyError, ValueError) as error:
            raise Unusable(f"{file.label} is no T5 of version 1.1 (it lacks {error})") from error
        return found, {
            "model_type": "t5",
            "vocab_size": vocabulary,
            "d_model": width,
            "d_kv": rows // max(1, heads),
            "d_ff": inner,
            "num_heads": heads,
            "num_layers": len({name.split(".")[1] for name in shapes if name.startswith("block.")}),
            "relative_attention_num_buckets": buckets,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": False,
        }

    def _vae(self, file: WeightFile) -> tuple[_Named, Config]:
        prefix = autoencoder_prefix(file)
        found = _named(file, prefix, lambda names: autoencoder.renaming(list(names)))
        shapes = found.weights.keys()
        config = from_shapes(VAE, found.weights, self._family, {})
        config["scaling_factor"] = self._family.vae_scaling_factor
        config["use_quant_conv"] = "quant_conv.weight" in shapes
        config["use_post_quant_conv"] = "post_quant_conv.weight" in shapes
        self._notes.append(
            f"nothing tells whose latents {file.label} decodes: {self._family.name}'s scale is used"
        )
        return found, config

    def _tokenizer(self) -> Any:
        return load_tokenizer(self._places[TOKENIZER], self._notes)

    def _scheduler(self) -> Any:
        return load_scheduler(self._beside, None, self._family, self._notes)


def _prefix(file: WeightFile) -> str:
    prefix = prefix_of(file.tensors)
    if prefix is None:
        raise Unusable(f"{file.label} holds no transformer of PixArt")
    return prefix


def _named(
    file: WeightFile, prefix: str, renaming: Callable[[Mapping[str, Weight]], Rename]
) -> _Named:
    """Return a component's tensors by the names of its class. Raises Unusable for others."""
    strangers = sorted(name for name in file.tensors if not name.startswith(prefix))
    if strangers:
        raise Unusable(
            f"{file.label} holds {len(strangers)} tensors of something else: {listed(strangers)}"
        )
    tensors = {name.removeprefix(prefix): stored for name, stored in file.tensors.items()}
    scaled = with_scales(tensors, file.metadata, lambda layer: layer.removeprefix(prefix))
    found = translated(scaled.weights, renaming(scaled.weights))
    if found.unknown:
        raise Unusable(
            f"{file.label} holds {len(found.unknown)} tensors that it should not have: "
            f"{listed(sorted(found.unknown))}"
        )
    return _Named(file.label, found.weights, [*found.ignored, *scaled.unused])


def autoencoder_prefix(file: WeightFile) -> str:
    """Return what stands before the names of an autoencoder. Raises Unusable for other files."""
    mark = autoencoder.MARKS[0]
    for name in file.tensors:
        if name == mark or name.endswith(f".{mark}"):
            return name.removesuffix(mark)
    raise Unusable(f"{file.label} holds no autoencoder")


def _positions(grid: int, width: int, scale: float) -> torch.Tensor:
    """Return sines and cosines of columns, then of rows, for each place of a square grid."""
    places = torch.arange(grid, dtype=torch.float64) / scale
    waves = 10_000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angles = torch.outer(places, waves)
    one = torch.cat([angles.sin(), angles.cos()], dim=1).float()
    columns, rows = one.repeat(grid, 1), one.repeat_interleave(grid, dim=0)
    return torch.cat([columns, rows], dim=1)
