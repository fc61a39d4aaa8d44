"""The names that trainers write: which part of the model a tensor adapts, and in which role.

A name is a prefix, a module and a suffix. Suffixes say the role of a tensor in its method, prefixes
say where the trainer kept the transformer, and modules are looked up in the model's own list. Who
writes what, in 2026:

- ai-toolkit, diffusion-pipe: `diffusion_model.` and `lora_A`, `lora_B`
- musubi-tuner, kohya: `lora_unet_` with underscores, `lora_down`, `lora_up`, `alpha`; `lora_te1_`
  and `lora_te2_` for the text encoders of SDXL
- OneTrainer: `transformer.` with `lora_down` and `alpha`, or one of the other programs' dialects
- PEFT, SimpleTuner, diffusers: `base_model.model.`, `transformer.`, `unet.`, `text_encoder.` or
  `text_encoder_2.`, and `lora_A`, `lora_B`
- DiffSynth, ModelScope: nothing or `pipe.dit.`, and `lora_A.default`
- LyCORIS: `lycoris_` with underscores; ComfyUI's converters: `diffusion_model.` and `diff`
- PixArt's own training script: `base_model.model.` or `unet.base_model.model.`; OneTrainer for
  PixArt: `lora_transformer_` with underscores, or `transformer.` and the authors' names, in which
  `attn.qkv.0` is a part of a matrix; `lora_te_` or `t5.` for the text encoder
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.diffusion.lora.targets import Target, Targets


class Role(StrEnum):
    """The role of a tensor in its method; the values name it in sentences."""

    DOWN = "lora_A"
    UP = "lora_B"
    UP_BIAS = "lora_B.bias"
    CORE = "lora_mid"
    ALPHA = "alpha"
    MAGNITUDE = "dora_scale"
    KRON_1 = "lokr_w1"
    KRON_1A = "lokr_w1_a"
    KRON_1B = "lokr_w1_b"
    KRON_2 = "lokr_w2"
    KRON_2A = "lokr_w2_a"
    KRON_2B = "lokr_w2_b"
    KRON_2CORE = "lokr_t2"
    HADA_1A = "hada_w1_a"
    HADA_1B = "hada_w1_b"
    HADA_1CORE = "hada_t1"
    HADA_2A = "hada_w2_a"
    HADA_2B = "hada_w2_b"
    HADA_2CORE = "hada_t2"
    DIFF = "diff"
    DIFF_BIAS = "diff_b"
    FACTORS = "weight"
    ON_INPUT = "on_input"
    BLOCKS = "oft_blocks"
    STRETCH = "rescale"
    IN_UP = "a1.weight"
    IN_DOWN = "a2.weight"
    OUT_UP = "b1.weight"
    OUT_DOWN = "b2.weight"


_ROLES: Mapping[str, Role] = {
    **{role.value: role for role in Role if role is not Role.FACTORS},
    "lora_A.weight": Role.DOWN,
    "lora_B.weight": Role.UP,
    "lora_A.default.weight": Role.DOWN,
    "lora_B.default.weight": Role.UP,
    "lora_B.default.bias": Role.UP_BIAS,
    "lora_down.weight": Role.DOWN,
    "lora_up.weight": Role.UP,
    "lora_mid.weight": Role.CORE,
    "lora.down.weight": Role.DOWN,
    "lora.up.weight": Role.UP,
    "lora_linear_layer.down.weight": Role.DOWN,
    "lora_linear_layer.up.weight": Role.UP,
    "lora_alpha": Role.ALPHA,
    "lora_magnitude_vector": Role.MAGNITUDE,
    "lora_magnitude_vector.weight": Role.MAGNITUDE,
    "lora_magnitude_vector.default": Role.MAGNITUDE,
    "lora_magnitude_vector.default.weight": Role.MAGNITUDE,
    "w_norm": Role.DIFF,
    "b_norm": Role.DIFF_BIAS,
}
_MOST_DOTS = 2
"""In a suffix of `_ROLES`."""

_UNREADABLE = {
    "oft_": "PEFT's OFT",
    "boft_": "PEFT's BOFT",
    "lora_embedding_": "LoRA of an embedding",
    "lora_E": "AdaLoRA",
    "ia3_": "PEFT's IA3",
    "bm.": "GLoRA of a kernel in factors",
    "bm1.": "GLoRA of a kernel in factors",
    "bm2.": "GLoRA of a kernel in factors",
    "lambda_layer": "T-LoRA",
    "p_layer.": "T-LoRA",
    "q_layer.": "T-LoRA",
    "vera_": "VeRA",
    "hra_": "HRA",
    "set_weight": "a replaced weight",
    "reshape_weight": "a weight of another shape",
    "base_layer.": "a whole layer beside its LoRA",
}
"""Methods that are recognised and not read, by how their suffixes begin."""

TEXT_ENCODERS = (
    "lora_te",
    "text_encoder",
    "text_encoders.",
    "text_model.",
    "te.",
    "te1.",
    "te2.",
    "t5.",
    "bundle_emb",
    "emb_params",
)
"""How names of text encoders and of trained words begin."""

_PREFIXES = (
    "base_model.model.",
    "base_model.",
    "model.diffusion_model.",
    "diffusion_model.",
    "transformer.",
    "unet.",
    "pipe.dit.",
    "dit.",
    "module.",
    "model.",
)
_FLAT_PREFIXES = ("lora_unet_", "lora_transformer_", "lycoris_", "lora_dit_")
_ENCODERS = {"lora_te1_": "text_encoder_", "lora_te2_": "text_encoder_2_"}
"""How kohya's names of SDXL's text encoders begin, and the flat names of their parts."""
_MOST_NAMES = 100_000
"""Names that are remembered. Chosen by hand: a hundred dialects, at some 100 bytes each."""
_COMPILED = "_orig_mod."
"""What torch.compile puts before the names of what it compiled, the whole model or a block."""


@dataclass(frozen=True, slots=True)
class Name:
    """A tensor's name, taken apart. module: as written; bare: without prefix; target: None where
    the model has none."""

    module: str
    bare: str
    role: Role
    target: Target | None


class Names:
    """Takes names apart for one model, each once: files of one trainer have the same ones."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._known: dict[str, Name | None] = {}

    def read(self, key: str) -> Name | None:
        """Return the parts of a tensor's name; None if it ends in no role."""
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        split = role_of(key)
        name = None
        if split is not None:
            module, role = split
            name = Name(module, bare(module), role, target_of(module, self._targets))
        self._known[key] = name
        return name


