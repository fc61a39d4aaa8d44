"""Sizes lie on the 16-pixel grid, near the budget and near the requested shape."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sizing import (
    ASPECTS,
    GRID_PX,
    offered,
    parse_aspect,
    parse_size,
    ratio_fits,
    size_for_aspect,
)

BUDGETS_PX = (256**2, 512**2, 1024**2)


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("budget_px", BUDGETS_PX)
def test_named_aspects(aspect: str, budget_px: int) -> None:
    """Every offered ratio keeps its budget within 8 % and its shape within 8 %."""
    wide, high = parse_aspect(aspect)
    width, height = size_for_aspect(wide, high, budget_px)
    assert width % GRID_PX == height % GRID_PX == 0
    assert abs(width * height / budget_px - 1) <= 0.08
    assert abs(math.log(width / height / (wide / high))) <= 0.08


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("1:1", (1024, 1024)), ("16:9", (1360, 768)), ("9:16", (768, 1360)), ("3:2", (1248, 832))],
)
def test_familiar_sizes(aspect: str, size: tuple[int, int]) -> None:
    """The well-known ratios have fixed sizes at one megapixel, because users compare by size."""
    assert size_for_aspect(*parse_aspect(aspect), 1024**2) == size


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(BUDGETS_PX))
def test_any_allowed_ratio(wide: int, high: int, budget_px: int) -> None:
    """Any ratio within 1:4 and 4:1 gives a size on the grid, within half a cell per side."""
    if not 0.25 <= wide / high <= 4:
        return
    width, height = size_for_aspect(wide, high, budget_px)
    assert width % GRID_PX == height % GRID_PX == 0
    assert min(width, height) >= GRID_PX
    exact_width = math.sqrt(budget_px * wide / high)
    assert abs(width - exact_width) <= GRID_PX
    assert abs(height - budget_px / exact_width) <= GRID_PX


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("budget_px", BUDGETS_PX)
def test_portrait_is_landscape_turned(aspect: str, budget_px: int) -> None:
    """Swapping a named ratio's sides swaps the sides of its size."""
    wide, high = parse_aspect(aspect)
    width, height = size_for_aspect(wide, high, budget_px)
    assert size_for_aspect(high, wide, budget_px) == (height, width)


@pytest.mark.parametrize("text", ["16:9", " 16 : 9 ", "16：9", "１６：９"])
def test_aspects_are_read(text: str) -> None:
    """Spaces and the characters of Chinese keyboards are accepted."""
    assert parse_aspect(text) == (16, 9)


@pytest.mark.parametrize(
    "text", ["", "16", "16x9", "16:", ":9", "16:9:1", "-16:9", "1.5:1", "a:b", "1:1\x00", "16/9"]
)
def test_other_texts_are_no_aspect(text: str) -> None:
    """Text that is not a ratio is refused with the text in the message."""
    with pytest.raises(ValueError, match="is not an aspect ratio"):
        parse_aspect(text)


@pytest.mark.parametrize("text", ["0:1", "1:0", "0:0"])
def test_ratios_of_nothing(text: str) -> None:
    """A side of zero is not a ratio."""
    with pytest.raises(ValueError, match="not an aspect ratio"):
        parse_aspect(text)


@pytest.mark.parametrize(
    ("max_ratio", "longest"), [(2.0, {"2:1", "1:2"}), (21 / 9, {"21:9", "9:21"})]
)
def test_what_a_family_is_offered(max_ratio: float, longest: set[str]) -> None:
    """Every ratio up to and including the family's limit is offered, in both orientations."""
    found = set(offered(max_ratio))
    assert longest <= found and {"1:1", "16:9", "9:16"} <= found
    assert not any(ratio_fits(*parse_aspect(text), max_ratio) for text in set(ASPECTS) - found)
    assert not ratio_fits(99999, 1, max_ratio)


@pytest.mark.parametrize("text", ["1024x768", "1024X768", " 1024 × 768 ", "1024*768"])
def test_sizes_are_read(text: str) -> None:
    """Any of the usual characters separates width and height."""
    assert parse_size(text) == (1024, 768)


@pytest.mark.parametrize(
    "text", ["", "1024", "16:9", "1024x", "-1x5", "1e3x5", "123456x1", "1x1x1"]
)
def test_other_texts_are_no_size(text: str) -> None:
    """Text that is not a size is refused with the text in the message."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@given(st.text())
def test_parsers_raise_nothing_else(text: str) -> None:
    """Any text gives two numbers or ValueError."""
    for parse in (parse_aspect, parse_size):
        try:
            first, second = parse(text)
        except ValueError:
            continue
        assert first >= 0 <= second
