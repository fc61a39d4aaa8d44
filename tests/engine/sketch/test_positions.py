"""Where tokens are: on the picture, and on the thing that they are part of."""

import numpy as np
import torch

from engine.sketch.positions import PositionReader, token_positions


def test_tokens_know_where_on_the_picture_and_on_their_thing_they_are() -> None:
    """Right and down of the middle, from -1 to 1; a thing in front hides one behind; a box of
    nothing is nowhere."""
    boxes = np.zeros((2, 3, 4), dtype=np.float32)
    boxes[0, 0] = (0, 0, 32, 32)
    boxes[0, 1] = (16, 0, 48, 32)
    found = token_positions(boxes, 2, 4)
    assert found.on_picture.tolist()[:2] == [[-0.75, -0.5], [-0.25, -0.5]]
    assert found.is_thing.tolist() == [[1, 1, 1, 0] * 2, [0] * 8]
    assert found.on_thing[0, :4].tolist() == [[-0.5, -0.5], [-0.5, -0.5], [0.5, -0.5], [0, 0]]
    assert found.on_thing[0, 4].tolist() == [-0.5, 0.5] and not found.on_thing[1].any()


def test_what_is_read_right_costs_nothing() -> None:
    """The error is of the places, and of those on things alone."""
    boxes = np.zeros((1, 3, 4), dtype=np.float32)
    positions = token_positions(boxes, 2, 2)
    reader = PositionReader(4)
    with torch.no_grad():
        reader.position_head.weight.zero_()
        reader.position_head.bias.zero_()
    tokens = torch.ones(1, 4, 4)
    assert abs(reader(tokens, positions).item() - 0.25) < 1e-6
    boxes[0, 0] = (0, 0, 32, 32)
    assert abs(reader(tokens, token_positions(boxes, 2, 2)).item() - 0.5) < 1e-6