def role_of(key: str) -> tuple[str, Role] | None:
    """Split a tensor's name into its module and its role; None where it ends in neither."""
    cut = len(key)
    for _ in range(_MOST_DOTS + 1):
        cut = key.rfind(".", 0, cut)
        if cut < 0:
            return None
        role = _ROLES.get(key[cut + 1 :])
        if role is not None:
            return key[:cut], role
        for side, found in (("down", Role.DOWN), ("up", Role.UP)):
            # Early diffusers: `to_q_lora.down.weight`.
            if key.endswith(f"_lora.{side}.weight"):
                return key.removesuffix(f"_lora.{side}.weight"), found
    return None


def factors_beside(key: str, keys: Collection[str], names: Names) -> Name | None:
    """Return the parts of the name of (IA)³'s factors; None where a tensor is something else.

    They are called `weight`, as the weights of a whole model are: what lies beside them tells.
    """
    module, _, last = key.rpartition(".")
    beside = f"{module}.{Role.ON_INPUT}"
    name = names.read(beside) if last == Role.FACTORS and beside in keys else None
    return None if name is None else replace(name, role=Role.FACTORS)


def bare(module: str) -> str:
    """Return a module's name without what the trainer put before it, in dots or underscores."""
    name = module.replace(_COMPILED, "")
    for prefix, component in _ENCODERS.items():
        if name.startswith(prefix):
            return component + name.removeprefix(prefix)
    for prefix in _FLAT_PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    stripped = True
    while stripped:
        stripped = False
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                name, stripped = name.removeprefix(prefix), True
    return name


def target_of(module: str, targets: Targets) -> Target | None:
    """Look up what a module's name stands for in this model."""
    name = bare(module)
    return targets.dotted.get(name) or targets.flat.get(name)


def method_of(key: str) -> str | None:
    """Return the method that a tensor belongs to, if it is one that is known and not read."""
    parts = key.split(".")
    for count in (1, 2, 3):
        suffix = ".".join(parts[-count:])
        for start, method in _UNREADABLE.items():
            if suffix.startswith(start):
                return method
    return None


def is_text_encoder(key: str) -> bool:
    """Whether a tensor adapts the text encoder, or words for it."""
    return key.replace("base_model.model.", "").startswith(TEXT_ENCODERS)
