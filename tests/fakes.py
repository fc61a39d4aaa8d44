"""Fakes: a renderer whose steps a test holds and releases, a clock, and a messenger."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.delivery.cards import Card, CaseCard, FailureCard, PictureCard
from bot.delivery.messenger import (
    Address,
    AnsweredElsewhere,
    Obstacle,
    ServerMember,
    TemporaryFailure,
    Undeliverable,
)
from bot.pictures.filenames import is_picture_of
from engine.compilation import Compilation, CompilationState
from engine.diffusion.families import SKETCH_FAMILY
from engine.errors import Cancelled, EngineError
from engine.renderer import DeviceMemory, Outcome, RenderTask
from engine.types import (
    Conditions,
    ImageRequest,
    ModelInfo,
    Painted,
    Progress,
    Raster,
    Recipe,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HELD_LIMIT_S = 30.0
DIRECT = 9000
"""The channel id of a user's direct messages is this number plus the user id."""
KNOWS_ALL = dataclasses.replace(SKETCH_FAMILY, vocabulary=None)
"""The embedded model's family, as if it knew every word: `ScriptedRenderer` paints all of them."""
THREAD = 20000
"""A thread's id is this number plus the id of the message it was opened under."""


class FakeClock:
    """A wall clock in UTC that only a test moves."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float = 0.0, **span: float) -> datetime:
        """Let time pass and return the new time; `span` is `timedelta`'s other arguments."""
        self.now += timedelta(seconds=seconds, **span)
        return self.now


class ScriptedRenderer:
    """Paints flat gradients from the seed, step by step, as fast as the test allows.

    If previews are requested, each step has one, lighter with every step. hold(): the next picture
    stops before its first step until `release()` (or `step()` for one step). failures: outcomes to
    return, by prompt; flaws: the same by seed. painted: the requests, in order. previews: whether
    they were requested, for each picture started.
    """

    def __init__(self) -> None:
        self.failures: dict[str, EngineError | Exception] = {}
        self.flaws: dict[int, EngineError] = {}
        self.painted: list[ImageRequest] = []
        self.inputs: list[tuple[Raster, ...]] = []
        self.previews: list[bool] = []
        self.threads: set[str] = set()
        self.closed = False
        self.unloaded = 0
        self._open = threading.Semaphore(0)
        self._held = False

    info = ModelInfo("fake", "0" * 16, "sketch", "cpu", "float32", "resident")

    def load(self) -> ScriptedRenderer:
        """Act as a RendererFactory that returns this renderer."""
        return self

    def hold(self) -> None:
        """Make every step wait from now on."""
        self._open = threading.Semaphore(0)
        self._held = True

    def step(self, count: int = 1) -> None:
        """Let `count` steps happen."""
        self._open.release(count)

    def release(self) -> None:
        """Let everything happen."""
        self._held = False
        self._open.release(1000)

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        """Paint the batch."""
        self.threads.add(threading.current_thread().name)
        return [self._one(row, task, on_step) for row, task in enumerate(batch)]

    def count_tokens(self, text: str) -> int:
        """Count one token per word."""
        return len(text.split())

    def memory(self) -> DeviceMemory:
        """Say that half of four GiB is in use."""
        return DeviceMemory(2 * 2**30, 4 * 2**30)

    @property
    def compilation(self) -> Compilation:
        """Say that nothing is compiled."""
        return Compilation(CompilationState.OFF)

    def unload(self) -> None:
        """Record that its memory was requested back."""
        self.unloaded += 1

    def close(self) -> None:
        """Record that it was closed."""
        self.closed = True

    def _one(self, row: int, task: RenderTask, on_step: Callable[[int, Progress], None]) -> Outcome:
        request = task.request
        self.inputs.append(task.inputs)
        self.previews.append(task.previews)
        began = time.perf_counter()
        for step in range(request.steps):
            if self._held and not self._open.acquire(timeout=HELD_LIMIT_S):
                raise AssertionError("a test held a step and never released it")
            if task.cancel.is_set():
                return Cancelled("cancelled while painting")
            preview = fake_preview(step + 1) if task.previews else None
            on_step(row, Progress(step + 1, request.steps, preview))
        failure = self.failures.get(request.prompt) or self.flaws.get(request.seed)
        if isinstance(failure, EngineError):
            return failure
        if failure is not None:
            raise failure
        self.painted.append(request)
        return Painted(gradient(request), fake_recipe(request), time.perf_counter() - began)


def gradient(request: ImageRequest) -> Raster:
    """Return pixels that depend on the seed and are not blank."""
    width, height = request.width_px, request.height_px
    row = bytes((x + request.seed) % 256 for x in range(width) for _ in range(3))
    return Raster(width, height, row * height)


def fake_preview(step: int) -> Raster:
    """Return a small square, lighter with each step."""
    return Raster(16, 16, bytes([8 + 8 * step]) * (16 * 16 * 3))


def fake_recipe(request: ImageRequest) -> Recipe:
    """Return a recipe as the scripted renderer would write it."""
    info = ScriptedRenderer.info
    conditions = Conditions("cpu", 1, "float32", "native", "resident", versions={"torch": "0"})
    return Recipe(info.model, info.revision, info.family, request, conditions)


def a_request(prompt: str = "a red boat", **changes: Any) -> ImageRequest:
    """Return a small request; `changes` are its other fields."""
    plain: dict[str, Any] = {
        "prompt": prompt,
        "effective_prompt": prompt,
        "negative_prompt": "",
        "seed": 7,
        "width_px": 64,
        "height_px": 64,
        "steps": 3,
        "guidance": 1.0,
    }
    return ImageRequest(**plain | changes)


