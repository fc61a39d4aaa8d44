"""The real renderer: one model on one device, within its memory, guarded and cancellable."""

from __future__ import annotations

import contextlib
import copy
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import diffusers
import torch
import transformers

from engine.compilation import Compilation, CompilationState
from engine.diffusion.arithmetic import ARITHMETIC
from engine.diffusion.clip import ClipPair
from engine.diffusion.compilation.compiled_blocks import CompiledBlockFailed, CompiledBlocks
from engine.diffusion.devices import pick_device, remarks
from engine.diffusion.families import Family, Feature, family_of, folder_of
from engine.diffusion.faults import is_memory, is_sticky, out_of_memory
from engine.diffusion.generation import Painting
from engine.diffusion.loading import (
    Loaded,
    examine_model,
    load_component,
    load_model,
    locate,
    open_int8_rows,
)
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.configured import configured_limits
from engine.diffusion.lora.session import LoraSession
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from engine.diffusion.machine import memory_use
from engine.diffusion.memory_planner import Planner
from engine.diffusion.memory_plans import Choice, MemoryPlan, Placement
from engine.diffusion.model import Model
from engine.diffusion.offloaded_weights import give_back
from engine.diffusion.progress import Stopped, Watch
from engine.diffusion.quantized import ProductsFailed
from engine.diffusion.residency import Residency
from engine.errors import (
    Cancelled,
    Defunct,
    EngineError,
    LoraNotFound,
    ModelInvalid,
    ModelTooLarge,
    OutOfMemory,
    PromptTooLong,
    RenderFailed,
)
from engine.loras import words_of
from engine.prompts import as_read, language, with_words
from engine.renderer import DeviceMemory, Outcome, RenderTask
from engine.settings import EngineSettings
from engine.types import (
    Adaptation,
    Conditions,
    ImageRequest,
    Mend,
    ModelInfo,
    Painted,
    Progress,
    Raster,
    Recipe,
)

_log = logging.getLogger(__name__)

CPU_NICENESS = 10
"""On the CPU the renderer yields to the event loop: users must not wait for a matrix product.

10 of 19 was chosen by hand.
"""


_WHOLE_ENCODER = (Placement.RESIDENT, Placement.MODEL)


