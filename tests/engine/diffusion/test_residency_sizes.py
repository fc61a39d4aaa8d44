"""Measuring a pipeline, and tiling its autoencoder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from engine.diffusion.families import SKETCH_FAMILY
from engine.diffusion.footprint import MemoryPlan, Placement, Weights
from engine.diffusion.quantized import weight_bytes
from engine.diffusion.residency import Residency, from_pipeline

HERE = torch.device("cpu")


@pytest.fixture
def pipeline(tiny: Path) -> Any:
    """A separate pipeline for each test."""
    return ZImagePipeline.from_pretrained(str(tiny), dtype=torch.float32, local_files_only=True)


def small_vae() -> AutoencoderKL:
    """One layer a block and eight channels: decodes 1024² quickly."""
    torch.manual_seed(5)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (4, 4, 4, 4),
    }
    return AutoencoderKL(
        **parts,
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=2,
        sample_size=1024,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
    ).eval()


@torch.no_grad()
def test_tiles(pipeline: Any) -> None:
    """Tiled plans decode 1024² in nine tiles, with nearly the same result; others in one."""
    pipeline.vae = small_vae()
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    pieces: list[tuple[int, ...]] = []
    pipeline.vae.decoder.register_forward_pre_hook(
        lambda _, inputs: pieces.append(tuple(inputs[0].shape[-2:]))
    )
    latents = torch.randn(1, 16, 128, 128, generator=torch.Generator().manual_seed(1))
    pictures: list[torch.Tensor] = []
    for tiled, count in ((False, 1), (True, 9)):
        residency.use(MemoryPlan(Placement.RESIDENT, tiled=tiled))
        with residency.decoding() as vae:
            pictures.append(vae.decode(latents).sample)
        assert len(pieces) == count
        assert max(pieces) == ((64, 64) if tiled else (128, 128))
        pieces.clear()
    assert pictures[1].shape == pictures[0].shape
    assert float((pictures[1] - pictures[0]).abs().mean()) < float(pictures[0].std())


def test_sizes(pipeline: Any) -> None:
    """A pipeline is measured as loaded, and the predicted size after quantizing is exact."""
    sizes = from_pipeline(pipeline, SKETCH_FAMILY)
    assert sizes.vae_bytes == weight_bytes(pipeline.vae)
    assert sizes.layer_bytes < sizes.transformer_block_bytes < sizes.transformer_bytes
    assert sizes.encoder_block_bytes < sizes.encoder_bytes
    assert sizes.embedding_bytes == pipeline.text_encoder.embed_tokens.weight.nbytes
    assert (sizes.width, sizes.layers, sizes.vae_width, sizes.item_bytes) == (48, 2, 8, 4)
    residency = Residency(pipeline, HERE, SKETCH_FAMILY)
    residency.use(MemoryPlan(Placement.RESIDENT, Weights.INT8))
    assert weight_bytes(pipeline.transformer) == sizes.transformer_quantized_bytes
    assert weight_bytes(pipeline.text_encoder) == sizes.encoder_quantized_bytes
    assert residency.sizes == sizes
    with pytest.raises(ValueError, match="quantized"):
        from_pipeline(pipeline, SKETCH_FAMILY)
