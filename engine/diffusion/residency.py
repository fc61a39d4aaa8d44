"""Carry out a memory plan on a pipeline: move, stream, quantize and tile its components."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any

import torch
from torch import nn

from engine.diffusion.checkpoints.quantization.int8_rows import RowsOf
from engine.diffusion.families import Family
from engine.diffusion.float16_attention import Float16Attention
from engine.diffusion.footprint import (
    PARKED_SHARE,
    TILE_OVERLAP,
    TILE_PX,
    MemoryPlan,
    Placement,
    Sizes,
    Weights,
)
from engine.diffusion.offloaded_weights import (
    HostEmbedding,
    OffloadedWeights,
    end_stream,
    give_back,
    give_back_host,
    in_disorder,
    pin,
    stream,
    to_host,
)
from engine.diffusion.quantized import (
    is_quantized,
    large_layers,
    quantize,
    quantized_bytes,
    weight_bytes,
)

Reload = Callable[[], nn.Module]
OpenRows = Callable[[], RowsOf | None]


class _Mode(Enum):
    """Where a component is between its phases, and how it comes to the device for them."""

    HOST = auto()
    """As loaded: on the host, with nothing set up."""
    SCATTERED = auto()
    """Partly here, partly there: some of it is parked, or a change of modes was interrupted."""
    DEVICE = auto()
    WHOLE = auto()
    BLOCKS = auto()
    LEAVES = auto()


_MODES = {
    Placement.RESIDENT: (_Mode.DEVICE, _Mode.DEVICE, _Mode.DEVICE),
    Placement.ENCODER: (_Mode.BLOCKS, _Mode.DEVICE, _Mode.DEVICE),
    Placement.MODEL: (_Mode.WHOLE, _Mode.WHOLE, _Mode.WHOLE),
    Placement.STREAMED: (_Mode.BLOCKS, _Mode.BLOCKS, _Mode.WHOLE),
    Placement.SEQUENTIAL: (_Mode.LEAVES, _Mode.LEAVES, _Mode.WHOLE),
}
"""For text encoder, transformer and autoencoder."""


class Residency:
    """Puts a loaded pipeline where a plan says, and its components where each phase needs them.

    reload_*: load that component again, on the CPU; without it, a change from quantized back to
    exact weights is impossible. rows: opens what the transformer's files have in int8. sizes: of
    the model in its own format; None to measure the pipeline. narrow: whether it is loaded with its
    large matrices in float16, so that plans with exact weights are impossible. All calls come from
    one thread.
    """

    def __init__(
        self,
        pipeline: Any,
        device: torch.device,
        family: Family,
        *,
        reload_transformer: Reload | None = None,
        reload_encoder: Reload | None = None,
        rows: OpenRows | None = None,
        sizes: Sizes | None = None,
        narrow: bool = False,
    ) -> None:
        self._pipeline = pipeline
        self._device = device
        self._family = family
        self._sizes = sizes or from_pipeline(pipeline, family)
        self._narrow = narrow
        self._plan: MemoryPlan | None = None
        self._encoder = _Component(pipeline, "text_encoder", device, reload_encoder)
        self._transformer = _Component(pipeline, "transformer", device, reload_transformer, rows)
        self._vae = _Component(pipeline, "vae", device)
        self._parked: OffloadedWeights | None = None
        vae = pipeline.vae
        self._untiled = (vae.tile_sample_min_size, vae.tile_latent_min_size, vae.use_tiling)

    @property
    def plan(self) -> MemoryPlan | None:
        """The plan in force; None before the first, after `unload` and after a failed `use`."""
        return self._plan

    @property
    def sizes(self) -> Sizes:
        """The sizes of the model as it was loaded."""
        return self._sizes

    @property
    def host_bytes(self) -> int:
        """The bytes that the components take of the host's memory now."""
        return sum(component.host_bytes for component in self._components)

    def can_use(self, weights: Weights) -> bool:
        """Whether a change to those weights is possible: exact ones may have to be loaded again."""
        if self._narrow and weights is Weights.FULL:
            return False
        return self._encoder.can_be(weights.of_encoder) and self._transformer.can_be(weights)

    def use(self, plan: MemoryPlan) -> bool:
        """Change to `plan`; return True if components were loaded again, without any adapters.

        Raises ValueError if it needs exact weights and there is no way to load them, before
        anything is changed. After any other error everything is on the host and no plan is in
        force.
        """
        if plan == self._plan:
            return False
        if not self.can_use(plan.weights):
            raise ValueError(f"{plan} needs the exact weights, but the loaded ones are not")
        self._plan = None
        try:
            self._unpark()
            # Both are changed, whatever the first one returns.
            renewed = [
                self._encoder.change_weights(plan.weights.of_encoder),
                self._transformer.change_weights(plan.weights),
            ]
            self._lay_out(plan)
        except BaseException:
            self.unload()
            raise
        self._plan = plan
        return any(renewed)

    @contextlib.contextmanager
    def encoding(self) -> Iterator[nn.Module]:
        """The text encoder, ready on the device. Encode all prompts of a batch in one call."""
        with self._phase(self._encoder) as encoder:
            yield encoder

    @contextlib.contextmanager
    def denoising(self) -> Iterator[nn.Module]:
        """The transformer, ready on the device for all steps of a batch."""
        if self._parked is not None:
            self._parked.fetch()
        in_fp16 = self._plan is not None and self._plan.weights is Weights.FP16
        attention = Float16Attention() if in_fp16 else contextlib.nullcontext()
        with self._phase(self._transformer) as transformer, attention:
            yield transformer

    @contextlib.contextmanager
    def decoding(self) -> Iterator[Any]:
        """The autoencoder, ready on the device.

        Decode one picture at a time: that is the most that a plan allows for.
        """
        if self._parked is not None:
            self._parked.release()
            give_back(self._device)
        with self._phase(self._vae) as vae:
            yield vae

    def unload(self) -> None:
        """Free the device entirely; `use` brings it back. Quantized weights stay quantized."""
        self._plan = None
        self._unpark()
        for component in (self._encoder, self._transformer, self._vae):
            component.set(_Mode.HOST)
        self._set_tiles(False)
        self._give_back()

    def close(self) -> None:
        """Drop the components: the pipeline is no longer usable."""
        self._plan = None
        self._parked = None
        for component in (self._encoder, self._transformer, self._vae):
            component.drop()
        self._give_back()

    @contextlib.contextmanager
    def _phase(self, component: _Component) -> Iterator[Any]:
        if self._plan is None:
            raise RuntimeError("no memory plan is in force")
        try:
            component.enter()
            yield component.module
        except BaseException:
            component.repair()
            raise
        finally:
            component.leave()
            if self._plan is not None and self._plan.placement is not Placement.RESIDENT:
                give_back(self._device)

    def _lay_out(self, plan: MemoryPlan) -> None:
        modes = dict(zip(self._components, _MODES[plan.placement], strict=True))
        parks = plan.placement is Placement.ENCODER and plan.tiled
        if parks:
            modes[self._vae] = _Mode.WHOLE
        # First free the device, then move to it.
        for component, mode in sorted(modes.items(), key=lambda one: one[1] is _Mode.DEVICE):
            component.set(mode)
        if parks:
            layers = self._family.blocks(self._pipeline.transformer)
            last = layers[-math.ceil(len(layers) * PARKED_SHARE) :]
            self._parked = OffloadedWeights(last, self._device)
            self._parked.release()
            if self._device.type == "cuda":
                pin(last)
        self._set_tiles(plan.tiled)
        self._give_back()

    @property
    def _components(self) -> tuple[_Component, _Component, _Component]:
        return self._encoder, self._transformer, self._vae

    def _unpark(self) -> None:
        if self._parked is not None:
            self._parked = None
            self._transformer.scatter()

    def _set_tiles(self, tiled: bool) -> None:
        vae = self._pipeline.vae
        if vae is None:
            return
        if tiled:
            scale = 2 ** (len(vae.config.block_out_channels) - 1)
            # Enabled alone it does nothing up to the size that the model was trained at.
            vae.tile_sample_min_size, vae.tile_latent_min_size = TILE_PX, TILE_PX // scale
            vae.tile_overlap_factor = TILE_OVERLAP
            vae.use_tiling = True
        else:
            vae.tile_sample_min_size, vae.tile_latent_min_size, vae.use_tiling = self._untiled

    def _give_back(self) -> None:
        give_back(self._device)
        give_back_host()


