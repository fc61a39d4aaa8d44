"""Tiles of a large picture: where they are, and how their predictions are blended.

Tiles overlap, and in an overlap one fades out while its neighbour fades in, so that no border of a
tile shows in the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from engine.diffusion.families import Family
from engine.sizing import GRID_PX

OVERLAP_SHARE = 4
"""Neighbouring tiles share one part in this many of a side. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the picture, in pixels from its top left corner."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int


def cover(size_px: tuple[int, int], tile_px: int, overlap_px: int) -> list[Tile]:
    """Return the fewest tiles that cover a picture, all of one size, row by row from the top left.

    size_px: width and height, multiples of 16. No side of a tile is longer than `tile_px`;
    neighbours share at least `overlap_px`. Tiles are no larger than both need, and start on
    multiples of 16. Raises ValueError where that is impossible.
    """
    if min(size_px) < GRID_PX or any(side % GRID_PX for side in size_px):
        raise ValueError(f"{size_px} is not a size in multiples of {GRID_PX} px")
    if overlap_px < 0:
        raise ValueError(f"an overlap of {overlap_px} px is below 0")
    longest, overlap = tile_px // GRID_PX, -(-overlap_px // GRID_PX)
    columns, rows = (_spans(side // GRID_PX, longest, overlap) for side in size_px)
    return [Tile(*_px(left, top, width, height)) for top, height in rows for left, width in columns]


def tile_cover(size_px: tuple[int, int], family: Family) -> list[Tile]:
    """Return the tiles in which a family paints a picture larger than its native size."""
    side_px = family.native_side_px
    return cover(size_px, side_px, side_px // OVERLAP_SHARE)


def _px(*cells: int) -> tuple[int, ...]:
    return tuple(cell * GRID_PX for cell in cells)


def _spans(side: int, longest: int, overlap: int) -> list[tuple[int, int]]:
    """Return start and length of each span along one side, all in cells of 16 px."""
    if longest < 1 or (side > longest and overlap >= longest):
        raise ValueError(
            f"tiles of {longest * GRID_PX} px with an overlap of {overlap * GRID_PX} px "
            f"cannot cover {side * GRID_PX} px"
        )
    if side <= longest:
        return [(0, side)]
    count = -(-(side - overlap) // (longest - overlap))
    # As short as that many spans may be: with the fewest tiles, every shorter side saves work.
    length = -(-(side + (count - 1) * overlap) // count)
    return [(i * (side - length) // (count - 1), length) for i in range(count)]


def cut(field: torch.Tensor, tile: Tile, size_px: tuple[int, int]) -> torch.Tensor:
    """Return the tile's part of a field that covers the picture; shares its memory.

    field: … × height × width, in pixels or at a coarser resolution that divides 16 (latents: 1/8).
    Raises ValueError for a field that does not fit the picture.
    """
    scale = _scale(tuple(field.shape[-2:]), size_px)
    rows = slice(tile.top_px // scale, (tile.top_px + tile.height_px) // scale)
    columns = slice(tile.left_px // scale, (tile.left_px + tile.width_px) // scale)
    return field[..., rows, columns]


def weights(tiles: Sequence[Tile], size_px: tuple[int, int], scale: int = 1) -> list[torch.Tensor]:
    """Return each tile's weight at each of its places; over all tiles they sum to one everywhere.

    One float32 height/scale × width/scale per tile. tiles: the result of `cover` for `size_px`, in
    any order. Raises ValueError for tiles that do not form such a grid.
    """
    return [rows[:, None] * columns for rows, columns in _fades(tiles, size_px, scale)]


def blend(
    tiles: Sequence[Tile], predictions: Sequence[torch.Tensor], size_px: tuple[int, int]
) -> torch.Tensor:
    """Blend the tiles' predictions into one field for the whole picture by a weighted mean.

    predictions: one … × height × width per tile, in the order of `tiles`, in pixels or at a coarser
    resolution (latents: 1/8), of any float type. Returns float32 on the same device. Raises
    ValueError where tiles, predictions and size do not belong together.
    """
    if not tiles or len(tiles) != len(predictions):
        raise ValueError(f"{len(predictions)} predictions for {len(tiles)} tiles")
    first = predictions[0]
    scale = _scale(tuple(first.shape[-2:]), (tiles[0].width_px, tiles[0].height_px))
    width, height = (side // scale for side in size_px)
    field = torch.zeros(
        (*first.shape[:-2], height, width), dtype=torch.float32, device=first.device
    )
    for tile, prediction, fade in zip(
        tiles, predictions, _fades(tiles, size_px, scale), strict=True
    ):
        part = cut(field, tile, size_px)
        if prediction.shape != part.shape:
            raise ValueError(f"a prediction of {tuple(prediction.shape)} for {tile}")
        rows, columns = (weight.to(first.device) for weight in fade)
        part += prediction.float() * rows[:, None] * columns
    return field


def seam_score(pixels: torch.Tensor, tiles: Sequence[Tile]) -> float:
    """Return how much more neighbouring pixels differ across tile borders than elsewhere.

    1 = no seam; infinite where nothing differs elsewhere. pixels: height × width × channels.
    """
    values = pixels.double()
    rows = _ends((tile.top_px, tile.height_px) for tile in tiles)
    columns = _ends((tile.left_px, tile.width_px) for tile in tiles)
    across, elsewhere = [], []
    for axis, borders in ((0, rows), (1, columns)):
        steps = values.diff(dim=axis).abs().movedim(axis, 0).flatten(1).mean(dim=1)
        on_border = torch.zeros(len(steps), dtype=torch.bool)
        on_border[[border - 1 for border in borders if 0 < border <= len(steps)]] = True
        across.append(steps[on_border.to(steps.device)])
        elsewhere.append(steps[~on_border.to(steps.device)])
    seam, ground = torch.cat(across), torch.cat(elsewhere)
    if not len(seam) or not len(ground) or float(seam.mean()) == float(ground.mean()):
        return 1.0
    return float(seam.mean() / ground.mean())


def _ends(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {end for start, length in spans for end in (start, start + length)}


def _scale(shape: tuple[int, ...], size_px: tuple[int, int]) -> int:
    """Return the pixels per cell of a field of height × width that covers `size_px`."""
    scale = size_px[0] // shape[1] if shape[1] else 0
    if not scale or GRID_PX % scale or (shape[1] * scale, shape[0] * scale) != tuple(size_px):
        raise ValueError(f"{shape[0]} × {shape[1]} (height × width) does not fit {size_px} px")
    return scale


def _fades(
    tiles: Sequence[Tile], size_px: tuple[int, int], scale: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return each tile's weights along its height and along its width."""
    columns = sorted({(tile.left_px, tile.width_px) for tile in tiles})
    rows = sorted({(tile.top_px, tile.height_px) for tile in tiles})
    grid = {(*column, *row) for row in rows for column in columns}
    found = [(tile.left_px, tile.width_px, tile.top_px, tile.height_px) for tile in tiles]
    if len(found) != len(grid) or set(found) != grid:
        raise ValueError("the tiles do not form a grid of rows and columns")
    across = _ramps(columns, size_px[0], scale)
    down = _ramps(rows, size_px[1], scale)
    return [
        (down[tile.top_px, tile.height_px], across[tile.left_px, tile.width_px]) for tile in tiles
    ]


def _ramps(
    spans: list[tuple[int, int]], side_px: int, scale: int
) -> dict[tuple[int, int], torch.Tensor]:
    """Return the weights of each span along one side; they sum to one at every place of it.

    A raised cosine in the overlap with the span before and with the one after. Where more than two
    spans meet, dividing by the sum keeps the fades smooth.
    """
    if spans[0][0] != 0 or max(start + length for start, length in spans) != side_px:
        raise ValueError(f"the tiles do not cover {side_px} px")
    raw = {span: torch.ones(span[1] // scale, dtype=torch.float64) for span in spans}
    for before, after in pairwise(spans):
        shared = (before[0] + before[1] - after[0]) // scale
        if shared < 0 or before[0] + before[1] > after[0] + after[1]:
            raise ValueError("the tiles leave a gap, or one lies inside another")
        # Half a cell from either end: no weight is zero, and both sides mirror each other.
        phase = (torch.arange(shared, dtype=torch.float64) + 0.5) * (torch.pi / max(1, shared))
        rise = (1 - torch.cos(phase)) / 2
        raw[after][:shared] *= rise
        raw[before][len(raw[before]) - shared :] *= rise.flip(0)
    total = torch.zeros(side_px // scale, dtype=torch.float64)
    for (start, _), ramp in raw.items():
        total[start // scale : start // scale + len(ramp)] += ramp
    return {
        (start, length): (ramp / total[start // scale : start // scale + len(ramp)]).float()
        for (start, length), ramp in raw.items()
    }
