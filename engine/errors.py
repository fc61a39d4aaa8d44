"""What can go wrong while painting, as data; the wording for users lives in `bot`.

EngineError
├── QueueFull              no slot is free: try later
├── QueueClosed            the engine is stopping and accepts nothing more
├── Cancelled              the requester cancelled the job
├── Interrupted            the engine stopped before the job was done: paint it at the next start
├── PromptTooLong          more tokens than the model reads; never truncated silently
├── InputUnfit             the input pictures are not the ones that the request describes
├── InputMissing           an input picture is gone, or its pixels have changed
├── BadPicture             a picture that must not be delivered
│   ├── NonFinite          NaN or infinity in the latents or the pixels
│   └── BlankPicture       one flat colour
├── OutOfMemory            the device does not have enough memory for this job
├── RenderFailed           any other failure of a single job
├── ModelUnavailable       the model cannot be loaded
│   ├── ModelNotFound      no model of that name exists here
│   ├── ModelTooLarge      this machine's memory cannot hold it
│   ├── ModelInvalid       something exists there, but it is not a usable model
│   └── ModelGone          the configuration has no model of that name any more
├── LoraUnusable           a LoRA cannot be applied
│   ├── LoraNotFound       no LoRA of that name exists here
│   ├── LoraInvalid        its file is damaged, or cannot be read wholly
│   └── LoraRefused        it can be read, but not be painted with: another family, over a limit
└── Defunct                the device is lost or hangs: only a new process helps
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Scope(StrEnum):
    """The scope of a queue limit: all waiting jobs, or those of one user or one server."""

    QUEUE = "queue"
    USER = "user"
    SERVER = "server"


class EngineError(Exception):
    """Base class of everything that the engine raises on purpose."""

    code = "engine"


class QueueFull(EngineError):
    """No slot is free: `waiting` of the `limit` places in `scope` are taken."""

    code = "queue_full"

    def __init__(self, scope: Scope, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} of {limit} places are taken ({scope})")
        self.scope = scope
        self.waiting = waiting
        self.limit = limit


class QueueClosed(EngineError):
    """The engine is draining or stopped and accepts no new job."""

    code = "queue_closed"


class Cancelled(EngineError):
    """The job was cancelled, while it waited or between two steps."""

    code = "cancelled"


class Interrupted(EngineError):
    """The engine stopped while it painted the job, which is to be painted at the next start."""

    code = "interrupted"


class PromptTooLong(EngineError):
    """The prompt has `tokens` tokens, but the model reads at most `limit_tokens`."""

    code = "prompt_too_long"

    def __init__(self, tokens: int, limit_tokens: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, the model reads {limit_tokens}")
        self.tokens = tokens
        self.limit_tokens = limit_tokens


class InputUnfit(EngineError):
    """The input pictures have other sizes than the request needs; (width, height) in pixels."""

    code = "input_unfit"

    def __init__(self, found: Sequence[tuple[int, int]], needed: Sequence[tuple[int, int]]) -> None:
        def listed(sizes: Sequence[tuple[int, int]]) -> str:
            return ", ".join(f"{width}x{height}" for width, height in sizes) or "none"

        super().__init__(f"input pictures: {listed(found)}; needed: {listed(needed)}")
        self.found = tuple(found)
        self.needed = tuple(needed)


class InputMissing(EngineError):
    """The input picture whose pixels have the hash `sha256` is not available."""

    code = "input_missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"the input picture {sha256[:12]}… is gone")
        self.sha256 = sha256


class BadPicture(EngineError):
    """The renderer produced a picture that must not be shown to anybody."""

    code = "bad_picture"


class NonFinite(BadPicture):
    """NaN or infinity appeared in `stage` ("step 3", "decoding")."""

    code = "non_finite"

    def __init__(self, stage: str) -> None:
        super().__init__(f"the picture became invalid (not a number) in {stage}")
        self.stage = stage


class BlankPicture(BadPicture):
    """The picture is one flat colour; `spread` is its largest standard deviation in 0..255."""

    code = "blank"

    def __init__(self, spread: float) -> None:
        super().__init__(f"the picture came out blank (spread {spread:.2f} of 255)")
        self.spread = spread


class OutOfMemory(EngineError):
    """The device ran out of memory, or would have; sizes in bytes, None where unknown.

    needed_bytes: where it was known beforehand that the picture does not fit. holders: other
    programs that hold the device's memory, with bytes. advice: what its owner can change.
    """

    code = "out_of_memory"

    def __init__(
        self,
        allocated_bytes: int | None = None,
        reserved_bytes: int | None = None,
        free_bytes: int | None = None,
        needed_bytes: int | None = None,
        holders: Sequence[tuple[str, int]] = (),
        advice: str = "",
    ) -> None:
        sizes = (
            f"{_gib(needed_bytes)} needed, {_gib(free_bytes)} free"
            if needed_bytes is not None
            else f"{_gib(allocated_bytes)} allocated, {_gib(reserved_bytes)} reserved, "
            f"{_gib(free_bytes)} free"
        )
        held = ", ".join(f"{name} {_gib(size)}" for name, size in holders)
        parts = (f"out of memory: {sizes}", f"held by others: {held}" if held else "", advice)
        super().__init__("; ".join(filter(None, parts)))
        self.holders = tuple(holders)
        self.advice = advice
        self.needed_bytes = needed_bytes
        self.allocated_bytes = allocated_bytes
        self.reserved_bytes = reserved_bytes
        self.free_bytes = free_bytes


class RenderFailed(EngineError):
    """A single job made the renderer fail; the renderer itself stays usable."""

    code = "render_failed"


class ModelUnavailable(EngineError):
    """The model `model` cannot be used, because of `reason`."""

    code = "model_unavailable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"model {model!r}: {reason}")
        self.model = model
        self.reason = reason


class ModelNotFound(ModelUnavailable):
    """No model exists under this name."""

    code = "model_not_found"


class ModelTooLarge(ModelUnavailable):
    """The model needs more memory than is free; sizes in bytes. dtype: of its weights."""

    code = "model_too_large"

    def __init__(self, model: str, needed_bytes: int, free_bytes: int, dtype: str) -> None:
        super().__init__(
            model,
            f"it needs {_gib(needed_bytes)} of memory in {dtype}, and {_gib(free_bytes)} are free",
        )
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class ModelInvalid(ModelUnavailable):
    """The folder exists but is not a usable model (incomplete, truncated, another kind)."""

    code = "model_invalid"


class ModelGone(ModelUnavailable):
    """The job's model is not among the configured ones any more."""

    code = "model_gone"

    def __init__(self, model: str) -> None:
        super().__init__(model, "it is not offered any more")


class LoraUnusable(EngineError):
    """The LoRA `lora` cannot be applied, because of `reason`."""

    code = "lora_unusable"

    def __init__(self, lora: str, reason: str) -> None:
        super().__init__(f"LoRA {lora!r}: {reason}")
        self.lora = lora
        self.reason = reason


class LoraNotFound(LoraUnusable):
    """No LoRA exists under this name, or it has vanished."""

    code = "lora_not_found"


class LoraInvalid(LoraUnusable):
    """The file is damaged, not a LoRA, or has tensors that cannot be read."""

    code = "lora_invalid"


class LoraRefused(LoraUnusable):
    """The file is intact, but made for another model, for training, or over the owner's limits."""

    code = "lora_refused"


class Defunct(EngineError):
    """The device is lost (a sticky CUDA error, a step that never ends): restart the process."""

    code = "defunct"


def _gib(count: int | None) -> str:
    return "?" if count is None else f"{count / 2**30:.2f} GiB"
