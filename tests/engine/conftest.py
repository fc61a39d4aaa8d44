"""An engine with a scripted renderer."""

from collections.abc import AsyncIterator

import pytest

from engine.queue import Bounds
from engine.service import Engine
from tests.fakes import ScriptedRenderer


@pytest.fixture
async def painter() -> AsyncIterator[ScriptedRenderer]:
    """A renderer that does not wait for the test; released at the end."""
    made = ScriptedRenderer()
    yield made
    made.release()


@pytest.fixture
async def engine(painter: ScriptedRenderer) -> AsyncIterator[Engine]:
    """A started engine, drained at the end."""
    made = Engine(painter.load, bounds=Bounds(20))
    made.start()
    yield made
    painter.release()
    await made.drain()
