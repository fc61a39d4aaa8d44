"""Several models: one is in memory at a time, and the one of each job paints it."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.engine_states import EngineState
from engine.errors import Interrupted, ModelGone, ModelInvalid
from engine.grouping import MAX_PASSED, grouped
from engine.job import EngineJob, JobSpec
from engine.models import RETRY_S
from engine.queue import Bounds, FairQueue
from engine.service import Engine
from tests.fakes import ScriptedRenderer, a_request, until


class Shelf:
    """Models whose renderers write down when they are loaded and closed. broken: these fail."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.broken: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.renderers: dict[str, ScriptedRenderer] = {}

    def load(self, name: str) -> ScriptedRenderer:
        """Act as a RendererFactory of one model."""
        self.gate.wait(20)
        if name in self.broken:
            raise ModelInvalid(name, "its file is cut off")
        self.log.append(f"+{name}")
        shelf = self

        class Noted(ScriptedRenderer):
            info = dataclasses.replace(ScriptedRenderer.info, model=name)

            def close(self) -> None:
                shelf.log.append(f"-{name}")

            def count_tokens(self, text: str) -> int:
                return len(name) + len(text)

        made = self.renderers[name] = Noted()
        return made

    def engine(self) -> Engine:
        """Return an engine of three models, whose default is `a`."""
        others = {name: lambda name=name: self.load(name) for name in ("bb", "ccc")}
        return Engine(lambda: self.load("a"), bounds=Bounds(50), default="a", others=others)


@pytest.fixture
def shelf() -> Shelf:
    """Three models."""
    return Shelf()


@pytest.fixture
async def engine(shelf: Shelf) -> AsyncIterator[Engine]:
    """A started engine of these models."""
    made = shelf.engine()
    made.start()
    await made.ready()
    yield made
    shelf.gate.set()
    for each in shelf.renderers.values():
        each.release()
    await made.drain()


def order(engine: Engine, number: int, model: str = "", user: int = 1) -> EngineJob:
    """Submit a job for a model."""
    return engine.submit(engine.reserve(user, 0), JobSpec(number, a_request(model=model)))


async def test_the_model_of_a_job_is_loaded_once_the_other_is_closed(
    engine: Engine, shelf: Shelf
) -> None:
    """A job without a name is of the default model, and only a change loads anything."""
    for number, model in enumerate(["", "a", "bb", "bb", ""]):
        job = order(engine, number, model)
        (painted,) = await job.result()
        assert painted.recipe.request.model == job.model
    assert shelf.log == ["+a", "-a", "+bb", "-bb", "+a"]
    assert engine.models.loaded == "a"


async def test_what_cannot_be_loaded_fails_alone(engine: Engine, shelf: Shelf) -> None:
    """All waiting jobs of the broken model fail with its reason, and the others are painted by the
    model that was loaded before."""
    shelf.broken.add("bb")
    shelf.gate.clear()
    blocker = order(engine, 1, "bb")
    await until(lambda: engine.models.loading == "bb")
    others = [order(engine, number, model) for number, model in [(2, "bb"), (3, "a"), (4, "bb")]]
    shelf.gate.set()
    for job in (blocker, others[0], others[2]):
        with pytest.raises(ModelInvalid, match="cut off"):
            await job.result()
    assert len(await others[1].result()) == 1
    assert shelf.log == ["+a", "-a", "+a"]
    assert engine.is_broken("bb") and not engine.is_broken("") and RETRY_S > 0


async def test_where_nothing_can_be_loaded_the_engine_ends(engine: Engine, shelf: Shelf) -> None:
    """The process starts again then: the jobs of other models stay for the next one."""
    shelf.broken |= {"a", "bb"}
    failed, kept = order(engine, 1, "bb"), order(engine, 2, "ccc")
    with pytest.raises(ModelInvalid):
        await failed.result()
    assert "none can be" in str(await engine.failure())
    assert engine.state is EngineState.DEFUNCT and not kept.done


async def test_a_model_that_left_the_configuration(engine: Engine, shelf: Shelf) -> None:
    """It is named, and the loaded model stays."""
    with pytest.raises(ModelGone, match="gone'"):
        await order(engine, 1, "gone").result()
    assert shelf.log == ["+a"]


async def test_a_model_whose_files_vanish_while_it_is_unloaded(
    engine: Engine, shelf: Shelf
) -> None:
    """Of several models, one that cannot be loaded again costs its jobs and not the bot."""
    shelf.renderers["a"].failures["a red boat"] = ModelInvalid("a", "its files have changed")
    with pytest.raises(ModelInvalid):
        await order(engine, 1).result()
    assert len(await order(engine, 2, "bb").result()) == 1


async def test_cancelling_and_stopping_while_a_model_is_loaded(
    engine: Engine, shelf: Shelf
) -> None:
    """A cancelled job is not painted; stopping does not wait for the model, and keeps the job."""
    shelf.gate.clear()
    first = order(engine, 1, "bb")
    await until(lambda: engine.models.loading == "bb")
    engine.cancel(first)
    shelf.gate.set()
    await until(lambda: engine.models.loaded == "bb" and engine.current is None)
    assert shelf.renderers["bb"].painted == []
    shelf.gate.clear()
    second = order(engine, 2, "a")
    await until(lambda: engine.models.loading == "a")
    await engine.drain(limit_s=20)
    with pytest.raises(Interrupted):
        await second.result()


