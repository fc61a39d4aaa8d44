"""What can go wrong while painting, as data; the wording for people lives in `bot`.

EngineError
├── QueueFull              no slot is free: try later
├── QueueClosed            the engine takes nothing more: it is stopping
├── Cancelled              the person took the job back
├── Interrupted            the engine stopped before the job was done: paint it at the next start
├── PromptTooLong          more tokens than the model reads; never truncated silently
├── InputUnfit             the pictures to start from are not those that the request is about
├── InputMissing           a picture to start from is gone, or is not what it was
├── BadPicture             a picture that must not be delivered
│   ├── NonFinite          NaN or infinity in the latents or the pixels
│   └── BlankPicture       one flat colour
├── OutOfMemory            the device has no room for this job
├── RenderFailed           anything else that one job broke on
├── ModelUnavailable       the model cannot be loaded
│   ├── ModelNotFound      nothing is there under that name
│   └── ModelInvalid       something is there, and it is not a usable model
└── Defunct                the device is lost or hangs: only a new process helps
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Scope(StrEnum):
    """What a bound of the queue counts: all that waits, or one user's or one server's share."""

    QUEUE = "queue"
    USER = "user"
    SERVER = "server"


class EngineError(Exception):
    """Base of everything the engine raises on purpose."""

    code = "engine"


class QueueFull(EngineError):
    """No slot is free: of the `limit` places in `scope`, `waiting` are taken."""

    code = "queue_full"

    def __init__(self, scope: Scope, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} of {limit} places are taken ({scope})")
        self.scope = scope
        self.waiting = waiting
        self.limit = limit


class QueueClosed(EngineError):
    """The engine is draining or stopped and takes no new job."""

    code = "queue_closed"


class Cancelled(EngineError):
    """The job was cancelled, while it waited or between two steps."""

    code = "cancelled"


class Interrupted(EngineError):
    """The engine stopped while it painted the job, which is to be painted at the next start."""

    code = "interrupted"


class PromptTooLong(EngineError):
    """The prompt has `tokens` tokens where the model reads `limit_tokens`."""

    code = "prompt_too_long"

    def __init__(self, tokens: int, limit_tokens: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, the model reads {limit_tokens}")
        self.tokens = tokens
        self.limit_tokens = limit_tokens


class InputUnfit(EngineError):
    """The input pictures have other sizes than the request needs; (width, height) in pixels."""

    code = "input_unfit"

    def __init__(self, found: Sequence[tuple[int, int]], needed: Sequence[tuple[int, int]]) -> None:
        def told(sizes: Sequence[tuple[int, int]]) -> str:
            return ", ".join(f"{width}x{height}" for width, height in sizes) or "none"

        super().__init__(f"input pictures: {told(found)}; needed: {told(needed)}")
        self.found = tuple(found)
        self.needed = tuple(needed)


class InputMissing(EngineError):
    """The input picture whose pixels have the hash `sha256` is not to be had."""

    code = "input_missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"the input picture {sha256[:12]}… is gone")
        self.sha256 = sha256


class BadPicture(EngineError):
    """The painter made something that nobody should be shown."""

    code = "bad_picture"


class NonFinite(BadPicture):
    """NaN or infinity appeared in `stage` ("step 3", "decoding")."""

    code = "non_finite"

    def __init__(self, stage: str) -> None:
        super().__init__(f"the picture became invalid (not a number) in {stage}")
        self.stage = stage


class BlankPicture(BadPicture):
    """The picture is one flat colour; `spread` is its largest deviation in 0..255."""

    code = "blank"

    def __init__(self, spread: float) -> None:
        super().__init__(f"the picture came out blank (spread {spread:.2f} of 255)")
        self.spread = spread


class OutOfMemory(EngineError):
    """The device ran out of memory; sizes in bytes, None where unknown."""

    code = "out_of_memory"

    def __init__(
        self,
        allocated_bytes: int | None = None,
        reserved_bytes: int | None = None,
        free_bytes: int | None = None,
    ) -> None:
        def gib(value: int | None) -> str:
            return "?" if value is None else f"{value / 2**30:.2f} GiB"

        super().__init__(
            f"out of memory: {gib(allocated_bytes)} allocated, "
            f"{gib(reserved_bytes)} reserved, {gib(free_bytes)} free"
        )
        self.allocated_bytes = allocated_bytes
        self.reserved_bytes = reserved_bytes
        self.free_bytes = free_bytes


class RenderFailed(EngineError):
    """One job broke the painter; the painter itself stays usable."""

    code = "render_failed"


class ModelUnavailable(EngineError):
    """The model `model` cannot be painted with, because of `reason`."""

    code = "model_unavailable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"model {model!r}: {reason}")
        self.model = model
        self.reason = reason


class ModelNotFound(ModelUnavailable):
    """Nothing is there under the model's name."""

    code = "model_not_found"


class ModelInvalid(ModelUnavailable):
    """The folder is there and is not a usable model (incomplete, truncated, another kind)."""

    code = "model_invalid"


class Defunct(EngineError):
    """The device is lost (a sticky CUDA error, a step that never ends): restart the process."""

    code = "defunct"