class _Component:
    """One component of a pipeline: its mode, and the transitions between modes."""

    def __init__(
        self,
        pipeline: Any,
        name: str,
        device: torch.device,
        reload: Reload | None = None,
        rows: OpenRows | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._name = name
        self._device = device
        self._reload = reload
        self._rows = rows
        self._weights = Weights.FULL
        self._mode = _Mode.HOST
        self._offloaded: OffloadedWeights | None = None
        self._pinned = False

    @property
    def module(self) -> Any:
        return getattr(self._pipeline, self._name)

    @property
    def host_bytes(self) -> int:
        tensors = () if self.module is None else self.module.parameters()
        return sum(tensor.nbytes for tensor in tensors if tensor.device.type == "cpu")

    def set(self, mode: _Mode) -> None:
        if mode is self._mode or self.module is None:
            return
        self._end()
        # Until everything is done: memory may run out halfway.
        self._mode = _Mode.SCATTERED
        if mode is _Mode.DEVICE:
            self.module.to(self._device)
        else:
            to_host([self.module])
        if mode in (_Mode.WHOLE, _Mode.BLOCKS, _Mode.LEAVES):
            self._keep_table_on_host()
            # Leaves are for hosts short of memory too, and pinned memory cannot be swapped.
            may_pin = self._device.type == "cuda" and mode is not _Mode.LEAVES
            self._pinned = may_pin and pin([self.module])
            self._begin(mode)
        self._mode = mode

    def can_be(self, weights: Weights) -> bool:
        return self._weights in (Weights.FULL, weights) or self._reload is not None

    def change_weights(self, wanted: Weights) -> bool:
        """Quantize, or load again; return whether it was the latter."""
        if wanted is self._weights:
            return False
        # Hooks and offloaded weights would keep references to the layers that are replaced.
        if self._mode is not _Mode.DEVICE:
            self.set(_Mode.HOST)
        renewed = self._weights is not Weights.FULL
        if renewed:
            if self._reload is None:
                raise ValueError(f"{self._name} is {self._weights} and cannot be loaded again")
            fresh = self._reload().eval()
            self._mode = _Mode.HOST
            setattr(self._pipeline, self._name, fresh)
            self._weights = Weights.FULL
        if wanted is not Weights.FULL:
            own = self._rows() if self._rows is not None and wanted is Weights.W8A8 else None
            quantize(self.module, wanted, self._device, own)
            self._weights = wanted
        return renewed

    def enter(self) -> None:
        if self._offloaded is not None:
            self._offloaded.fetch()

    def leave(self) -> None:
        if self._offloaded is not None:
            self._offloaded.release()

    def repair(self) -> None:
        """Repair after an error: an interrupted forward pass leaves blocks where they were."""
        if self._mode in (_Mode.BLOCKS, _Mode.LEAVES) and in_disorder(self.module):
            end_stream(self.module)
            self._begin(self._mode)

    def scatter(self) -> None:
        """Note that some of it is elsewhere than its mode says."""
        self._mode = _Mode.SCATTERED

    def drop(self) -> None:
        if self.module is not None:
            self._end()
            setattr(self._pipeline, self._name, None)
        self._mode = _Mode.HOST

    def _begin(self, mode: _Mode) -> None:
        if mode is _Mode.WHOLE:
            self._offloaded = OffloadedWeights([self.module], self._device)
        else:
            leaves = mode is _Mode.LEAVES
            stream(self.module, self._device, leaves=leaves, pinned=self._pinned)

    def _end(self) -> None:
        if self._mode in (_Mode.BLOCKS, _Mode.LEAVES, _Mode.SCATTERED):
            end_stream(self.module)
        if self._offloaded is not None:
            self._offloaded.release()
            self._offloaded = None
        if self._name == "text_encoder":
            table = self.module.get_input_embeddings()
            if isinstance(table, HostEmbedding):
                self.module.set_input_embeddings(table.table)

    def _keep_table_on_host(self) -> None:
        if self._name == "text_encoder":
            table = self.module.get_input_embeddings()
            if not isinstance(table, HostEmbedding):
                self.module.set_input_embeddings(HostEmbedding(table, self._device))


def from_pipeline(pipeline: Any, family: Family) -> Sizes:
    """Measure a pipeline as it was loaded. Raises ValueError if it is quantized already."""
    transformer, encoder, vae = pipeline.transformer, pipeline.text_encoder, pipeline.vae
    if is_quantized(transformer) or is_quantized(encoder):
        raise ValueError("the sizes of a quantized model cannot be measured")
    layers = [*large_layers(transformer), *large_layers(encoder)]
    shape = family.transformer_shape(transformer)
    return Sizes(
        transformer_bytes=weight_bytes(transformer),
        encoder_bytes=weight_bytes(encoder),
        vae_bytes=weight_bytes(vae),
        transformer_quantized_bytes=quantized_bytes(transformer),
        encoder_quantized_bytes=quantized_bytes(encoder),
        embedding_bytes=encoder.get_input_embeddings().weight.nbytes,
        transformer_block_bytes=_largest_block(transformer),
        encoder_block_bytes=_largest_block(encoder),
        layer_bytes=max((layer.weight.nbytes for _, layer in layers), default=0),
        width=shape.width,
        layers=shape.layers,
        encoder_width=encoder.config.hidden_size,
        vae_width=vae.config.block_out_channels[0],
        item_bytes=next(transformer.parameters()).element_size(),
        prompt_tokens=family.max_tokens,
        layout=family.layout,
    )


def _largest_block(module: nn.Module) -> int:
    lists = (part for part in module.children() if isinstance(part, nn.ModuleList))
    sizes = (weight_bytes(block) for blocks in lists for block in blocks)
    return max(sizes, default=weight_bytes(module))