async def until(condition: Callable[[], object], limit_s: float = 20.0) -> None:
    """Wait until `condition()` holds; fails the test after `limit_s`."""
    last_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > last_s:
            raise AssertionError("what the test waited for never happened")
        await asyncio.sleep(0.001)


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a messenger. what: "edit", "post" or "find" (an earlier post)."""

    what: str
    address: Address
    card: Card | None = None

    @property
    def way(self) -> str:
        """What was tried in one word: "token" is an edit by the interaction's token."""
        if self.what == "edit" and self.address.reply_token is not None:
            return "token"
        return "direct" if self.what == "post" and self.address.guild_id == 0 else self.what


class FakeMessenger:
    """A Discord that remembers messages by id, with the faults that a test has planned.

    faults: exceptions raised by the next calls, in order; None lets one pass. A post whose fault is
    `Lost` arrives although the caller gets an error. rule: returns the exception that edits, posts
    and searches at an address meet, asked before `faults`. calls: what was tried, and where.
    """

    def __init__(self) -> None:
        self.messages: dict[int, list[Card]] = {}
        self.posts: list[tuple[Address, Card, str]] = []
        self.faults: list[Exception | None] = []
        self.rule: Callable[[Call], Exception | None] = lambda _: None
        self.calls: list[Call] = []
        self.answers: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.unreadable = False
        self.deleted: list[int] = []
        self.threads: dict[int, int] = {}
        self.opened = 0
        self.left: set[int] = set()
        self._by_nonce: dict[str, int] = {}
        self._posted: dict[int, tuple[Address, Card]] = {}

    async def edit(self, address: Address, card: Card) -> None:
        """Show the card on the message."""
        self._ask("edit", address, card)
        self._fail()
        assert address.message_id is not None
        self.messages.setdefault(address.message_id, []).append(card)

    async def post(self, address: Address, card: Card, nonce: str) -> int:
        """Post once per nonce."""
        self._ask("post", address, card)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not isinstance(fault, Lost):
            raise fault
        if nonce not in self._by_nonce:
            self._by_nonce[nonce] = 1000 + len(self.posts)
            self._posted[self._by_nonce[nonce]] = (address, card)
            self.posts.append((address, card, nonce))
        if fault is not None:
            raise fault
        return self._by_nonce[nonce]

    async def delete(self, address: Address) -> None:
        """Record the deletion."""
        self._fail()
        assert address.message_id is not None
        self.deleted.append(address.message_id)

    async def find_case(self, address: Address, picture_id: int, since: datetime) -> int | None:
        """Return the newest card of this picture's reports in the channel."""
        if self.unreadable:
            raise Undeliverable(Obstacle.UNREADABLE, "no Read Message History")
        found = None
        for message_id, (there, card) in self._posted.items():
            shown = isinstance(card, CaseCard) and card.case.picture_id == picture_id
            if there.channel_id == address.channel_id and shown:
                found = message_id
        return found

    async def find_card(self, address: Address, card: Card) -> int | None:
        """Return the newest message in the channel that shows this very card."""
        if self.unreadable:
            raise Undeliverable(Obstacle.UNREADABLE, "no Read Message History")
        found = None
        for message_id, (there, shown) in self._posted.items():
            if there.channel_id == address.channel_id and shown == card:
                found = message_id
        return found

    async def member(self, guild_id: int, user_id: int) -> ServerMember | None:
        """Return a member without roles, unless a test says that they left."""
        self._fail()
        return None if user_id in self.left else ServerMember("Painters", frozenset({guild_id}))

    async def find_answer(self, reply_token: str, job_id: int) -> int | None:
        """Return the response that a test has set up; a negative id is another program's."""
        self._fail()
        answer = self.answers.get(reply_token)
        if answer is not None and answer < 0:
            raise AnsweredElsewhere
        return answer

    async def direct_channel(self, user_id: int) -> int:
        """Return one channel per user."""
        return DIRECT + user_id

    async def is_direct(self, channel_id: int) -> bool:
        """Tell it by the number."""
        return DIRECT <= channel_id < THREAD

    async def open_thread(self, address: Address, user_id: int) -> int:
        """Return one thread per message, with an id of its own."""
        self._fail()
        assert address.message_id is not None
        self.opened += address.message_id not in self.threads
        return self.threads.setdefault(address.message_id, THREAD + address.message_id)

    async def find_post(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Return the message with this job's result in the channel."""
        self._ask("find", address)
        if self.unreadable:
            raise Undeliverable(Obstacle.UNREADABLE, "no Read Message History")
        for message_id, (there, card) in self._posted.items():
            named = isinstance(card, PictureCard) and is_picture_of(job_id, card.file_name)
            failed = isinstance(card, FailureCard) and card.job_id == job_id
            if there.channel_id == address.channel_id and (named or failed):
                return message_id
        return None

    async def find_status(self, address: Address, job_id: int, since: datetime) -> int | None:
        """Return the status message that a test has set up for the job."""
        if self.unreadable:
            raise Undeliverable(Obstacle.UNREADABLE, "no Read Message History")
        return self.statuses.get(job_id)

    def forget_nonces(self) -> None:
        """Forget every nonce, as if minutes had passed."""
        self._by_nonce.clear()

    def _ask(self, what: str, address: Address, card: Card | None = None) -> None:
        call = Call(what, address, card)
        self.calls.append(call)
        refused = self.rule(call)
        if refused is not None:
            raise refused

    def _fail(self) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault


class Lost(TemporaryFailure):
    """The call arrived, but its response did not."""
