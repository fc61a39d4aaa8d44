"""The owner's settings become the queue's limits."""

from engine.queue import Bounds
from engine.settings import EngineSettings


def test_the_bounds_are_those_of_the_settings() -> None:
    """Each limit has its own setting; by default one user may have ten jobs waiting."""
    assert EngineSettings().bounds == Bounds(queue=100, user=10, server=None)
    chosen = EngineSettings(queue_limit=7, user_limit=None, server_limit=3)
    assert chosen.bounds == Bounds(queue=7, user=None, server=3)
