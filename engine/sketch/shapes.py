"""The picture sizes that training uses."""

from typing import Final

Shape = tuple[int, int]
"""Width and height, px."""

SMALL_SHAPES: Final[tuple[Shape, ...]] = ((128, 128), (160, 96), (96, 160))
"""For the first, cheap stage of the transformer, where it learns what words mean."""

SHAPES: Final[tuple[Shape, ...]] = ((256, 256), (320, 192), (192, 320))
"""The sizes that `sketch` paints: square, landscape and portrait of about equal area."""
