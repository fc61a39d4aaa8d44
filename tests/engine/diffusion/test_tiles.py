"""Tiles cover every picture, and blending them shows no border."""

import math
from itertools import pairwise
from random import Random

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.diffusion.tiles import Tile, blend, cover, cut, seam_score, weights

CELLS = st.integers(1, 40)
SIZES = st.tuples(CELLS, CELLS).map(lambda size: (size[0] * 16, size[1] * 16))


@st.composite
def grids(draw: st.DrawFn) -> tuple[tuple[int, int], int, int]:
    """A valid size, longest side and overlap, all in pixels."""
    size = draw(SIZES)
    tile = draw(st.integers(2, 30)) * 16 + draw(st.integers(0, 15))
    overlap = draw(st.integers(0, tile // 16 * 16 - 16))
    return size, tile, overlap


def spans(tiles: list[Tile]) -> list[list[tuple[int, int]]]:
    """Return start and end of the columns, and of the rows."""
    return [
        sorted({(tile.left_px, tile.left_px + tile.width_px) for tile in tiles}),
        sorted({(tile.top_px, tile.top_px + tile.height_px) for tile in tiles}),
    ]


@given(grids())
def test_tiles_cover_the_picture(grid: tuple[tuple[int, int], int, int]) -> None:
    """They begin and end with the picture, leave nothing out, and share at least the overlap."""
    size, tile_px, overlap = grid
    tiles = cover(size, tile_px, overlap)
    for side, along in zip(size, spans(tiles), strict=True):
        assert along[0][0] == 0 and max(end for _, end in along) == side
        for (_, end), (start, _) in pairwise(along):
            assert end - start >= overlap
    columns, rows = spans(tiles)
    assert len(tiles) == len(set(tiles)) == len(columns) * len(rows)


@given(grids())
def test_tiles_are_alike(grid: tuple[tuple[int, int], int, int]) -> None:
    """All have one size on the grid of 16 within the limit, and their distances differ by 16."""
    size, tile_px, overlap = grid
    tiles = cover(size, tile_px, overlap)
    assert len({(tile.width_px, tile.height_px) for tile in tiles}) == 1
    sides = (tiles[0].width_px, tiles[0].height_px)
    assert all(mine <= min(tile_px, side) for mine, side in zip(sides, size, strict=True))
    for tile in tiles:
        edges = (tile.left_px, tile.top_px, tile.width_px, tile.height_px)
        assert all(edge % 16 == 0 for edge in edges)
    for along in spans(tiles):
        strides = [late - early for (early, _), (late, _) in pairwise(along)]
        assert not strides or max(strides) - min(strides) <= 16


@given(grids())
def test_there_are_no_more_tiles_than_needed(grid: tuple[tuple[int, int], int, int]) -> None:
    """With one column or one row less, tiles of the longest side could not share the overlap."""
    size, tile_px, overlap = grid
    longest, shared = tile_px // 16 * 16, math.ceil(overlap / 16) * 16
    for side, along in zip(size, spans(cover(size, tile_px, overlap)), strict=True):
        fewer = len(along) - 1
        assert fewer == 0 or fewer * longest - (fewer - 1) * shared < side


def test_an_upscaled_square() -> None:
    """2048² takes nine tiles that are no larger than the overlap requires."""
    tiles = cover((2048, 2048), 1024, 128)
    assert [(tile.left_px, tile.top_px) for tile in tiles] == [
        (left, top) for top in (0, 640, 1280) for left in (0, 640, 1280)
    ]
    assert {(tile.width_px, tile.height_px) for tile in tiles} == {(768, 768)}


def test_a_small_picture_is_one_tile() -> None:
    """A picture that fits into a tile is not cut, whatever the overlap."""
    assert cover((512, 768), 1024, 4096) == [Tile(0, 0, 512, 768)]


@pytest.mark.parametrize(
    ("size", "tile_px", "overlap_px"),
    [
        ((1000, 1024), 512, 64),
        ((0, 1024), 512, 64),
        ((-16, 1024), 512, 64),
        ((1024, 1024), 15, 0),
        ((1024, 1024), 512, 512),
        ((1024, 1024), 512, 497),
        ((1024, 1024), 512, -16),
    ],
)
def test_the_impossible_is_refused(size: tuple[int, int], tile_px: int, overlap_px: int) -> None:
    """Sizes off the grid, tiles of nothing and overlaps as wide as a tile raise ValueError."""
    with pytest.raises(ValueError, match="px"):
        cover(size, tile_px, overlap_px)


@given(grids(), st.sampled_from([1, 2, 8, 16]))
@settings(max_examples=50)
def test_weights_sum_to_one(grid: tuple[tuple[int, int], int, int], scale: int) -> None:
    """At every place the tiles' weights are not negative and sum to one."""
    size, tile_px, overlap = grid
    tiles = cover(size, tile_px, overlap)
    total = torch.zeros(size[1] // scale, size[0] // scale)
    for tile, weight in zip(tiles, weights(tiles, size, scale), strict=True):
        assert float(weight.min()) > 0
        cut(total, tile, size).add_(weight)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-6)


@given(grids(), st.floats(-100, 100, width=32))
@settings(max_examples=50)
def test_a_constant_stays_what_it_is(grid: tuple[tuple[int, int], int, int], value: float) -> None:
    """Where all tiles agree on a constant, so does the picture."""
    size, tile_px, overlap = grid
    tiles = cover(size, tile_px, overlap)
    parts = [torch.full((1, 2, tile.height_px // 8, tile.width_px // 8), value) for tile in tiles]
    field = blend(tiles, parts, size)
    assert field.shape == (1, 2, size[1] // 8, size[0] // 8) and field.dtype == torch.float32
    assert torch.allclose(field, torch.full_like(field, value), rtol=1e-6, atol=1e-6)


@given(grids(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_agreeing_tiles_give_back_the_field(
    grid: tuple[tuple[int, int], int, int], order: Random
) -> None:
    """Cut into tiles and blended, in any order, latents are restored."""
    size, tile_px, overlap = grid
    field = torch.randn(16, size[1] // 8, size[0] // 8, generator=torch.manual_seed(1))
    tiles = cover(size, tile_px, overlap)
    order.shuffle(tiles)
    again = blend(tiles, [cut(field, tile, size) for tile in tiles], size)
    assert torch.allclose(again, field, atol=1e-5)


@given(grids(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_tiles_does_not_matter(
    grid: tuple[tuple[int, int], int, int], order: Random
) -> None:
    """Tiles that disagree blend to the same field in any order."""
    size, tile_px, overlap = grid
    generator = torch.manual_seed(2)
    tiles = cover(size, tile_px, overlap)
    assume(len(tiles) > 1)
    parts = {
        tile: torch.randn(1, tile.height_px // 8, tile.width_px // 8, generator=generator)
        for tile in tiles
    }
    first = blend(tiles, [parts[tile] for tile in tiles], size)
    order.shuffle(tiles)
    assert torch.allclose(blend(tiles, [parts[tile] for tile in tiles], size), first, atol=1e-5)


def test_low_precision_is_blended_in_full() -> None:
    """Predictions in bfloat16 become a field in float32."""
    tiles = cover((256, 128), 160, 32)
    parts = [torch.full((4, 16, tile.width_px // 8), 0.1, dtype=torch.bfloat16) for tile in tiles]
    field = blend(tiles, parts, (256, 128))
    assert field.dtype == torch.float32
    assert torch.allclose(field, parts[0].float()[0, 0, 0].expand_as(field), atol=1e-6)


def test_fading_is_smooth() -> None:
    """Between tiles of 0 and 1 the field rises smoothly, without a jump."""
    size = (768, 64)
    tiles = cover(size, 448, 128)
    assert len(tiles) == 2
    parts = [torch.full((8, tile.width_px // 8), float(i)) for i, tile in enumerate(tiles)]
    line = blend(tiles, parts, size)[0]
    steps = line.diff()
    assert float(line[0]) == 0.0 and float(line[-1]) == 1.0
    assert float(steps.min()) >= 0
    # 16 latents of overlap: a raised cosine is steepest in the middle, by π / 2 / 16.
    assert float(steps.max()) == pytest.approx(math.pi / 32, rel=0.01)
    assert torch.allclose(line + line.flip(0), torch.ones_like(line), atol=1e-6)


@pytest.mark.parametrize(
    "tiles",
    [
        [],
        [Tile(0, 0, 64, 64)],
        [Tile(0, 0, 64, 128)] * 2,
        [Tile(0, 0, 48, 128), Tile(64, 0, 64, 128)],
        [Tile(0, 0, 128, 128), Tile(16, 0, 32, 128)],
        [Tile(0, 0, 80, 80), Tile(48, 48, 80, 80)],
        [Tile(0, 0, 80, 128), Tile(64, 0, 80, 128)],
    ],
)
def test_tiles_that_are_no_cover_are_refused(tiles: list[Tile]) -> None:
    """Nothing, gaps, repetitions, nesting, missing corners and tiles outside raise ValueError."""
    parts = [torch.zeros(tile.height_px, tile.width_px) for tile in tiles]
    with pytest.raises(ValueError, match=r"tiles|fit"):
        blend(tiles, parts, (128, 128))


@pytest.mark.parametrize("shapes", [[(8, 10)], [(8, 10), (8, 9)], [(3, 4), (3, 4)], [(0, 0)] * 2])
def test_predictions_that_do_not_fit_are_refused(shapes: list[tuple[int, int]]) -> None:
    """Too few predictions, or of a shape that is not their tile's, raise ValueError."""
    tiles = cover((128, 64), 80, 32)
    assert [tile.width_px for tile in tiles] == [80, 80]
    with pytest.raises(ValueError, match=r"predictions? |fit"):
        blend(tiles, [torch.zeros(shape) for shape in shapes], (128, 64))


def test_a_seam_is_seen() -> None:
    """A picture whose tiles differ slightly scores high; the same noise without tiles scores 1."""
    size = (256, 192)
    tiles = cover(size, 144, 32)
    noise = torch.rand(192, 256, 3, generator=torch.manual_seed(3)) * 20
    assert seam_score(noise, tiles) == pytest.approx(1.0, abs=0.1)
    patched = noise.clone()
    for i, tile in enumerate(tiles):
        cut(patched.permute(2, 0, 1), tile, size).add_(30.0 * (i % 2))
    assert seam_score(patched, tiles) > 2


def test_blending_leaves_no_seam() -> None:
    """Tiles with different colours, blended, show no border."""
    size = (512, 384)
    tiles = cover(size, 256, 96)
    generator = torch.manual_seed(4)
    noise = torch.rand(3, 384, 512, generator=generator) * 20
    parts = [
        cut(noise, tile, size) + 40 * torch.rand(3, 1, 1, generator=generator) for tile in tiles
    ]
    pixels = blend(tiles, parts, size).permute(1, 2, 0)
    assert seam_score(pixels, tiles) == pytest.approx(1.0, abs=0.1)


def test_flat_pictures_have_a_defined_score() -> None:
    """A constant picture has no seam, a lone border an infinite one, one tile has none."""
    size = (64, 64)
    tiles = cover(size, 48, 16)
    flat = torch.full((64, 64, 3), 7, dtype=torch.uint8)
    assert seam_score(flat, tiles) == 1.0
    halves = flat.clone()
    halves[:, 48:] = 9
    assert seam_score(halves, tiles) == math.inf
    assert seam_score(halves, [Tile(0, 0, 64, 64)]) == 1.0
