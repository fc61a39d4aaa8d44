"""Numbers of a configuration that no shape shows, so that a wrong one would paint in silence.

What a configuration leaves open is put in; what contradicts the architecture is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.families import Family

AXES = ((1, 4), (3, 8), (3, 8))
"""How the transformer divides a head between frames, rows and columns: 32, 48, 48 of 128."""
NORM_EPSILON = 1e-5
TIME_SCALE = 1000.0
"""These as in the published configuration of Z-Image-Turbo's transformer."""
ENCODER_EPSILON = 1e-6
"""As in the published configuration of Qwen3-4B."""
VAE_GROUPS = 32
"""Groups of a norm: of every autoencoder of latent diffusion so far."""
ACTIVATION = "silu"
"""Of the text encoder and of the autoencoder."""

_HEAD = 128
_VAE_WIDTHS = (128, 256, 512, 512)
"""The published sizes. Models of other sizes may divide theirs as they like."""
_PLAIN_ROTATION = "default"
_QWEN3 = "qwen3"


def complete_transformer(config: dict[str, Any], family: Family, label: str) -> list[str]:
    """Put in what is open and check the rest; returns notes. Raises Unusable."""
    if config.get("rope_theta") is None:
        config["rope_theta"] = family.rope_theta
    elif config["rope_theta"] != family.rope_theta:
        raise Unusable(
            f"{label} has the rope_theta {config['rope_theta']}; {family.name} has "
            f"{family.rope_theta:g}"
        )
    wanted: dict[str, Any] = {"t_scale": TIME_SCALE, "norm_eps": NORM_EPSILON}
    width, heads = config.get("dim"), config.get("n_heads")
    if isinstance(width, int) and isinstance(heads, int) and width == _HEAD * heads:
        wanted["axes_dims"] = [_HEAD * share // of for share, of in AXES]
    _require(config, wanted, family, label)
    return []


def complete_text_encoder(config: dict[str, Any], family: Family, label: str) -> list[str]:
    """Put in what is open and check the rest; returns notes. Raises Unusable."""
    if config.get("model_type") == _QWEN3:
        _require(config, {"rms_norm_eps": ENCODER_EPSILON, "hidden_act": ACTIVATION}, family, label)
        _require_plain_attention(config, label)
    thetas = [
        theta
        for settings in (config, *_rotations(config))
        if (theta := settings.get("rope_theta")) is not None
    ]
    for theta in thetas:
        if not isinstance(theta, int | float):
            raise Unusable(f"{label} has the rope_theta {theta!r}, which is no number")
    if len(set(thetas)) > 1:
        raise Unusable(f"{label} has two rope_theta: {min(thetas):g} and {max(thetas):g}")
    own = family.encoder_rope_theta
    if not thetas:
        if own is None:
            raise Unusable(f"{label} has no rope_theta")
        for settings in (config, *_rotations(config)):
            settings["rope_theta"] = own
        return [f"{label} has no rope_theta: {family.name}'s, {own:g}, is used"]
    theta = thetas.pop()
    if own is None or theta == own:
        return []
    if theta in family.encoder_rope_variants:
        return [
            f"{label} has the rope_theta {theta:g}, as Qwen3-4B-Instruct-2507 has: a later "
            f"training of the text encoder, for which {family.name} was not made"
        ]
    raise Unusable(f"{label} has the rope_theta {theta:g}; {family.name}'s encoder has {own:g}")


def complete_vae(config: dict[str, Any], family: Family, label: str) -> list[str]:
    """Put in what is open and check the rest; returns notes. Raises Unusable."""
    notes: list[str] = []
    for name, value in (
        ("scaling_factor", family.vae_scaling_factor),
        ("shift_factor", family.vae_shift_factor),
    ):
        found = config.get(name)
        if found is not None and not isinstance(found, int | float):
            raise Unusable(f"{label} has the {name} {found!r}, which is no number")
        if found is None and value is None:
            raise Unusable(f"{label} has no {name}")
        if found is None:
            config[name] = value
            notes.append(f"{label} has no {name}: {family.name}'s, {value:g}, is used")
        elif value is not None and found != value:
            raise Unusable(
                f"{label} has the {name} {found:g}; {family.name}'s is {value:g}: it is another "
                f"model's autoencoder"
            )
    wanted: dict[str, Any] = {"act_fn": ACTIVATION}
    widths = config.get("block_out_channels")
    if isinstance(widths, list) and tuple(widths) == _VAE_WIDTHS:
        wanted["norm_num_groups"] = VAE_GROUPS
    _require(config, wanted, family, label)
    return notes


def _require(
    config: Mapping[str, Any], wanted: Mapping[str, Any], family: Family, label: str
) -> None:
    for name, value in wanted.items():
        found = config.get(name)
        if found is not None and found != value:
            raise Unusable(f"{label} has the {name} {found!r}; {family.name} has {value!r}")


def _require_plain_attention(config: Mapping[str, Any], label: str) -> None:
    """Refuse rotations that are stretched, and layers that see only a part of the prompt."""
    for settings in _rotations(config):
        kind = settings.get("rope_type", settings.get("type", _PLAIN_ROTATION))
        if kind != _PLAIN_ROTATION:
            raise Unusable(f"{label} has rotations of the type {kind!r}, which Z-Image has not")
    for settings in (config, *_rotations(config)):
        if settings.get("partial_rotary_factor", 1.0) != 1.0:
            raise Unusable(f"{label} rotates {settings['partial_rotary_factor']} of each head")
    layers = config.get("layer_types")
    kinds = set(layers) if isinstance(layers, list) else set()
    if config.get("use_sliding_window") or kinds - {"full_attention"}:
        raise Unusable(f"{label} has layers with a sliding window, which Z-Image has not")


def _rotations(config: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Return what describes rotations, under the name of transformers 5 and of older ones."""
    found = (config.get(name) for name in ("rope_parameters", "rope_scaling"))
    return [settings for settings in found if isinstance(settings, dict)]
