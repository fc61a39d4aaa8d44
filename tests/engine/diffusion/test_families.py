"""A family is told from the name or the folder alone, and guidance is classic everywhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.families import (
    MAX_GUIDANCE,
    MAX_STEPS,
    SKETCH_FAMILY,
    Z_IMAGE_TURBO,
    Family,
    family_for,
)
from engine.sizing import GRID_PX, offered, parse_aspect, size_for_aspect

FAMILIES = (SKETCH_FAMILY, Z_IMAGE_TURBO)


def a_folder(folder: Path, config: str) -> Path:
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "config.json").write_text(config, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "model", ["Tongyi-MAI/Z-Image-Turbo", "", "nothing/here", "\0", "x" * 5000]
)
def test_a_name_alone_is_turbo(model: str) -> None:
    """What is not on this disk is taken for Z-Image-Turbo."""
    assert family_for(model) is Z_IMAGE_TURBO


def test_the_embedded_model() -> None:
    """`sketch` is sketch, wherever its weights are."""
    assert family_for("sketch") is SKETCH_FAMILY


@pytest.mark.parametrize(
    ("side_px", "family"),
    [(256, SKETCH_FAMILY), (128, SKETCH_FAMILY), (1024, Z_IMAGE_TURBO), (512, Z_IMAGE_TURBO)],
)
def test_a_folder_is_known_by_its_autoencoder(side_px: int, family: Family, tmp_path: Path) -> None:
    """Models that were trained on small pictures are treated like sketch."""
    folder = a_folder(tmp_path / "model", json.dumps({"sample_size": side_px}))
    assert family_for(str(folder)) is family


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{}",
        "not json",
        "[" * 100_000,
        '{"sample_size": null}',
        '{"sample_size": [256, 256]}',
        '{"sample_size": Infinity}',
        '{"sample_size": NaN}',
        '{"sample_size": -256}',
        '{"sample_size": 0}',
        '{"sample_size": 250}',
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_an_unreadable_folder_is_turbo(config: str, tmp_path: Path) -> None:
    """A broken configuration raises nothing here: loading will say what is wrong."""
    assert family_for(str(a_folder(tmp_path / "model", config))) is Z_IMAGE_TURBO


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` means the same folder here as it does for loading; nobody's home is no error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    a_folder(tmp_path / "model", '{"sample_size": 256}')
    assert family_for("~/model") is SKETCH_FAMILY
    assert family_for("~nobody-of-this-name/model") is Z_IMAGE_TURBO


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize(("classic", "scale"), [(1.0, 0.0), (1.5, 0.5), (2.5, 1.5), (5.0, 4.0)])
def test_guidance_is_one_less_for_the_pipeline(
    family: Family, classic: float, scale: float
) -> None:
    """Classic 1.0 is off, which the pipeline calls 0."""
    assert family.pipeline_guidance(classic) == scale


@given(st.floats())
def test_guidance_never_turns_around(classic: float) -> None:
    """No number, however odd, makes the pipeline guide away from the prompt."""
    assert Z_IMAGE_TURBO.pipeline_guidance(classic) >= 0.0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_offered_aspect_can_be_painted(family: Family) -> None:
    """The sizes of the offered ratios lie within the family's own bounds."""
    for aspect in offered(family.max_ratio):
        sides = size_for_aspect(*parse_aspect(aspect), family.budget_px)
        assert all(side % GRID_PX == 0 for side in sides)
        assert min(sides) >= family.min_side_px
        assert max(sides) <= family.max_side_px
        assert sides[0] * sides[1] <= family.max_pixels


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_defaults_lie_within_the_bounds(family: Any) -> None:
    """A family's own defaults are allowed, and no bound is wider than what is offered before the
    family is known."""
    assert 1 <= family.default_steps <= family.max_steps <= MAX_STEPS
    assert 1.0 <= family.default_guidance <= family.warn_guidance < family.max_guidance
    assert family.max_guidance <= MAX_GUIDANCE
    assert family.min_side_px % GRID_PX == family.max_side_px % GRID_PX == 0
