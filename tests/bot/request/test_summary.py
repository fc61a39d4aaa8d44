"""What is particular about a wish: all that differs from what the model does by itself."""

from __future__ import annotations

import pytest

from bot.request.bad_flags import BadKind
from bot.request.closed_choices import chosen
from bot.request.outcomes import Composed, FlagProblem, Refused
from bot.request.params import Wish
from bot.request.resolve import compose
from bot.request.summary import USUAL, Particulars, particulars
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO, Family, Speed
from engine.prompts import Level, PictureStyle
from engine.sizing import ASPECTS


def of(wish: Wish, pictures: int = 1, family: Family = Z_IMAGE_TURBO) -> Particulars:
    """Those of a wish that is all right."""
    found = compose(wish, family, lambda: 1)
    assert isinstance(found, Composed)
    return particulars(found.request, pictures, family, found.notes)


@pytest.mark.parametrize("family", [SKETCH_FAMILY, Z_IMAGE_TURBO])
def test_a_plain_wish_has_none(family: Family):
    """Nor has one that asks for what it would get anyway."""
    assert of(Wish("a lake", seed=5, enhance=Level.OFF), family=family) == USUAL
    usual = Wish("a lake", aspect="1:1", speed=Speed.STANDARD, guidance=1.0)
    assert of(usual, family=family) == USUAL


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("family", [SKETCH_FAMILY, Z_IMAGE_TURBO])
def test_shapes_have_the_name_that_was_chosen(family: Family, aspect: str):
    """The ratio of a size that was made from one; other sizes are given in pixels."""
    found = compose(Wish("x", aspect=aspect), family, lambda: 1)
    if isinstance(found, Composed):
        shape = particulars(found.request, 1, family).shape
        assert shape == ("" if aspect == "1:1" else aspect)


def test_everything_that_was_chosen():
    """Count, size, style, steps by their name or number, guidance."""
    wish = Wish("x", size=(512, 1024), speed=Speed.FAST, guidance=1.8, style=PictureStyle.OIL)
    found = of(wish, 4)
    assert found == Particulars(4, "512×1024", PictureStyle.OIL, 4, Speed.FAST, 1.8)
    odd = of(Wish("x", steps=7))
    assert (odd.steps, odd.speed) == (7, None)


def test_a_style_that_was_left_out_is_none():
    """A note says what became of it; the line would promise it."""
    assert of(Wish("an anime girl", style=PictureStyle.OIL)).style is None
    assert of(Wish("a girl", style=PictureStyle.OIL), family=SKETCH_FAMILY).style is None


def test_choices_from_lists_become_part_of_the_wish():
    """By the names of their fields; what was not chosen stays ours to choose."""
    plain = Wish("a lake")
    assert chosen(plain, style=None, speed=None, enhance=None) == plain
    found = chosen(plain, style="line-art", speed="fine", enhance="light")
    assert found == Wish(
        "a lake", style=PictureStyle.LINE_ART, speed=Speed.FINE, enhance=Level.LIGHT
    )


@pytest.mark.parametrize("name", ["style", "speed", "enhance"])
def test_a_value_of_no_list_is_refused(name: str):
    """Another version's command may offer other values: they are quoted, not dropped."""
    found = chosen(Wish("a lake"), **{name: "odd"})
    assert isinstance(found, Refused) and isinstance(found.reason, FlagProblem)
    bad = found.reason.bad
    assert (bad.kind, bad.flag, bad.value) == (BadKind.BAD_VALUE, f"--{name}", "odd")
    assert len(bad.expected) >= 3