async def test_tokens_are_counted_by_each_model(engine: Engine) -> None:
    """Unknown until a model was loaded once; afterwards also while another one is."""
    assert engine.count_tokens("four") == 5 and engine.count_tokens("four", "bb") is None
    await order(engine, 1, "bb").result()
    assert engine.count_tokens("four", "bb") == 6 and engine.count_tokens("four") == 5


async def test_waiting_counts_each_models_speed_and_the_loading_between(
    engine: Engine, shelf: Shelf
) -> None:
    """Pictures of each model count by its own speed, and each change by its loading."""
    step = a_request(steps=3)
    engine.estimator.record(step, 3.0)
    shelf.renderers["a"].hold()
    current = order(engine, 1)
    await until(lambda: engine.current is current)
    engine.models._durations_s = {"a": 10.0, "bb": 20.0}
    order(engine, 2, "bb")
    order(engine, 3, "bb")
    assert engine.waiting_s(2) is None and engine.waiting_total_s() is None
    engine.estimator.record(dataclasses.replace(step, model="bb"), 30.0)
    assert engine.waiting_s(2) == pytest.approx(3 + 20 + 30)
    assert engine.waiting_s(3) == pytest.approx(3 + 20 + 30 + 30)
    assert engine.waiting_total_s() == pytest.approx(20 + 30 + 30)
    assert engine.models.load_s("ccc") == 15.0


async def test_the_loaded_model_is_told(engine: Engine) -> None:
    """What paints now is known by name, with the facts of its own renderer."""
    await order(engine, 1, "ccc").result()
    assert engine.info is not None and engine.info.model == "ccc"


async def test_what_is_in_memory_is_told(engine: Engine, shelf: Shelf) -> None:
    """While a model is being loaded none is in memory, and what is left of the usual time is known;
    nor is one whose memory was freed, until it is painted with."""
    models = engine.models
    assert (models.in_memory, models.loading, models.loading_left_s) == ("a", None, None)
    models._durations_s = {"bb": 600.0}
    shelf.gate.clear()
    job = order(engine, 1, "bb")
    await until(lambda: models.loading == "bb")
    assert models.in_memory is None and 500 < (models.loading_left_s or 0) <= 600
    models._durations_s = {"bb": 0.0}
    assert models.loading_left_s == 0
    shelf.gate.set()
    await job.result()
    assert (models.in_memory, models.loading) == ("bb", None)
    engine._idle_s = 0.01
    await order(engine, 2, "bb").result()
    await until(lambda: shelf.renderers["bb"].unloaded == 1)
    await until(lambda: models.in_memory is None)
    assert models.loaded == "bb"
    engine._idle_s = None
    await order(engine, 3, "bb").result()
    assert models.in_memory == "bb"


async def test_a_few_jobs_of_the_loaded_model_go_first(engine: Engine, shelf: Shelf) -> None:
    """At most four go before a job that needs another model; then that one is loaded."""
    shelf.renderers["a"].hold()
    current = order(engine, 0)
    await until(lambda: engine.current is current)
    engine.models._durations_s = {"a": 10.0, "bb": 20.0}
    for model in ("a", "bb"):
        engine.estimator.record(a_request(model=model), 3.0)
    other = order(engine, 1, "bb", user=1)
    jobs = [order(engine, number, user=number) for number in range(2, 8)]
    assert engine.waiting_s(1) == pytest.approx(3 + 20 + 3)  # those behind may still pass it
    assert engine.waiting_s(2) == pytest.approx(3 + 3)
    assert engine.waiting_s(7) == pytest.approx(3 + 4 * 3 + 20 + 3 + 10 + 3 + 3)
    shelf.renderers["a"].release()
    await other.result()
    assert [job.done for job in jobs] == [True] * 4 + [False] * 2
    await jobs[-1].result()
    assert shelf.log == ["+a", "-a", "+bb", "-bb", "+a"]


MODELS = st.lists(st.sampled_from("abc"), max_size=30)


@given(MODELS, st.sampled_from([None, "a"]))
def test_nobody_is_passed_without_end(models: list[str], loaded: str | None) -> None:
    """Every job is painted once, and the first of those that are left is passed at most four
    times in succession."""
    order = grouped(models, loaded)
    assert sorted(order) == list(range(len(models)))
    left, passed = list(range(len(models))), 0
    for place in order:
        passed = 0 if place == left[0] else passed + 1
        assert passed <= MAX_PASSED
        left.remove(place)


@given(MODELS)
def test_the_queue_groups_as_the_estimate_does(models: list[str]) -> None:
    """Jobs leave the queue in the order that is foreseen."""

    async def check() -> None:
        queue, loaded, taken = FairQueue(Bounds(50)), "a", list[int]()
        for number, model in enumerate(models):
            spec = JobSpec(number, a_request(model=model))
            queue.reserve(number, 0).fill(EngineJob(spec, number, 0))
        while len(queue):
            job = await queue.take(lambda job, at=loaded: job.model == at)
            taken.append(job.id)
            loaded = job.model
        assert taken == grouped(models, "a")

    asyncio.run(check())
