"""Regions are masks that need no drawing."""

from __future__ import annotations

import numpy as np
import pytest

from bot.request.values.regions import Region, region_mask


def whites(region: Region, width_px: int, height_px: int) -> np.ndarray:
    """Return where a region is white: height × width."""
    raster = region_mask(region, width_px, height_px)
    assert (raster.width_px, raster.height_px) == (width_px, height_px)
    found = np.frombuffer(raster.rgb, np.uint8).reshape(height_px, width_px, 3)
    assert set(np.unique(found)) <= {0, 255} and (found.min(axis=2) == found.max(axis=2)).all()
    return found[..., 0] > 0


@pytest.mark.parametrize("size", [(64, 32), (256, 256), (176, 368), (16, 16)])
def test_a_region_is_where_it_says(size: tuple[int, int]):
    """Halves are halves, the centre holds the middle and no corner, the background the rest."""
    width, height = size
    parts = {each: whites(each, *size) for each in Region}
    assert parts[Region.LEFT][:, : width // 2].all() and not parts[Region.LEFT][:, -1].any()
    assert parts[Region.TOP][: height // 2].all() and not parts[Region.TOP][-1].any()
    for one, other in (
        (Region.LEFT, Region.RIGHT),
        (Region.TOP, Region.BOTTOM),
        (Region.CENTRE, Region.BACKGROUND),
    ):
        assert (parts[one] ^ parts[other]).all()
    centre = parts[Region.CENTRE]
    assert centre[height // 2, width // 2] and not centre[0].any() and not centre[:, 0].any()
    assert 0.3 < centre.mean() < 0.5
