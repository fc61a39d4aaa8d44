"""Find the components of Z-Image in a file, whatever prefix their names have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names import autoencoder, text_encoder, transformer
from engine.diffusion.checkpoints.names.other_models import other_model
from engine.diffusion.checkpoints.names.translation import Translation, translated
from engine.diffusion.checkpoints.quantization.scales import with_scales
from engine.diffusion.checkpoints.stored import Stored, WeightFile
from engine.diffusion.families import FAMILIES
from engine.diffusion.families.pixart import PixArt
from engine.diffusion.families.sdxl import Sdxl

TRANSFORMER, TEXT_ENCODER, VAE = "transformer", "text_encoder", "vae"
COMPONENTS = (TRANSFORMER, TEXT_ENCODER, VAE)

_MARKS: dict[str, tuple[tuple[str, ...], ...]] = {
    TRANSFORMER: (transformer.MARKS,),
    TEXT_ENCODER: (text_encoder.MARKS, text_encoder.GGUF_MARKS),
    VAE: (autoencoder.MARKS,),
}
_LANGUAGE_MODEL = re.compile(r"(^|\.)model\.$")
_LEFT_BY_OTHERS = re.compile(r".*\.logit_scale|model_ema\..*|iteration|global_step|epoch")
"""What checkpoints of several components hold besides, and nothing here needs."""


@dataclass(frozen=True, slots=True)
class Group:
    """The tensors of one component in a file, by names without the prefix.

    others: prefixes of other components in the same file.
    """

    component: str
    prefix: str
    tensors: Mapping[str, Stored]
    metadata: Mapping[str, Any]
    others: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The file, for messages."""
        return next(iter(self.tensors.values())).label

    def bare(self, layer: str) -> str | None:
        """Return a layer's name without the prefix; None if it belongs to another component."""
        if self.prefix and layer.startswith(self.prefix):
            return layer.removeprefix(self.prefix)
        if any(layer.startswith(prefix) for prefix in self.others if prefix):
            return None
        if self.others and f"{layer}.weight" not in self.tensors:
            return None
        return layer

    def translation(self) -> Translation:
        """Return the component's weights by the model's own names.

        Raises Unusable for names that neither the model has nor anything known leaves behind.
        """
        scaled = with_scales(self.tensors, self.metadata, self.bare)
        rename = {
            TRANSFORMER: transformer.renamed,
            TEXT_ENCODER: text_encoder.renamed,
            VAE: autoencoder.renaming(list(self.tensors)),
        }[self.component]
        found = translated(scaled.weights, rename)
        if found.unknown:
            raise Unusable(
                f"{self.label} holds {len(found.unknown)} tensors that its {self.component} does "
                f"not have: {listed([self.prefix + name for name in sorted(found.unknown)])}"
            )
        return Translation(found.weights, [*found.ignored, *scaled.unused])


@dataclass(frozen=True, slots=True)
class Groups:
    """The components in a file. ignored: names that nothing needs."""

    by_component: Mapping[str, Group]
    ignored: list[str] = field(default_factory=list[str])


def grouped(file: WeightFile, wanted: Sequence[str] = COMPONENTS) -> Groups:
    """Return the components that a file holds.

    wanted: those that may be in it. Raises Unusable for files of other models, and for tensors
    that belong to no component.
    """
    label = file.label
    if not file.tensors:
        raise Unusable(f"{label} holds no tensors")
    other = other_model(file.tensors)
    if other == "SDXL":
        few_steps = listed([each.name for each in FAMILIES if isinstance(each, Sdxl)])
        raise Unusable(
            f"{label} is of SDXL, and nothing tells for how many steps: if it was distilled, say "
            f"how with `family` under [engine]: {few_steps}"
        )
    if other == "PixArt":
        kinds = listed([each.name for each in FAMILIES if isinstance(each, PixArt)])
        raise Unusable(
            f"{label} is of PixArt, and nothing tells which one: say it with `family` under "
            f"[engine]: {kinds}"
        )
    if other:
        raise Unusable(f"{label} is of {other}, which zimagine does not paint with")
    prefixes = {component: _prefix(component, file.tensors) for component in COMPONENTS}
    found = {component: prefix for component, prefix in prefixes.items() if prefix is not None}
    if not found.keys() & set(wanted):
        examples = listed(sorted(file.tensors))
        raise Unusable(f"{label} holds no {' or '.join(wanted)} of Z-Image (it has {examples})")
    tensors: dict[str, dict[str, Stored]] = {component: {} for component in found}
    left: list[str] = []
    longest_first = sorted(found, key=lambda component: -len(found[component]))
    for name, stored in file.tensors.items():
        owner = next((one for one in longest_first if name.startswith(found[one])), None)
        if owner is None:
            left.append(name)
        else:
            tensors[owner][name.removeprefix(found[owner])] = stored
    if unknown := sorted(name for name in left if not _LEFT_BY_OTHERS.fullmatch(name)):
        raise Unusable(
            f"{label} holds {len(unknown)} tensors that belong to no component of Z-Image: "
            f"{listed(unknown)}"
        )
    return Groups(
        {
            component: Group(
                component,
                prefix,
                tensors[component],
                file.metadata,
                tuple(other for one, other in found.items() if one != component),
            )
            for component, prefix in found.items()
        },
        left,
    )


def kinds(file: WeightFile) -> list[str]:
    """Return the components that a file seems to hold; none for files of other models."""
    if not file.tensors or other_model(file.tensors):
        return []
    return [name for name in COMPONENTS if _prefix(name, file.tensors) is not None]


def _prefix(component: str, tensors: Mapping[str, Stored]) -> str | None:
    """Return what stands before a component's names; None if the file does not hold it."""
    for marks in _MARKS[component]:
        for mark in marks:
            found = sorted(
                name.removesuffix(mark)
                for name in tensors
                if name == mark or name.endswith(f".{mark}")
            )
            found = [prefix for prefix in found if not prefix.startswith("model_ema.")]
            if len(found) > 1:
                label = next(iter(tensors.values())).label
                raise Unusable(f"{label} holds {mark} under {len(found)} prefixes: {listed(found)}")
            if found:
                # Some tensors of a language model may have this prefix, and others not.
                encoder = component == TEXT_ENCODER
                return _LANGUAGE_MODEL.sub(r"\1", found[0]) if encoder else found[0]
    return None


def fits(file: WeightFile, component: str, transformer: Group) -> bool:
    """Whether the encoder or autoencoder in a file has the width that a transformer takes."""
    try:
        own = grouped(file, (component,)).by_component[component]
        if component == TEXT_ENCODER:
            tables = ("embed_tokens.weight", "model.embed_tokens.weight", "token_embd.weight")
            table = next(own.tensors[name] for name in tables if name in own.tensors)
            return table.shape[1] == transformer.tensors["cap_embedder.0.weight"].shape[0]
        latents = own.tensors["decoder.conv_in.weight"].shape[1]
        embedders = ("x_embedder.weight", "all_x_embedder.2-1.weight")
        embedder = next(
            transformer.tensors[name] for name in embedders if name in transformer.tensors
        )
        return 4 * latents == embedder.shape[1]
    except (Unusable, StopIteration, KeyError, IndexError):
        return False