class DiffusionRenderer:
    """Owns one model; only `count_tokens` and `memory` are called from other threads than one."""

    def __init__(
        self,
        settings: EngineSettings,
        device: torch.device,
        threads: int,
        load: Callable[[], Loaded],
    ) -> None:
        self._settings = settings
        self._device = device
        self._load = load
        self._family = family_of(settings)
        self._threads = threads
        self._planner = Planner(settings, self._family, device)
        self._hashing = ThreadPoolExecutor(1, "lora hashes")
        self._compilation = Compilation(CompilationState.WAITING)
        self._model: Model | None = self._loaded()
        loaded = self._model.loaded
        # A copy of the tokenizer: the pipeline's may be in use on the painting thread.
        self._counter = copy.deepcopy(loaded.pipeline.tokenizer)
        self._counting = threading.Lock()
        self.count_tokens("")  # compiles the chat template now, not on the event loop
        choice = self._planner.choose(self._model.residency, _native(self._family))
        self._info = ModelInfo(
            model=_public_name(settings.model),
            revision=loaded.revision,
            family=self._family.name,
            device=_device_name(device),
            dtype=str(loaded.dtype).removeprefix("torch."),
            plan=str(choice.plan),
            plan_reason=choice.reason,
            remarks=remarks(device),
        )
        # Now, not at the first picture, for which somebody waits. If it fails, it is tried again
        # then.
        try:
            self._model.residency.use(choice.plan)
        except Exception as error:
            if not is_memory(error):
                raise

    @classmethod
    def load(cls, settings: EngineSettings) -> DiffusionRenderer:
        """Load the model and put it on its device. Raises ModelUnavailable."""
        _exact_arithmetic()
        device = pick_device(settings.device, settings.model)
        if device.type == "cuda":
            # This thread makes every call: code that uses the current device gets this one.
            torch.cuda.set_device(device)
        threads = settings.threads or torch.get_num_threads()
        if device.type == "cpu":
            # Torch's workers inherit the priority of the thread that creates them: create none
            # before it is lowered.
            torch.set_num_threads(1)
        try:
            renderer = cls(settings, device, threads, partial(load_model, settings, device))
            if device.type == "cpu":
                # Not earlier: importing holds the interpreter's lock, and its holder must not wait
                # for the processor while the event loop waits for the lock.
                _lower_priority()
            return renderer
        finally:
            torch.set_num_threads(threads)

    @property
    def info(self) -> ModelInfo:
        """The model that is loaded, or will be loaded again for the next picture."""
        return self._info

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        """Paint the tasks one after another, each in a batch of one.

        A picture's pixels never depend on what else was requested at the same time.
        """
        return [self._outcome(row, task, on_step) for row, task in enumerate(batch)]

    def memory(self) -> DeviceMemory:
        """Return how much memory of the device is in use by all programs."""
        return memory_use(self._device)

    @property
    def compilation(self) -> Compilation:
        """Whether pictures are painted with compiled blocks; from any thread."""
        model = self._model
        if model is not None:
            self._compilation = model.compiled.report
        return self._compilation

    def unload(self) -> None:
        """Free the memory; the next picture loads the model again."""
        model, self._model = self._model, None
        if model is not None:
            model.compiled.close()
            model.forget()  # it would keep components alive that are to be freed
            if model.loras is not None:
                model.loras.unload()
            model.residency.close()

    def close(self) -> None:
        """Drop the weights."""
        self.unload()
        self._hashing.shutdown(wait=False, cancel_futures=True)

    def _loaded(self) -> Model:
        loaded = self._load()
        residency = Residency(
            loaded.pipeline,
            self._device,
            loaded.family,
            reload_transformer=partial(load_component, loaded, "transformer"),
            reload_encoder=partial(load_component, loaded, "text_encoder"),
            rows=partial(open_int8_rows, loaded),
            sizes=loaded.sizes,
            narrow=loaded.narrow,
        )
        cache_dir, wanted = self._settings.cache_dir, self._settings.compile
        compiled = CompiledBlocks(wanted, loaded.family, self._device, cache_dir)
        compiled.prepare(loaded.pipeline.transformer, self._threads)
        return Model(loaded, residency, self._device, cache_dir, compiled, self._adapters(loaded))

    def _adapters(self, loaded: Loaded) -> Adapters | None:
        """Return the LoRAs of the owner's folder, for this model's own parts."""
        if self._settings.loras is None or not loaded.family.supports(Feature.LORA):
            return None
        transformer, encoder = loaded.pipeline.transformer, loaded.pipeline.text_encoder
        targets = Targets.of(transformer, encoder if isinstance(encoder, ClipPair) else None)
        shelf = LoraShelf(self._settings.loras, targets, configured_limits(self._settings))
        return Adapters(shelf, self._device, loaded.dtype)

    def _current(self) -> Model:
        if self._model is None:
            try:
                model = self._loaded()
            except ModelTooLarge as error:
                # Since it was unloaded, other programs have taken the memory. They may give it
                # back, so this picture fails and not the whole bot.
                raise OutOfMemory(
                    needed_bytes=error.needed_bytes, free_bytes=error.free_bytes
                ) from error
            if model.loaded.revision != self._info.revision:
                raise ModelInvalid(self._settings.model, "its files have changed since the start")
            self._model = model
        return self._model

    def _outcome(
        self, row: int, task: RenderTask, on_step: Callable[[int, Progress], None]
    ) -> Outcome:
        try:
            return self._painted(row, task, on_step)
        except Stopped:
            return Cancelled("cancelled while painting")
        except OutOfMemory as error:
            return self._planner.explained(error)
        except EngineError as error:
            return error
        except Exception as error:
            if is_memory(error):
                return self._planner.explained(out_of_memory(error, self._device))
            if is_sticky(error):
                return Defunct(str(error).partition("\n")[0])
            return RenderFailed(f"{type(error).__name__}: {error}")

    def _painted(
        self, row: int, task: RenderTask, on_step: Callable[[int, Progress], None]
    ) -> Painted:
        request, began_s = task.request, time.perf_counter()
        self._check_length(request.effective_prompt)
        if request.guidance > 1.0:
            self._check_length(request.negative_prompt)
        watch = Watch(task, partial(on_step, row), lambda: self._current().previews)
        model = self._current()
        watch.alive()
        loras = LoraSession(model.loras, request.loras, self._hashing)
        with self._restored(task.replay) as threads:
            painting, pixels, choice = self._within_memory(task, watch, loras)
        self._current().previews.learn(painting.finished, pixels)
        height_px, width_px, _ = pixels.shape
        return Painted(
            raster=Raster(width_px, height_px, pixels.numpy().tobytes()),
            recipe=Recipe(
                model=self._info.model,
                revision=self._info.revision,
                family=self._info.family,
                request=painting.request,
                conditions=self._conditions(threads, choice.plan, painting),
                loras=loras.files(),
                adaptations=tuple(painting.adaptations),
            ),
            duration_s=time.perf_counter() - began_s,
            plan_reason=choice.reason,
        )

    def _within_memory(
        self, task: RenderTask, watch: Watch, loras: LoraSession
    ) -> tuple[Painting, torch.Tensor, Choice]:
        """Paint under the plan that fits; if memory still runs out, under smaller ones."""
        residency, needed_bytes = self._current().residency, loras.needed_bytes
        choice = self._planner.choose(residency, task.request, needed_bytes)
        if not choice.fits:
            # Otherwise the kernel would kill the process.
            raise OutOfMemory(needed_bytes=choice.estimate.peak_bytes, free_bytes=choice.free_bytes)
        adapted: list[Adaptation] = []
        # Without LoRAs: they change what blocks compute. And a replay, as the original.
        compiled = not loras.active and (task.replay is None or task.replay.compiled)
        while True:
            painting = self._painting(task, watch, adapted, loras, choice.plan)
            try:
                pixels = self._tried(
                    painting, choice.plan, compiled=compiled, compiling=task.replay is None
                )
            except CompiledBlockFailed:
                compiled = False
                watch.alive()
                continue
            if isinstance(pixels, torch.Tensor):
                self._planner.succeeded()
                return painting, pixels, choice
            gc.collect()
            give_back(self._device)
            watch.alive()
            if isinstance(pixels, ProductsFailed):
                choice = self._planner.choose(residency, task.request, needed_bytes)
                continue
            choice = self._planner.smaller(residency, choice, task.request, pixels, needed_bytes)
            adapted.append(Adaptation(Mend.MEMORY, "painting", str(choice.plan)))

    def _tried(
        self, painting: Painting, plan: MemoryPlan, *, compiled: bool, compiling: bool
    ) -> torch.Tensor | OutOfMemory | ProductsFailed:
        """Return the pixels, or why another plan has to be taken: the state of memory when it ran
        out, or products that the device does not compute. The attempt's own memory is freed.

        compiled: whether compiled blocks may paint; compiling: whether missing ones are compiled.
        Raises CompiledBlockFailed.
        """
        model = self._current()
        try:
            if model.residency.use(plan):
                model.forget()  # components were reloaded: free the old ones
            transformer = model.loaded.pipeline.transformer
            with model.compiled.painting(
                transformer, allowed=compiled, compiling=compiling
            ) as blocks:
                painting.watch = blocks.watched(painting.watch)
                pixels = painting.paint()
            blocks.check()
            painting.compiled = blocks.used
            return pixels
        except ProductsFailed as error:
            self._planner.without_products()
            _log.warning(
                "products in int8 fail on this device (%s): %s without them from now on",
                error,
                plan,
            )
            return ProductsFailed(str(error))
        except Exception as error:
            if not is_memory(error):
                raise
            report = out_of_memory(error, self._device)
            # The traceback holds every tensor of the attempt.
            error.__traceback__ = None
        return report

    def _painting(
        self,
        task: RenderTask,
        watch: Watch,
        adapted: list[Adaptation],
        loras: LoraSession,
        plan: MemoryPlan,
    ) -> Painting:
        model = self._current()
        # Quantized encoders read otherwise; and sums depend on how many threads add them up.
        reading = (str(plan), torch.get_num_threads(), loras.reading())
        return Painting(
            pipeline=model.loaded.pipeline,
            family=self._family,
            stages=model.residency,
            device=self._device,
            request=task.request,
            inputs=task.inputs,
            watch=watch.step,
            alive=watch.alive,
            expand=self._expand if task.request.expand else None,
            stopped=task.cancel.is_set,
            adapt=loras.adapt,
            blame=loras.blame,
            embeddings=model.embeddings,
            reading=reading,
            adaptations=list(adapted),
        )

    def _expand(self, request: ImageRequest, stopped: Callable[[], bool]) -> str | None:
        """Return the prompt as expanded by the text encoder; None where it cannot."""
        model = self._current()
        plan = model.residency.plan
        if plan is None or plan.placement not in _WHOLE_ENCODER:
            return None  # every token would copy the whole encoder to the device again
        expander = model.expander
        if expander is None:
            return None
        words = words_of(request.loras)
        prompt = as_read(request.prompt, request.effective_prompt, request.style, words)
        expansion = expander.expand(
            prompt,
            language=language(prompt),
            seed=request.seed,
            limit_s=self._settings.expand_limit_s,
            max_tokens=self._family.max_tokens,
            count=self.count_tokens,
            stop=stopped,
        )
        if expansion is None:
            return None
        text = with_words(expansion.text, words)
        return text if self.count_tokens(text) <= self._family.max_tokens else None

    def adapted_parts(self, lora: str, weight: float) -> int:
        """Apply a LoRA of the folder to the model, take it off again, and return how many parts of
        transformer and text encoders it changed. Raises LoraUnusable."""
        model = self._current()
        if model.loras is None:
            raise LoraNotFound(lora, "no LoRAs are offered here")
        pipeline, stages, weights = model.loaded.pipeline, model.residency, {lora: weight}
        with (
            stages.encoding(),
            model.loras.applied(pipeline.text_encoder, weights, encoders=True) as read,
        ):
            pass
        with stages.denoising(), model.loras.applied(pipeline.transformer, weights) as painted:
            pass
        return read.parts.get(lora, 0) + painted.parts.get(lora, 0)

    def count_tokens(self, text: str) -> int:
        """Count what the pipeline would read, including the chat template's own tokens."""
        with self._counting:
            return self._family.token_count(self._counter, text)

    def _check_length(self, prompt: str) -> None:
        tokens = self.count_tokens(prompt)
        if tokens > self._family.max_tokens:
            raise PromptTooLong(tokens, self._family.max_tokens)

    @contextlib.contextmanager
    def _restored(self, replay: Conditions | None) -> Iterator[int | None]:
        """Restore what can be restored of the original's conditions: the thread count on a CPU."""
        if self._device.type != "cpu":
            yield None
            return
        wanted = self._threads
        if replay is not None and replay.threads is not None:
            # Clamped, because a recipe may come from anybody.
            wanted = max(1, min(replay.threads, 4 * (os.cpu_count() or 1)))
        torch.set_num_threads(wanted)
        try:
            yield wanted
        finally:
            torch.set_num_threads(self._threads)

    def _conditions(self, threads: int | None, plan: MemoryPlan, painting: Painting) -> Conditions:
        return Conditions(
            device=self._info.device,
            threads=threads,
            dtype=self._info.dtype,
            attention="native",
            plan=str(plan),
            compiled=painting.compiled,
            tiled=plan.tiled or painting.is_large,
            versions={
                "torch": str(torch.__version__),
                "diffusers": diffusers.__version__,
                "transformers": transformers.__version__,
            },
            arithmetic=ARITHMETIC,
        )


def check_source(settings: EngineSettings) -> None:
    """Raise ModelUnavailable for a model whose files are not there, or not usable; fetch them first
    where `download` allows it. Whether there is room for it shows when it is loaded."""
    locate(settings)
    examine_model(settings, pick_device(settings.device, settings.model))


def _native(family: Family) -> ImageRequest:
    """Return a typical request, to make a plan for before the first picture."""
    side_px = family.native_side_px
    return ImageRequest(
        "", "", "", 0, side_px, side_px, family.default_steps, family.default_guidance
    )


def _exact_arithmetic() -> None:
    """Keep float32 exact, and choose kernels by rule instead of by measuring."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _lower_priority() -> None:
    if sys.platform == "linux":
        # On Linux a priority belongs to a thread, and torch's workers inherit their creator's.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), CPU_NICENESS)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        # Wider vectors add in another order, which gives other bits.
        return f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return device.type


def _public_name(model: str) -> str:
    """Return a model's name without its path: the recipe is published with the picture."""
    place = folder_of(model)
    if place.is_dir():
        return place.resolve().name
    # The name of a file, unlike a folder's, is not followed: a cache calls its files by hashes.
    return place.name if place.is_file() else model
