"""Assemble the trained parts into a pipeline and write its folder."""

import copy
import json
import tempfile
from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from transformers import Qwen2Tokenizer

from engine.schedule import SHIFT
from engine.sketch.transformer import SketchModel


def assemble(
    autoencoder: AutoencoderKL, tokenizer: Qwen2Tokenizer, network: SketchModel
) -> ZImagePipeline:
    """Assemble the trained parts into a pipeline."""
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=SHIFT),
        vae=autoencoder.eval(),
        text_encoder=network.text_encoder.eval(),  # type: ignore[arg-type]
        tokenizer=tokenizer,  # type: ignore[arg-type]
        transformer=network.transformer.eval(),
    )


def export(pipeline: ZImagePipeline, folder: Path) -> None:
    """Write the pipeline's folder; existing files are replaced one by one, each atomically.

    The transformer's weights are rounded to float16.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as draft:
        pipeline.save_pretrained(draft, safe_serialization=True)
        # Half the bytes in the repository. The other parts are small, and transformers would load
        # an encoder in the format of its file: with float32 there, plain diffusers needs no dtype.
        half = copy.deepcopy(pipeline.transformer).half()
        half.save_pretrained(Path(draft) / "transformer", safe_serialization=True)
        for source in sorted(Path(draft).rglob("*")):
            if source.is_file():
                if source.suffix == ".json":
                    _forget_origin(source)
                target = folder / source.relative_to(draft)
                target.parent.mkdir(parents=True, exist_ok=True)
                source.chmod(0o644)
                source.replace(target)


def _forget_origin(config: Path) -> None:
    """Drop the folder that a part was loaded from: it means nothing on another machine."""
    content = json.loads(config.read_text())
    if isinstance(content, dict) and content.pop("_name_or_path", None):
        config.write_text(json.dumps(content, indent=2) + "\n")
