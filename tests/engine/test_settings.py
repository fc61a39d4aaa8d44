"""What the owner sets is what the queue is told."""

from engine.queue import Bounds
from engine.settings import EngineSettings


def test_the_bounds_are_those_of_the_settings() -> None:
    """Each limit bounds what its name says; by default one member may have ten waiting."""
    assert EngineSettings().bounds == Bounds(queue=100, user=10, server=None)
    chosen = EngineSettings(queue_limit=7, user_limit=None, server_limit=3)
    assert chosen.bounds == Bounds(queue=7, user=None, server=3)
